//! `app.bsky.graph.getBlocks`: whom the viewer blocks by records of its own, the latest first.

use millrace_atproto::{AtIdentifier, Did};
use millrace_dataplane::query::blocks;
use serde::Serialize;
use serde_json::value::RawValue;

use super::people_page;
use crate::error::XrpcError;
use crate::page::{Page, fill_page};
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetBlocks {
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    blocks: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl Query for GetBlocks {
    const NSID: &'static str = "app.bsky.graph.getBlocks";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { limit: params.limit()?, cursor: params.cursor()? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let page =
            fill_page(self.cursor, self.limit, |cursor, limit| page(call, cursor, limit)).await?;
        Json::of(&Answer { blocks: page.items, cursor: page.cursor })
    }
}

async fn page(call: &Call<'_>, cursor: Option<String>, limit: u32) -> Result<Page, XrpcError> {
    let actor = AtIdentifier::Did(call.account()?.clone());
    let found = call.ask(blocks::GetBlocks { actor, limit, cursor }).await?;
    let people: Vec<Did> = found.blocks.into_iter().map(|block| block.did).collect();
    people_page::page(call, people, found.cursor).await
}
