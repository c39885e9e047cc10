//! `app.bsky.unspecced.getSuggestedFeeds`: a few of the feeds that are liked most.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::page::fill_page;
use crate::request::params::Params;
use crate::xrpc::app_bsky_feed::suggested_feeds;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetSuggestedFeeds {
    limit: u32,
}

#[derive(Serialize)]
struct Answer {
    feeds: Vec<Box<RawValue>>,
}

impl Query for GetSuggestedFeeds {
    const NSID: &'static str = "app.bsky.unspecced.getSuggestedFeeds";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { limit: params.integer("limit", 1, 25, 10)? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let page = |cursor, limit| suggested_feeds::page(call, "", cursor, limit);
        let page = fill_page(None, self.limit, page).await?;
        Json::of(&Answer { feeds: page.items })
    }
}
