//! `app.bsky.feed.getFeed`: a page of a feed that a third party puts together.
//!
//! The generator's service is asked for a skeleton, in the caller's name; what it names is hydrated
//! and shown as any other feed. A page that rules leave short is not filled up: asking an algorithm
//! for more moves it on, and what it meant for the next page would never be seen.

use std::collections::{BTreeMap, HashMap};

use millrace_atproto::AtUri;
use millrace_dataplane::query::actor_feeds::GetFeedGenerators;
use millrace_dataplane::query::reposts::{GetReposts, Repost};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::feed_page;
use super::feed_server::{self, Answered, Asked, Item, Reason};
use super::get_feed_generator::ServedBy;
use crate::error::XrpcError;
use crate::page::raw;
use crate::request::params::Params;
use crate::views::feed::{FeedLine, FeedViewPost, LineReason};
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetFeed {
    feed: AtUri,
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    feed: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    /// What else the service said.
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

/// A line as it is shown, with what its feed passes through the reader.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FeedPost<'a> {
    #[serde(flatten)]
    post: FeedViewPost<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    feed_context: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    req_id: Option<&'a str>,
}

/// A line and its context.
struct ContextLine {
    line: FeedLine,
    feed_context: Option<String>,
}

impl Query for GetFeed {
    const NSID: &'static str = "app.bsky.feed.getFeed";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self {
            feed: params.required("feed")?,
            limit: params.limit()?,
            cursor: params.cursor()?,
        })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        // skeleton
        let Answered { skeleton, language } = self.ask(call).await?;
        let cursor = self.next(skeleton.cursor, skeleton.feed.is_empty());
        let mut lines = lines(call, skeleton.feed, self.limit as usize).await?;
        // hydration
        let named: Vec<FeedLine> = lines.iter().map(|line| line.line.clone()).collect();
        let hydrated = feed_page::hydrate(call, &named).await?;
        // rules
        lines.retain(|line| feed_page::is_free_of_blocks_and_mutes(&line.line, &hydrated));
        // presentation
        let views = call.views(&hydrated);
        let mut feed = Vec::with_capacity(lines.len());
        for ContextLine { line, feed_context } in &lines {
            let Some(post) = views.feed_view_post(line) else { continue };
            let req_id = skeleton.req_id.as_deref();
            feed.push(raw(&FeedPost { post, feed_context: feed_context.as_deref(), req_id })?);
        }
        let answer = Json::of(&Answer { feed, cursor, rest: skeleton.rest })?;
        Ok(answer.in_language(language))
    }
}

impl GetFeed {
    /// Asks the service that the feed's record names, whoever may be shown.
    async fn ask(&self, call: &Call<'_>) -> Result<Answered, XrpcError> {
        let not_found = || XrpcError::invalid("could not find feed");
        if self.feed.as_record().is_none() {
            return Err(not_found());
        }
        let question = GetFeedGenerators { uris: vec![self.feed.clone()], viewer: None };
        let known = call.ask(question).await?.feeds.pop().ok_or_else(not_found)?;
        let served: ServedBy = serde_json::from_str(known.record.value.get())?;
        let endpoint = feed_server::endpoint(call, &served.did).await?;
        let (limit, cursor) = (self.limit, self.cursor.as_deref());
        feed_server::skeleton(call, &endpoint, Asked { feed: &self.feed, limit, cursor }).await
    }

    /// Where the next page begins. After an empty page there is none, and a service that gives back
    /// the cursor it was given would be asked for ever.
    fn next(&self, cursor: Option<String>, is_empty: bool) -> Option<String> {
        cursor.filter(|cursor| !is_empty && self.cursor.as_ref() != Some(cursor))
    }
}

/// The lines of a skeleton, cut to a page. Posts are named by DID; a repost must be one of its post.
async fn lines(
    call: &Call<'_>,
    items: Vec<Item>,
    limit: usize,
) -> Result<Vec<ContextLine>, XrpcError> {
    let items: Vec<Item> = items.into_iter().take(limit).collect();
    let reposts = reposts(call, &items).await?;
    let line = |Item { post, reason, feed_context }| {
        let uri = record_uri(&post)?.to_string();
        let reason = match reason {
            None | Some(Reason::Unknown) => None,
            Some(Reason::Pin {}) => Some(LineReason::Pin),
            Some(Reason::Repost { repost }) => {
                let known = reposts.get(&repost).filter(|known| known.subject == uri)?;
                let Repost { cid, sort_at_us, .. } = *known;
                Some(LineReason::Repost { uri: repost, cid, sort_at_us })
            }
        };
        Some(ContextLine { line: FeedLine { uri, reason }, feed_context })
    };
    Ok(items.into_iter().filter_map(line).collect())
}

/// The reposts that a skeleton names, as they are known here.
async fn reposts(call: &Call<'_>, items: &[Item]) -> Result<HashMap<String, Repost>, XrpcError> {
    let named = items.iter().filter_map(|item| match &item.reason {
        Some(Reason::Repost { repost }) => record_uri(repost),
        _ => None,
    });
    let uris: Vec<AtUri> = named.collect();
    if uris.is_empty() {
        return Ok(HashMap::new());
    }
    let found = call.ask(GetReposts { uris }).await?.reposts;
    Ok(found.into_iter().map(|repost| (repost.uri.clone(), repost)).collect())
}

fn record_uri(text: &str) -> Option<AtUri> {
    AtUri::parse(text).ok().filter(|uri| uri.as_record().is_some())
}
