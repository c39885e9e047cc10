//! `app.bsky.feed.describeFeedGenerator`, `app.bsky.feed.getFeedSkeleton`: homes as they are made here, offered to other
//! AppViews as feeds. Each reader's is their own; posts with a limit are in none of them.

use millrace_atproto::{AtUri, Did};
use millrace_feeds::query::order::Mode;
use serde::Serialize;

use crate::error::XrpcError;
use crate::request::params::Params;
use crate::rest::home::Asked;
use crate::views::feed::FeedLine;
use crate::xrpc::{Call, Json, Query};

/// The record keys under which the publisher declares them.
const FEEDS: [(&str, Mode); 2] = [("home", Mode::Ranked), ("latest", Mode::Chronological)];
const GENERATOR: &str = "app.bsky.feed.generator";

pub(crate) struct DescribeFeedGenerator;

#[derive(Serialize)]
struct Described<'a> {
    did: &'a Did,
    feeds: Vec<Feed>,
}

#[derive(Serialize)]
struct Feed {
    uri: String,
}

pub(crate) struct GetFeedSkeleton {
    feed: AtUri,
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Skeleton {
    feed: Vec<SkeletonPost>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

#[derive(Serialize)]
struct SkeletonPost {
    post: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
}

#[derive(Serialize)]
struct Reason {
    #[serde(rename = "$type")]
    kind: &'static str,
    repost: String,
}

fn publisher<'a>(call: &'a Call<'_>) -> Result<&'a Did, XrpcError> {
    let publisher = call.api().feed_publisher.as_ref();
    publisher.ok_or(XrpcError::NotConfigured("no feeds are offered here: appview.feed_publisher"))
}

impl Query for DescribeFeedGenerator {
    const NSID: &'static str = "app.bsky.feed.describeFeedGenerator";

    fn parse(_: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self)
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let publisher = publisher(call)?;
        let uri = |rkey: &str| format!("at://{publisher}/{GENERATOR}/{rkey}");
        let feeds = FEEDS.iter().map(|(rkey, _)| Feed { uri: uri(rkey) }).collect();
        Json::of(&Described { did: &call.api().service_did, feeds })
    }
}

impl Query for GetFeedSkeleton {
    const NSID: &'static str = "app.bsky.feed.getFeedSkeleton";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self {
            feed: params.required("feed")?,
            limit: params.limit()?,
            cursor: params.cursor()?,
        })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let publisher = publisher(call)?;
        let named = self
            .feed
            .as_record()
            .filter(|(did, collection, _)| *did == publisher && collection.as_str() == GENERATOR);
        let mode = named.and_then(|(_, _, rkey)| {
            FEEDS.iter().find(|(known, _)| *known == rkey.as_str()).map(|(_, mode)| *mode)
        });
        let unknown = || XrpcError::named("UnknownFeed", "no such feed is offered here");
        let asked = Asked::of(mode.ok_or_else(unknown)?, self.limit, self.cursor);
        let (lines, cursor) = asked.public_lines(call).await?;
        let feed = lines.into_iter().map(SkeletonPost::from).collect();
        Json::of(&Skeleton { feed, cursor })
    }
}

impl From<FeedLine> for SkeletonPost {
    fn from(line: FeedLine) -> Self {
        let repost = line.repost().map(str::to_owned);
        let kind = "app.bsky.feed.defs#skeletonReasonRepost";
        Self { reason: repost.map(|repost| Reason { kind, repost }), post: line.uri }
    }
}
