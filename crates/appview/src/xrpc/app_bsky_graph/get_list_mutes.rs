//! `app.bsky.graph.getListMutes`: the lists whose accounts the viewer mutes, the latest list first.

use millrace_dataplane::query::mutes;

use super::list_page::{self, Lists};
use crate::error::XrpcError;
use crate::page::{Page, fill_page};
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetListMutes {
    limit: u32,
    cursor: Option<String>,
}

impl Query for GetListMutes {
    const NSID: &'static str = "app.bsky.graph.getListMutes";

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
    let found = call.ask(mutes::GetListMutes { actor, limit, cursor }).await?;
    list_page::page(call, found).await
}
