//! `app.bsky.feed.getSuggestedFeeds`: the feeds that are liked most.

use serde::Serialize;
use serde_json::value::RawValue;

use super::suggested_feeds;
use crate::error::XrpcError;
use crate::page::fill_page;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetSuggestedFeeds {
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    feeds: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl Query for GetSuggestedFeeds {
    const NSID: &'static str = "app.bsky.feed.getSuggestedFeeds";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { limit: params.limit()?, cursor: params.cursor()? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let page = |cursor, limit| suggested_feeds::page(call, "", cursor, limit);
        let page = fill_page(self.cursor, self.limit, page).await?;
        Json::of(&Answer { feeds: page.items, cursor: page.cursor })
    }
}
