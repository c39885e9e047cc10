//! `app.bsky.graph.getList`: a list and who is on it, the latest first. Those between whom and the
//! list's creator a block stands are shown to the creator only, unless the list is for moderation,
//! where a block is the point.

use std::borrow::Cow;

use millrace_atproto::{AtUri, Did};
use millrace_dataplane::model::List;
use millrace_dataplane::query::lists;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::page::{Page, fill_page, raw, raw_all};
use crate::request::params::Params;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetList {
    list: AtUri,
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    list: Box<RawValue>,
    items: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct Purpose<'a> {
    #[serde(borrow)]
    purpose: Cow<'a, str>,
}

impl Query for GetList {
    const NSID: &'static str = "app.bsky.graph.getList";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self {
            list: params.required("list")?,
            limit: params.limit()?,
            cursor: params.cursor()?,
        })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let Self { list, limit, cursor } = self;
        let page =
            fill_page(cursor, limit, |cursor, limit| page(call, &list, cursor, limit)).await?;
        Json::of(&Answer { list: page.rest, items: page.items, cursor: page.cursor })
    }
}

async fn page(
    call: &Call<'_>,
    uri: &AtUri,
    cursor: Option<String>,
    limit: u32,
) -> Result<Page<Box<RawValue>>, XrpcError> {
    // skeleton
    let not_found = || XrpcError::invalid("List not found");
    let (creator, ..) = uri.as_record().ok_or_else(not_found)?;
    let question = lists::GetListItems { list: uri.clone(), limit, cursor };
    let mut found = call.ask(question).await?;
    // hydration
    let actors: Vec<Did> = found.items.iter().map(|item| item.subject.clone()).collect();
    let skeleton = Skeleton { lists: vec![uri.clone()], actors, ..Skeleton::default() };
    let hydrated = call.hydrate(skeleton).await?;
    // rules
    let uri = uri.to_string();
    let shows_all =
        call.viewer() == Some(creator) || hydrated.list(&uri).is_some_and(is_for_moderation);
    if !shows_all {
        found.items.retain(|item| !found.blocked.contains(&item.subject));
    }
    // presentation
    let views = call.views(&hydrated);
    let list = views.list(&uri).ok_or_else(not_found)?;
    let items = raw_all(found.items.iter().filter_map(|item| views.list_item(item)))?;
    Ok(Page { items, cursor: found.cursor, rest: raw(&list)? })
}

fn is_for_moderation(list: &List) -> bool {
    let record: Result<Purpose<'_>, _> = serde_json::from_str(list.record.value.get());
    record.is_ok_and(|record| record.purpose == "app.bsky.graph.defs#modlist")
}
