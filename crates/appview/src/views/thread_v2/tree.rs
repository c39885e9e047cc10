//! Which posts of a thread are shown, and where.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use millrace_atproto::Did;
use serde::Deserialize;

use super::item::{Kind, Place, PostPlace};
use super::order::{Rank, Sort, Sortable, compare};
use super::{Options, Skeleton};
use crate::hydration::{HydratedPost, author};
use crate::views::Views;

/// A reply that is nothing but this pins the thread for its author.
const PIN: &str = "📌";

/// The places of a thread, from the top.
pub(super) struct Thread<'a> {
    pub(super) items: Vec<Place<'a>>,
    pub(super) has_other_replies: bool,
}

/// A thread as its replies are looked up.
struct Replies<'a> {
    views: Views<'a>,
    skeleton: &'a Skeleton,
    root: &'a str,
    root_author: Option<Did>,
    children: HashMap<&'a str, Vec<&'a str>>,
}

/// Why a reply is on the other list; for none of these reasons it is there because it is a pin.
#[derive(Debug, Clone, Copy)]
struct Other {
    hidden_by_threadgate: bool,
    muted_by_viewer: bool,
}

pub(super) fn thread<'a>(views: Views<'a>, skeleton: &'a Skeleton, options: Options) -> Thread<'a> {
    let uri = skeleton.anchor.as_str();
    let alone =
        |kind| Thread { items: vec![Place { uri, depth: 0, kind }], has_other_replies: false };
    let Some(anchor) = views.hydrated.post(uri) else { return alone(Kind::NotFound) };
    if views.hydrated.blocked(&anchor.post.author) {
        return alone(Kind::Blocked);
    }
    let replies = Replies::of(views, skeleton, anchor);
    // What its thread's gate does not allow stands without what is around it.
    let reach = match anchor.post.violates_threadgate {
        true => Options { above: 0, below: 0, ..options },
        false => options,
    };
    let (mut items, above_is_op_thread) = replies.parents(anchor, reach.above);
    let is_op_thread = above_is_op_thread && replies.is_by_root_author(anchor);
    if views.hidden_from_anonymous(&anchor.post.author) {
        items.push(Place { uri, depth: 0, kind: Kind::NoUnauthenticated });
        return Thread { items, has_other_replies: false };
    }
    let place = PostPlace { is_op_thread, ..PostPlace::default() };
    items.push(Place { uri, depth: 0, kind: Kind::Post(place) });
    let has_other_replies = reach.below > 0 && replies.has_other(uri);
    replies.push_below(&mut items, anchor, (1, is_op_thread), reach);
    Thread { items, has_other_replies }
}

