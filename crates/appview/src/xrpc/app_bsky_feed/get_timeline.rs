//! `app.bsky.feed.getTimeline`: what the accounts the viewer follows posted and reposted, and the
//! viewer's own, newest first.

use millrace_dataplane::query::timeline;

use super::feed_page::{self, FeedSkeleton};
use crate::error::XrpcError;
use crate::page::{Page, fill_page};
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetTimeline {
    limit: u32,
    cursor: Option<String>,
}

impl Query for GetTimeline {
    const NSID: &'static str = "app.bsky.feed.getTimeline";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        // There is one algorithm; whichever is asked for, this is it.
        params.text("algorithm")?;
        Ok(Self { limit: params.limit()?, cursor: params.cursor()? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let page = fill_page(self.cursor, self.limit, |cursor, limit| page(call, cursor, limit));
        feed_page::answer(page.await?)
    }
}

async fn page(call: &Call<'_>, cursor: Option<String>, limit: u32) -> Result<Page, XrpcError> {
    // skeleton, hydration
    let actor = call.account()?.clone();
    let question = timeline::GetTimeline { actor, limit, cursor };
    let (page, hydrated) = call.ask_hydrated(question, feed_page::of_feed()).await?;
    let mut skeleton = FeedSkeleton::of(page);
    // rules
    feed_page::without_blocks_or_mutes(&mut skeleton, &hydrated);
    // presentation
    feed_page::present(call, skeleton, &hydrated)
}
