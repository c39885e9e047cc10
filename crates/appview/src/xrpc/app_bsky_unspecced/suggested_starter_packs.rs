//! The starter packs by which most came, a few of them.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::page::fill_page;
use crate::request::params::Params;
use crate::xrpc::app_bsky_graph::starter_pack_search;
use crate::xrpc::{Call, Json};

pub(super) struct SuggestedStarterPacks {
    limit: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    starter_packs: Vec<Box<RawValue>>,
}

impl SuggestedStarterPacks {
    pub(super) fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { limit: params.integer("limit", 1, 25, 10)? })
    }

    pub(super) async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let page = |cursor, limit| starter_pack_search::whole_page(call, "", cursor, limit);
        let page = fill_page(None, self.limit, page).await?;
        Json::of(&Answer { starter_packs: page.items })
    }
}