/// The replies to the anchor that are on the other list.
pub(super) fn other_replies<'a>(views: Views<'a>, skeleton: &'a Skeleton) -> Vec<Place<'a>> {
    let anchor = views.hydrated.post(&skeleton.anchor);
    let Some(anchor) = anchor.filter(|anchor| !views.hydrated.blocked(&anchor.post.author)) else {
        return Vec::new();
    };
    let replies = Replies::of(views, skeleton, anchor);
    let mut others: Vec<(Sortable, Place<'a>)> = replies
        .shown(&skeleton.anchor)
        .filter_map(|known| {
            let other = replies.other(known)?;
            let place = PostPlace {
                hidden_by_threadgate: other.hidden_by_threadgate,
                muted_by_viewer: other.muted_by_viewer,
                ..PostPlace::default()
            };
            let rank = replies.rank_of_other(known, other);
            let kind = Kind::Post(place);
            let place = Place { uri: &known.post.uri, depth: 1, kind };
            Some((Sortable::of(known, rank, false), place))
        })
        .collect();
    others.sort_by(|left, right| compare(&left.0, &right.0, Sort::Newest));
    others.into_iter().map(|(_, place)| place).collect()
}

impl<'a> Replies<'a> {
    /// Replies by the post they answer; each once, so that no cycle is followed.
    fn of(views: Views<'a>, skeleton: &'a Skeleton, anchor: &'a HydratedPost) -> Self {
        let mut placed = HashSet::from([skeleton.anchor.as_str()]);
        let mut children: HashMap<&str, Vec<&str>> = HashMap::new();
        for uri in &skeleton.replies {
            let Some(parent) = views.hydrated.post(uri).and_then(HydratedPost::parent) else {
                continue;
            };
            if placed.insert(uri) {
                children.entry(parent).or_default().push(uri);
            }
        }
        let root = anchor.root();
        Self { views, skeleton, root, root_author: author(root), children }
    }

    fn is_by_root_author(&self, known: &HydratedPost) -> bool {
        self.root_author.as_ref() == Some(&known.post.author)
    }

    /// What stands above the anchor, from the top, and whether all of it is one thread of the root's
    /// author.
    fn parents(&self, anchor: &'a HydratedPost, above: u32) -> (Vec<Place<'a>>, bool) {
        let mut chain: Vec<(Place<'a>, Option<&'a HydratedPost>)> = Vec::new();
        let mut seen = HashSet::from([anchor.post.uri.as_str()]);
        let mut child = anchor;
        for depth in (1..=i64::from(above)).map(|height| -height) {
            let Some(uri) = child.parent() else { break };
            let Some((kind, shown)) = self.parent(child, uri).filter(|_| seen.insert(uri)) else {
                break;
            };
            chain.push((Place { uri, depth, kind }, shown));
            let Some(parent) = shown else { break };
            child = parent;
        }
        self.marked(chain)
    }

    /// A parent and what it is shown as; nothing where the thread ends.
    fn parent(&self, child: &HydratedPost, uri: &str) -> Option<(Kind, Option<&'a HydratedPost>)> {
        let hydrated = self.views.hydrated;
        let Some(parent) = hydrated.post(uri) else { return Some((Kind::NotFound, None)) };
        if parent.root() != self.root {
            return None;
        }
        let respected = hydrated.respects_blocks_between_others();
        if hydrated.blocked(&parent.post.author) || (respected && child.post.parent_blocked) {
            return Some((Kind::Blocked, None));
        }
        let kind = match self.views.hidden_from_anonymous(&parent.post.author) {
            true => Kind::NoUnauthenticated,
            false => Kind::Post(PostPlace::default()),
        };
        Some((kind, Some(parent)))
    }

    /// Turns a chain upwards into items from the top, and says of each post what stands above it.
    fn marked(&self, chain: Vec<(Place<'a>, Option<&'a HydratedPost>)>) -> (Vec<Place<'a>>, bool) {
        let mut is_op_thread = true;
        let mut items = Vec::with_capacity(chain.len() + 1);
        for (mut place, shown) in chain.into_iter().rev() {
            let by_root_author = shown.is_some_and(|known| self.is_by_root_author(known));
            is_op_thread = is_op_thread && by_root_author;
            if let Kind::Post(post) = &mut place.kind {
                post.is_op_thread = is_op_thread;
                let answers = shown.is_some_and(|known| known.parent().is_some());
                post.more_parents = answers && items.is_empty();
            }
            items.push(place);
        }
        (items, is_op_thread)
    }

    /// The replies to a post that may be shown at all.
    fn shown(&self, parent: &str) -> impl Iterator<Item = &'a HydratedPost> {
        let children = self.children.get(parent).map_or(&[][..], Vec::as_slice);
        let known = children.iter().filter_map(|uri| self.views.hydrated.post(uri));
        known.filter(|known| self.belongs(known))
    }

    fn belongs(&self, known: &HydratedPost) -> bool {
        let hydrated = self.views.hydrated;
        let post = &known.post;
        let respected = hydrated.respects_blocks_between_others();
        let is_hidden = post.violates_threadgate
            || known.root() != self.root
            || hydrated.blocked(&post.author)
            || (respected && post.parent_blocked)
            || hydrated.held_back(self.views.viewer, &post.author, &post.uri)
            || self.views.hidden_from_anonymous(&post.author);
        !is_hidden
    }

    /// Why a reply is on the other list, if it is.
    fn other(&self, known: &HydratedPost) -> Option<Other> {
        let post = &known.post;
        let hidden_by_threadgate = post.hidden_by_root && self.views.viewer != Some(&post.author);
        let muted_by_viewer = self.views.hydrated.muted(&post.author);
        let is_other = hidden_by_threadgate || muted_by_viewer || is_pin(known);
        is_other.then_some(Other { hidden_by_threadgate, muted_by_viewer })
    }

    fn has_other(&self, parent: &str) -> bool {
        self.shown(parent).any(|known| self.other(known).is_some())
    }

    /// Adds what stands below `parent`, whose replies are at `depth`.
    fn push_below(
        &self,
        items: &mut Vec<Place<'a>>,
        parent: &'a HydratedPost,
        (depth, above_is_op_thread): (u32, bool),
        options: Options,
    ) {
        if depth > options.below {
            return;
        }
        let mut replies: Vec<(Sortable, &'a HydratedPost)> = self
            .shown(&parent.post.uri)
            .filter(|known| self.other(known).is_none())
            .map(|known| (self.sortable(known), known))
            .collect();
        replies.sort_by(|left, right| compare(&left.0, &right.0, options.sort));
        if depth > 1 {
            replies.truncate(options.branching_factor);
        }
        let allowed = if depth == options.below { 0 } else { options.branching_factor };
        for (_, known) in replies {
            let is_op_thread = above_is_op_thread && self.is_by_root_author(known);
            let replies_allowed = Some(allowed);
            let place = PostPlace { replies_allowed, is_op_thread, ..PostPlace::default() };
            let (uri, kind) = (known.post.uri.as_str(), Kind::Post(place));
            items.push(Place { uri, depth: i64::from(depth), kind });
            self.push_below(items, known, (depth + 1, is_op_thread), options);
        }
    }

    fn sortable(&self, known: &HydratedPost) -> Sortable {
        let liked = self.skeleton.liked_by_root_author.contains_key(&known.post.uri);
        Sortable::of(known, self.rank(known), liked)
    }

    fn rank(&self, known: &HydratedPost) -> Rank {
        let post = &known.post;
        let relation = self.views.hydrated.relation(&post.author);
        if self.skeleton.op_thread.contains_key(&post.uri) {
            Rank::OpThread
        } else if self.is_by_root_author(known) {
            Rank::ByRootAuthor
        } else if self.views.viewer == Some(&post.author) {
            Rank::ByViewer
        } else if relation.is_some_and(|relation| relation.following.is_some()) {
            Rank::Followed
        } else {
            Rank::Anybody
        }
    }

    fn rank_of_other(&self, known: &HydratedPost, other: Other) -> Rank {
        if self.is_by_root_author(known) {
            Rank::ByRootAuthor
        } else if self.views.viewer == Some(&known.post.author) {
            Rank::ByViewer
        } else if other.muted_by_viewer {
            Rank::Muted
        } else if other.hidden_by_threadgate {
            Rank::HiddenByThreadgate
        } else {
            Rank::Anybody
        }
    }
}

/// `app.bsky.feed.post`: its text.
#[derive(Deserialize)]
struct Text<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

fn is_pin(known: &HydratedPost) -> bool {
    let record: Option<Text<'_>> = serde_json::from_str(known.post.record.value.get()).ok();
    record.is_some_and(|record| record.text.trim() == PIN)
}
