//! `app.bsky.unspecced.getPopularFeedGenerators`: the feeds that are liked most, or those of them whose names
//! have some words.

use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::app_bsky_feed::suggested_feeds;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetPopularFeedGenerators {
    query: String,
    limit: u32,
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
        suggested_feeds::answer(call, &query, cursor, limit).await
    }
}
