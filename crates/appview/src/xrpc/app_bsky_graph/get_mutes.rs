//! `app.bsky.graph.getMutes`: whom the viewer mutes, the latest first. Accounts of which only
//! reposts or quotes are muted are not listed.

use millrace_atproto::{AtIdentifier, Did};
use millrace_dataplane::query::mutes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::people_page;
use crate::error::XrpcError;
use crate::page::{Page, fill_page};
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetMutes {
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    mutes: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl Query for GetMutes {
    const NSID: &'static str = "app.bsky.graph.getMutes";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { limit: params.limit()?, cursor: params.cursor()? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let page =
            fill_page(self.cursor, self.limit, |cursor, limit| page(call, cursor, limit)).await?;
        Json::of(&Answer { mutes: page.items, cursor: page.cursor })
    }
}

async fn page(call: &Call<'_>, cursor: Option<String>, limit: u32) -> Result<Page, XrpcError> {
    let actor = AtIdentifier::Did(call.account()?.clone());
    let found = call.ask(mutes::GetMutes { actor, limit, cursor }).await?;
    let whole = found.mutes.into_iter().filter(|mute| !mute.only_reposts && !mute.only_quoteposts);
    let people: Vec<Did> = whole.map(|mute| mute.did).collect();
    people_page::page(call, people, found.cursor).await
}
