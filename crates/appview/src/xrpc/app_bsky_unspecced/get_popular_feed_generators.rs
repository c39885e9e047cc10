//! `app.bsky.unspecced.getPopularFeedGenerators`: the feeds that are liked most, or those of them whose names
//! have some words.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::page::fill_page;
use crate::request::params::Params;
use crate::xrpc::app_bsky_feed::suggested_feeds;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetPopularFeedGenerators {
    query: String,
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    feeds: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl Query for GetPopularFeedGenerators {
    const NSID: &'static str = "app.bsky.unspecced.getPopularFeedGenerators";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self {
            query: params.text("query")?.unwrap_or_default(),
            limit: params.limit()?,
            cursor: params.cursor()?,
        })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let Self { query, limit, cursor } = self;
        let page = |cursor, limit| suggested_feeds::page(call, &query, cursor, limit);
        let page = fill_page(cursor, limit, page).await?;
        Json::of(&Answer { feeds: page.items, cursor: page.cursor })
    }
}
