//! Lines of a feed: a post, why it is here, and what it answers.

use millrace_atproto::Did;
use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::format_ms_us;
use serde::Serialize;
use serde_json::value::RawValue;

use super::Views;
use super::blocked::BlockedAuthor;
use super::post::PostView;
use crate::hydration::{HydratedPost, author};

/// One line of a feed's skeleton.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FeedLine {
    pub(crate) uri: String,
    pub(crate) reason: Option<LineReason>,
}

impl FeedLine {
    /// The repost that brought the post here.
    pub(crate) fn repost(&self) -> Option<&str> {
        match &self.reason {
            Some(LineReason::Repost { uri, .. }) => Some(uri),
            _ => None,
        }
    }
}

/// Why a post stands in a feed, unless its author wrote it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LineReason {
    /// Its author pinned it to the top of their profile.
    Pin,
    Repost {
        uri: String,
        /// Where it is known.
        cid: Option<Cid>,
        sort_at_us: i64,
    },
}

/// `app.bsky.feed.defs#feedViewPost`.
#[derive(Debug, Serialize)]
pub(crate) struct FeedViewPost<'a> {
    post: PostView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<ReplyRef<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "$type")]
enum Reason<'a> {
    #[serde(rename = "app.bsky.feed.defs#reasonPin")]
    Pin,
    #[serde(rename = "app.bsky.feed.defs#reasonRepost", rename_all = "camelCase")]
    Repost {
        by: &'a RawValue,
        uri: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        cid: Option<Cid>,
        indexed_at: String,
    },
}

/// `app.bsky.feed.defs#replyRef`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ReplyRef<'a> {
    root: MaybePost<'a>,
    parent: MaybePost<'a>,
    /// Whom the parent answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    grandparent_author: Option<&'a RawValue>,
}

/// A post that is referred to and may be gone or behind a block.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum MaybePost<'a> {
    Post(&'a RawValue),
    Hidden(HiddenPost<'a>),
}

/// What stands where a post is not shown.
#[derive(Debug, Serialize)]
#[serde(tag = "$type")]
pub(crate) enum HiddenPost<'a> {
    #[serde(rename = "app.bsky.feed.defs#notFoundPost", rename_all = "camelCase")]
    NotFound { uri: &'a str, not_found: bool },
    #[serde(rename = "app.bsky.feed.defs#blockedPost")]
    Blocked { uri: &'a str, blocked: bool, author: BlockedAuthor<'a> },
}

impl<'a> Views<'a> {
    /// The view of a line whose post, and whoever reposted it, may be shown.
    pub(crate) fn feed_view_post(&self, line: &'a FeedLine) -> Option<FeedViewPost<'a>> {
        let reason = match &line.reason {
            None => None,
            Some(LineReason::Pin) => Some(Reason::Pin),
            Some(LineReason::Repost { uri, cid, sort_at_us }) => {
                Some(self.repost(uri, *cid, *sort_at_us)?)
            }
        };
        let post = self.post(&line.uri)?;
        let known = self.hydrated.post(&line.uri);
        let reply = known.filter(|known| !known.post.violates_threadgate);
        Some(FeedViewPost { post, reason, reply: reply.and_then(|known| self.reply_ref(known)) })
    }

    fn repost(&self, uri: &'a str, cid: Option<Cid>, sort_at_us: i64) -> Option<Reason<'a>> {
        if self.hydrated.is_hidden_here(uri) {
            return None;
        }
        let by = self.profile_basic(&author(uri)?)?;
        Some(Reason::Repost { by, uri, cid, indexed_at: format_ms_us(sort_at_us) })
    }

    /// What a reply answers. Blocks between its author and those above count for everybody, and so
    /// does one between the author of the parent and that of the root.
    fn reply_ref(&self, known: &'a HydratedPost) -> Option<ReplyRef<'a>> {
        let reply = known.reply.as_ref()?;
        let respected = self.hydrated.respects_blocks_between_others();
        let parent = match respected && known.post.parent_blocked {
            true => MaybePost::Hidden(self.post_behind_block(&reply.parent)),
            false => self.maybe_post(&reply.parent),
        };
        let above = self.hydrated.post(&reply.parent);
        // Also where the parent itself is not shown.
        let root_blocked = known.post.root_blocked
            || self.hydrated.any_post(&reply.parent).is_some_and(|above| above.post.root_blocked);
        let root = match respected && root_blocked {
            true => MaybePost::Hidden(self.post_behind_block(&reply.root)),
            false => self.maybe_post(&reply.root),
        };
        let grandparent = above.and_then(HydratedPost::parent).and_then(author);
        let grandparent: Option<Did> = grandparent.filter(|_| matches!(parent, MaybePost::Post(_)));
        let grandparent_author = grandparent.and_then(|did| self.profile_basic(&did));
        Some(ReplyRef { root, parent, grandparent_author })
    }

    /// A post, or why it is not shown.
    pub(crate) fn maybe_post(&self, uri: &'a str) -> MaybePost<'a> {
        if self.hydrated.post(uri).is_some() && self.hydrated.post_blocked(uri) {
            return MaybePost::Hidden(self.blocked_post(uri));
        }
        let post = self.referred_post(uri).map(MaybePost::Post);
        post.unwrap_or_else(|| MaybePost::Hidden(self.not_found_post(uri)))
    }

    /// A post that is not shown for a block between others; one that is not there is not found.
    fn post_behind_block(&self, uri: &'a str) -> HiddenPost<'a> {
        match self.hydrated.post(uri) {
            Some(_) => self.blocked_post(uri),
            None => self.not_found_post(uri),
        }
    }

    pub(crate) fn not_found_post(&self, uri: &'a str) -> HiddenPost<'a> {
        HiddenPost::NotFound { uri, not_found: true }
    }

    pub(crate) fn blocked_post(&self, uri: &'a str) -> HiddenPost<'a> {
        match self.blocked_author(uri) {
            Some(author) => HiddenPost::Blocked { uri, blocked: true, author },
            None => self.not_found_post(uri),
        }
    }
}
