//! One item of a flat thread: a post, or what stands in its place.

use serde::Serialize;

use super::Skeleton;
use crate::views::Views;
use crate::views::blocked::BlockedAuthor;
use crate::views::post::PostView;

/// Where in the thread something stands, and what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub(super) uri: &'a str,
    /// Below the anchor above zero, above it below zero.
    pub(super) depth: i64,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Post(PostPlace),
    /// Its author shows it to nobody who has not signed in.
    NoUnauthenticated,
    NotFound,
    Blocked,
}

/// What is said of a post beside its view.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct PostPlace {
    pub(super) more_parents: bool,
    /// Replies to it that may stand below it here; without, nothing is said of more.
    pub(super) replies_allowed: Option<usize>,
    /// It and all above it are by the author of the root, as far as the thread is shown.
    pub(super) is_op_thread: bool,
    pub(super) hidden_by_threadgate: bool,
    pub(super) muted_by_viewer: bool,
}

/// `app.bsky.unspecced.getPostThreadV2#threadItem`.
#[derive(Debug, Serialize)]
pub(super) struct ThreadItem<'a> {
    uri: &'a str,
    depth: i64,
    value: Value<'a>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "$type")]
enum Value<'a> {
    #[serde(rename = "app.bsky.unspecced.defs#threadItemPost")]
    Post(Box<ThreadItemPost<'a>>),
    #[serde(rename = "app.bsky.unspecced.defs#threadItemNoUnauthenticated")]
    NoUnauthenticated,
    #[serde(rename = "app.bsky.unspecced.defs#threadItemNotFound")]
    NotFound,
    #[serde(rename = "app.bsky.unspecced.defs#threadItemBlocked")]
    Blocked { author: BlockedAuthor<'a> },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ThreadItemPost<'a> {
    post: PostView<'a>,
    more_parents: bool,
    more_replies: i64,
    op_thread: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    op_thread_post_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    op_thread_post_count: Option<usize>,
    hidden_by_threadgate: bool,
    muted_by_viewer: bool,
}

impl<'a> Views<'a> {
    pub(super) fn thread_item(
        &self,
        skeleton: &Skeleton,
        Place { uri, depth, kind }: Place<'a>,
    ) -> Option<ThreadItem<'a>> {
        let value = match kind {
            Kind::Post(place) => {
                Value::Post(Box::new(self.thread_item_post(skeleton, uri, place)?))
            }
            Kind::NoUnauthenticated => Value::NoUnauthenticated,
            Kind::NotFound => Value::NotFound,
            Kind::Blocked => Value::Blocked { author: self.blocked_author(uri)? },
        };
        Some(ThreadItem { uri, depth, value })
    }

    fn thread_item_post(
        &self,
        skeleton: &Skeleton,
        uri: &str,
        place: PostPlace,
    ) -> Option<ThreadItemPost<'a>> {
        let reply_count = self.hydrated.post(uri)?.post.reply_count;
        let allowed = place.replies_allowed.and_then(|allowed| i64::try_from(allowed).ok());
        // The whole of the thread somebody wrote on their own is known better than what is shown.
        let op_thread = &skeleton.op_thread;
        let index = op_thread.get(uri).copied();
        Some(ThreadItemPost {
            post: self.post(uri)?,
            more_parents: place.more_parents,
            more_replies: allowed.map_or(0, |allowed| reply_count.saturating_sub(allowed).max(0)),
            op_thread: if op_thread.is_empty() { place.is_op_thread } else { index.is_some() },
            op_thread_post_index: index,
            op_thread_post_count: index.map(|_| op_thread.len()),
            hidden_by_threadgate: place.hidden_by_threadgate,
            muted_by_viewer: place.muted_by_viewer,
        })
    }
}
