//! `app.bsky.graph.getListsWithMembership`: the viewer's own lists, the latest first, and whether
//! an account is on them.

use millrace_atproto::{AtIdentifier, Did};
use millrace_dataplane::model::ListItem;
use millrace_dataplane::query::lists::{self, ListPurpose};
use serde::Serialize;
use serde_json::value::RawValue;

use super::list_page::known_uris;
use super::purposes::purposes;
use crate::error::XrpcError;
use crate::page::{Page, fill_page, raw_all};
use crate::request::params::Params;
use crate::views::list::{ListItemView, ListView};
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetListsWithMembership {
    actor: AtIdentifier,
    purposes: Vec<ListPurpose>,
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    lists_with_membership: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// `app.bsky.graph.getListsWithMembership#listWithMembership`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListWithMembership<'a> {
    list: ListView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    list_item: Option<ListItemView<'a>>,
}

impl Query for GetListsWithMembership {
    const NSID: &'static str = "app.bsky.graph.getListsWithMembership";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self {
            actor: params.required("actor")?,
            purposes: purposes(params)?,
            limit: params.limit()?,
            cursor: params.cursor()?,
        })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let actor = call.did_of(&self.actor).await?;
        let actor = actor.ok_or_else(|| XrpcError::invalid("Profile not found"))?;
        let page = fill_page(self.cursor.clone(), self.limit, |cursor, limit| {
            self.page(call, &actor, cursor, limit)
        })
        .await?;
        Json::of(&Answer { lists_with_membership: page.items, cursor: page.cursor })
    }
}

impl GetListsWithMembership {
    async fn page(
        &self,
        call: &Call<'_>,
        actor: &Did,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<Page, XrpcError> {
        if self.purposes.is_empty() {
            return Ok(Page { items: Vec::new(), cursor: None, rest: () });
        }
        // skeleton
        let viewer = call.account()?.clone();
        let purposes = self.purposes.clone();
        let question = lists::GetLists { actor: viewer, purposes, limit, cursor };
        let found = call.ask(question).await?;
        let lists = known_uris(&found.uris)?;
        let question = lists::GetListMembership { actor: actor.clone(), lists: lists.clone() };
        let membership = call.ask(question).await?;
        let item = |list: &String| {
            let uri = membership.items.get(list)?.clone();
            Some(ListItem { uri, subject: actor.clone() })
        };
        let items: Vec<Option<ListItem>> = found.uris.iter().map(item).collect();
        // hydration
        let skeleton = Skeleton { lists, actors: vec![actor.clone()], ..Skeleton::default() };
        let hydrated = call.hydrate(skeleton).await?;
        // presentation
        let views = call.views(&hydrated);
        let shown = found.uris.iter().zip(&items).filter_map(|(uri, item)| {
            let list_item = item.as_ref().and_then(|item| views.list_item(item));
            Some(ListWithMembership { list: views.list(uri)?, list_item })
        });
        Ok(Page { items: raw_all(shown)?, cursor: found.cursor, rest: () })
    }
}
