//! `app.bsky.feed.getSuggestedFeeds`: the feeds that are liked most.

use super::suggested_feeds;
use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetSuggestedFeeds {
    limit: u32,
    cursor: Option<String>,
}

impl Query for GetSuggestedFeeds {
    const NSID: &'static str = "app.bsky.feed.getSuggestedFeeds";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { limit: params.limit()?, cursor: params.cursor()? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        suggested_feeds::answer(call, "", self.cursor, self.limit).await
    }
}
