//! `app.bsky.graph.searchStarterPacksV2`: starter packs by the words of their names, whole.

use serde::Serialize;
use serde_json::value::RawValue;

use super::starter_pack_search;
use crate::error::XrpcError;
use crate::page::fill_page;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct SearchStarterPacksV2 {
    q: String,
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    starter_packs: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    hits_total: u64,
}

impl Query for SearchStarterPacksV2 {
    const NSID: &'static str = "app.bsky.graph.searchStarterPacksV2";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        let limit = params.integer("limit", 1, 100, 25)?;
        Ok(Self { q: params.required("q")?, limit, cursor: params.cursor()? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let Self { q, limit, cursor } = self;
        let page = |cursor, limit| starter_pack_search::whole_page(call, &q, cursor, limit);
        let page = fill_page(cursor, limit, page).await?;
        let (starter_packs, hits_total) = (page.items, page.rest);
        Json::of(&Answer { starter_packs, cursor: page.cursor, hits_total })
    }
}
