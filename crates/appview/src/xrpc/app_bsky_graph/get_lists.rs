//! `app.bsky.graph.getLists`: the lists an account made, the latest first.

use millrace_atproto::{AtIdentifier, Did};
use millrace_dataplane::query::lists::{self, ListPurpose};

use super::list_page::{self, Lists};
use super::purposes::purposes;
use crate::error::XrpcError;
use crate::page::{Page, fill_page};
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetLists {
    actor: AtIdentifier,
    purposes: Vec<ListPurpose>,
    limit: u32,
    cursor: Option<String>,
}

impl Query for GetLists {
    const NSID: &'static str = "app.bsky.graph.getLists";

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
        Json::of(&Lists::from(page))
    }
}

impl GetLists {
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
        let purposes = self.purposes.clone();
        let question = lists::GetLists { actor: actor.clone(), purposes, limit, cursor };
        list_page::page(call, call.ask(question).await?).await
    }
}
