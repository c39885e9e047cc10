//! `app.bsky.feed.getListFeed`: what the accounts on a list posted, newest first. A list that is not
//! known here is an empty feed.

use millrace_atproto::AtUri;
use millrace_dataplane::query::list_feed;

use super::feed_page::{self, FeedSkeleton};
use crate::error::XrpcError;
use crate::page::{Page, fill_page};
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetListFeed {
    list: AtUri,
    limit: u32,
    cursor: Option<String>,
}

impl Query for GetListFeed {
    const NSID: &'static str = "app.bsky.feed.getListFeed";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self {
            list: params.required("list")?,
            limit: params.limit()?,
            cursor: params.cursor()?,
        })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let Self { list, limit, cursor } = self;
        let page = match list.as_record() {
            Some(_) => {
                fill_page(cursor, limit, |cursor, limit| page(call, &list, cursor, limit)).await?
            }
            // Lists are known by DID.
            None => Page { items: Vec::new(), cursor: None, rest: () },
        };
        feed_page::answer(page)
    }
}

async fn page(
    call: &Call<'_>,
    list: &AtUri,
    cursor: Option<String>,
    limit: u32,
) -> Result<Page, XrpcError> {
    // skeleton, hydration
    let question = list_feed::GetListFeed { list: list.clone(), limit, cursor };
    let (page, hydrated) = call.ask_hydrated(question, feed_page::of_feed()).await?;
    let mut skeleton = FeedSkeleton::of(page);
    // rules
    feed_page::without_blocks_or_mutes(&mut skeleton, &hydrated);
    // presentation
    feed_page::present(call, skeleton, &hydrated)
}
