//! Threads as `getPostThread` shows them: parents above an anchor, replies below it, newest first.

use serde_json::Value;

use super::list::{Item, List};
use super::posts::not_found;
use super::said::Said;
use super::state::{Document, Edge};
use super::truth::{self, text};
use super::view::View;

/// How far a thread is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub levels_below: u32,
    pub levels_above: u32,
}

impl<'a> View<'a> {
    /// The thread around a post; none if the post cannot be shown.
    pub(super) fn thread(&self, anchor: &str, bounds: Bounds) -> Option<Said> {
        let post = self.shown_post(anchor)?;
        if self.blocks(&post.by) {
            return Some(self.blocked(anchor));
        }
        let stands_alone = self.model.judged(anchor).violates_threadgate;
        let (parent, replies) = match stands_alone {
            true => (Said::Absent, Said::Absent),
            false => (
                self.thread_parent(post, &mut vec![anchor], bounds.levels_above),
                self.thread_replies(anchor, post, bounds.levels_below),
            ),
        };
        Some(self.in_thread(post)?.and([("parent", parent), ("replies", replies)]))
    }

    /// A post of a thread without its neighbours.
    fn in_thread(&self, post: &Document) -> Option<Said> {
        let author = truth::did_of(post.root());
        let likes = |edge: &&Edge| edge.first && edge.by == author;
        let like = self.now().likes.about(&post.uri).find(likes);
        Some(Said::Fields(vec![
            ("$type", Said::text("app.bsky.feed.defs#threadViewPost")),
            ("post", self.post(&post.uri)?),
            (
                "threadContext",
                Said::Fields(vec![(
                    "rootAuthorLike",
                    Said::maybe_text(like.map(|like| like.uri.as_str())),
                )]),
            ),
        ]))
    }

    /// The post above `child`, which is the last of those already shown; none is shown twice.
    fn thread_parent<'c>(&self, child: &'c Document, shown: &mut Vec<&'c str>, levels: u32) -> Said
    where
        'a: 'c,
    {
        let (Some(uri), Some(levels)) = (child.parent(), levels.checked_sub(1)) else {
            return Said::Absent;
        };
        if self.now().is_blocked_between(&child.by, truth::did_of(uri)) {
            return self.blocked(uri);
        }
        match self.shown_post(uri) {
            None => not_found(uri),
            Some(parent) if parent.root() != child.root() || shown.contains(&uri) => Said::Absent,
            Some(parent) if self.blocks(&parent.by) => self.blocked(uri),
            Some(parent) => match self.in_thread(parent) {
                None => not_found(uri),
                Some(said) => {
                    shown.push(uri);
                    said.and([("parent", self.thread_parent(parent, shown, levels))])
                }
            },
        }
    }

    /// The posts below one in the thread of `anchor`, which is not among them.
    fn thread_replies(&self, uri: &str, anchor: &Document, levels: u32) -> Said {
        let Some(levels) = levels.checked_sub(1) else { return Said::Absent };
        let replies = self.now().replies_to(uri).filter(|reply| reply.uri != anchor.uri);
        let replies = replies.filter_map(|reply| {
            let hidden = self.model.judged(&reply.uri).violates_threadgate
                || self.now().is_blocked_between(&reply.by, truth::did_of(uri))
                || reply.root() != anchor.root();
            self.shown_post(&reply.uri).filter(|_| !hidden)?;
            let said = match self.blocks(&reply.by) {
                true => self.blocked(&reply.uri),
                false => self
                    .in_thread(reply)?
                    .and([("replies", self.thread_replies(&reply.uri, anchor, levels))]),
            };
            Some(Item { key: reply.uri.clone(), place: reply.place, sure: true, said })
        });
        Said::List(List::newest(reply_key, replies.collect()))
    }
}

fn reply_key(view: &Value) -> String {
    text(view, "/post/uri").or(text(view, "/uri")).unwrap_or_default().to_owned()
}
