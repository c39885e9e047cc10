//! Posts: on their own (`postView`), and quoted (`viewRecord`).

use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::format_ms_us;
use serde::Serialize;
use serde_json::value::RawValue;

use super::Views;
use super::embed::EmbedView;
use super::label::{self, Label};
use super::record::PostRecord;
use super::threadgate::ThreadgateView;
use crate::hydration::HydratedPost;

/// Levels of quoted posts that are shown.
const QUOTES_MAX: u8 = 2;

/// `app.bsky.feed.defs#postView`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PostView<'a> {
    uri: &'a str,
    cid: &'a Cid,
    author: &'a RawValue,
    record: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    embed: Option<EmbedView<'a>>,
    bookmark_count: i64,
    reply_count: i64,
    repost_count: i64,
    like_count: i64,
    quote_count: i64,
    indexed_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    viewer: Option<PostViewerState<'a>>,
    labels: Vec<Label<'a>>,
    /// Of a post that begins a thread.
    #[serde(skip_serializing_if = "Option::is_none")]
    threadgate: Option<ThreadgateView<'a>>,
}

/// A post where something else might stand.
#[derive(Serialize)]
#[serde(tag = "$type")]
enum ReferredPost<'a> {
    #[serde(rename = "app.bsky.feed.defs#postView")]
    Post(PostView<'a>),
}

/// `app.bsky.feed.defs#viewerState`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PostViewerState<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    repost: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    like: Option<&'a str>,
    bookmarked: bool,
    thread_muted: bool,
    /// Not said of threads without a gate.
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_disabled: Option<bool>,
    embedding_disabled: bool,
    /// Said to the author only, and only if they pinned any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pinned: Option<bool>,
}

/// `app.bsky.embed.record#viewRecord`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QuotedPost<'a> {
    uri: &'a str,
    cid: &'a Cid,
    author: &'a RawValue,
    value: &'a RawValue,
    labels: Vec<Label<'a>>,
    like_count: i64,
    reply_count: i64,
    repost_count: i64,
    quote_count: i64,
    indexed_at: String,
    /// What it shows itself; absent at the deepest level.
    #[serde(skip_serializing_if = "Option::is_none")]
    embeds: Option<Vec<EmbedView<'a>>>,
}

impl<'a> Views<'a> {
    /// `app.bsky.feed.defs#postView` of a post that may be shown.
    pub(crate) fn post(&self, uri: &str) -> Option<PostView<'a>> {
        self.post_view(self.hydrated.post(uri)?)
    }

    /// The same with its type, where something else might stand: the replies of a page may all answer one.
    pub(super) fn referred_post(&self, uri: &str) -> Option<&'a RawValue> {
        let known = self.hydrated.post(uri)?;
        known.referred.json(|| self.post_view(known).map(ReferredPost::Post))
    }

    fn post_view(&self, known: &'a HydratedPost) -> Option<PostView<'a>> {
        let post = &known.post;
        let record = PostRecord::parse(&post.record.value);
        Some(PostView {
            uri: &post.uri,
            cid: &post.record.cid,
            author: self.profile_basic(&post.author)?,
            record: &post.record.value,
            embed: record.embed.and_then(|embed| self.embed(known, embed, 1)),
            bookmark_count: post.bookmark_count,
            reply_count: post.reply_count,
            repost_count: post.repost_count,
            like_count: post.like_count,
            quote_count: post.quote_count,
            indexed_at: format_ms_us(post.sort_at_us),
            viewer: self.post_viewer_state(known),
            labels: self.post_labels(known, record),
            threadgate: match known.reply {
                None => self.threadgate(&post.uri),
                Some(_) => None,
            },
        })
    }

    /// A post shown inside another one, at level 1 to [`QUOTES_MAX`].
    pub(super) fn quoted_post(&self, uri: &str, level: u8) -> Option<QuotedPost<'a>> {
        let known = self.hydrated.post(uri)?;
        let post = &known.post;
        let record = PostRecord::parse(&post.record.value);
        let embed = |embed| self.embed(known, embed, level + 1);
        let embeds =
            (level < QUOTES_MAX).then(|| record.embed.and_then(embed).into_iter().collect());
        Some(QuotedPost {
            uri: &post.uri,
            cid: &post.record.cid,
            author: self.profile_basic(&post.author)?,
            value: &post.record.value,
            like_count: post.like_count,
            reply_count: post.reply_count,
            repost_count: post.repost_count,
            quote_count: post.quote_count,
            indexed_at: format_ms_us(post.sort_at_us),
            embeds,
            labels: self.post_labels(known, record),
        })
    }

    fn post_viewer_state(&self, known: &'a HydratedPost) -> Option<PostViewerState<'a>> {
        let viewer = self.viewer?;
        let own =
            self.hydrated.actor(&known.post.author).filter(|author| author.actor.did == *viewer);
        let pinned = own.and_then(|author| author.profile.pinned_post.as_ref());
        let relation = known.post.viewer.as_ref();
        let gated = relation.and_then(|relation| relation.reply_disabled);
        Some(PostViewerState {
            repost: relation.and_then(|relation| relation.repost.as_deref()),
            like: relation.and_then(|relation| relation.like.as_deref()),
            bookmarked: relation.is_some_and(|relation| relation.bookmarked),
            thread_muted: relation.is_some_and(|relation| relation.thread_muted),
            reply_disabled: if known.post.violates_threadgate { Some(true) } else { gated },
            embedding_disabled: relation.is_some_and(|relation| relation.embedding_disabled),
            pinned: pinned.map(|pinned| pinned.uri == known.post.uri),
        })
    }

    fn post_labels(&self, known: &'a HydratedPost, record: PostRecord<'_>) -> Vec<Label<'a>> {
        let post = &known.post;
        let mut labels = self.labels(&post.uri);
        labels.extend(label::self_labels(
            &post.author,
            &post.uri,
            &post.record.cid,
            record.self_labels,
            record.created_at_us,
        ));
        labels
    }
}
