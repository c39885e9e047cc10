//! `app.bsky.graph.getListBlocks`: the lists whose accounts the viewer blocks, the latest list
//! first.

use millrace_dataplane::query::blocks;

use super::list_page::{self, Lists};
use crate::error::XrpcError;
use crate::page::{Page, fill_page};
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetListBlocks {
    limit: u32,
    cursor: Option<String>,
}

impl Query for GetListBlocks {
    const NSID: &'static str = "app.bsky.graph.getListBlocks";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { limit: params.limit()?, cursor: params.cursor()? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let page =
            fill_page(self.cursor, self.limit, |cursor, limit| page(call, cursor, limit)).await?;
        Json::of(&Lists::from(page))
    }
}

async fn page(call: &Call<'_>, cursor: Option<String>, limit: u32) -> Result<Page, XrpcError> {
    let actor = call.account()?.clone();
    let found = call.ask(blocks::GetListBlocks { actor, limit, cursor }).await?;
    list_page::page(call, found).await
}
