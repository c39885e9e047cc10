//! Feeds: an author's, a viewer's timeline, a list's, a viewer's likes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::list::{Item, List, Order, Place};
use super::posts::not_found;
use super::said::Said;
use super::state::{Document, Edge};
use super::truth::{self, kind, text};
use super::view::View;

/// Which of an author's posts are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    All,
    NoReplies,
    Media,
    Video,
    OwnThreads,
}

impl Filter {
    pub(super) const EACH: [Self; 5] =
        [Self::All, Self::NoReplies, Self::Media, Self::Video, Self::OwnThreads];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::All => "posts_with_replies",
            Self::NoReplies => "posts_no_replies",
            Self::Media => "posts_with_media",
            Self::Video => "posts_with_video",
            Self::OwnThreads => "posts_and_author_threads",
        }
    }
}

/// A post in a feed, brought there by its author or by a repost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    post: &'a Document,
    repost: Option<&'a Edge>,
}

impl<'a> Line<'a> {
    fn by(&self) -> &'a str {
        self.repost.map_or(self.post.by.as_str(), |repost| repost.by.as_str())
    }

    fn place(&self) -> Place {
        self.repost.map_or(self.post.place, |repost| repost.place)
    }
}

/// Why a line may not be shown to a viewer.
struct Objections {
    author_blocked: bool,
    author_muted: bool,
    originator_blocked: bool,
    originator_muted: bool,
    ancestor_blocked: bool,
}

impl<'a> View<'a> {
    /// What an account wrote and reposted, as `getAuthorFeed` shows it with all on one page.
    pub(super) fn author_feed(&self, did: &str, filter: Filter, pins: bool) -> List {
        let mut lines: Vec<Line<'_>> =
            self.brought_by(did).into_iter().filter(|line| wanted(line, did, filter)).collect();
        let pinned = self.now().profile(did).filter(|_| pins);
        let pinned = pinned.and_then(|profile| text(&profile.value, "/pinnedPost/uri"));
        let pinned = pinned.filter(|uri| truth::did_of(uri) == did);
        let pinned = pinned.and_then(|uri| self.now().posts.get(uri));
        lines.retain(|line| pinned.is_none_or(|pinned| line.post.uri != pinned.uri));
        if let Some(post) = pinned {
            lines.insert(0, Line { post, repost: None });
        }
        let on_page: BTreeSet<&str> = lines
            .iter()
            .filter(|line| line.repost.is_none())
            .map(|line| line.post.uri.as_str())
            .collect();
        let is_pinned = |line: &Line<'_>| pinned.is_some_and(|pin| pin.uri == line.post.uri);
        let shown = lines.iter().filter(|line| {
            let objections = self.objections(line);
            let whole = filter != Filter::OwnThreads
                || line.repost.is_some()
                || is_pinned(line)
                || self.reaches_root(line.post, &on_page);
            whole
                && !objections.author_blocked
                && !objections.originator_blocked
                && (!objections.author_muted || objections.originator_muted)
        });
        let items: Vec<Item> = shown.filter_map(|line| self.line(line, is_pinned(line))).collect();
        let begins_pinned =
            pinned.is_some_and(|pin| items.first().is_some_and(|i| i.key == pin.uri));
        let order = if begins_pinned { Order::PinnedThenNewest } else { Order::NewestFirst };
        List { key: line_key, order, items }
    }

    /// How many lines an account's feed has before anything is left out.
    pub(super) fn author_lines(&self, did: &str) -> usize {
        self.brought_by(did).len()
    }

    /// What those whom the viewer follows brought, and the viewer.
    pub(super) fn timeline(&self) -> List {
        let Some(viewer) = self.viewer else { return List::newest(line_key, Vec::new()) };
        let follows = self.now().follows.iter().filter(|edge| edge.first && edge.by == viewer);
        let mut sources: BTreeSet<&str> = follows.map(|edge| edge.subject.as_str()).collect();
        sources.insert(viewer);
        let lines = sources.into_iter().flat_map(|did| self.brought_by(did));
        self.feed(lines.filter(|line| self.is_welcome(line)))
    }

    /// What those on a list wrote.
    pub(super) fn list_feed(&self, list: &str) -> List {
        let now = self.now();
        let members: BTreeSet<&str> = now.on_list(list).map(|edge| edge.subject.as_str()).collect();
        let lines = members.into_iter().flat_map(|did| now.posts_of(did));
        let lines = lines.map(|post| Line { post, repost: None });
        let owner = truth::did_of(list);
        let apart = |line: &Line<'_>| now.is_blocked_between(owner, &line.post.by);
        self.feed(lines.filter(|line| self.is_welcome(line) && !apart(line)))
    }

    /// What the viewer likes, the latest likes first.
    pub(super) fn actor_likes(&self) -> List {
        let Some(viewer) = self.viewer else { return List::newest(line_key, Vec::new()) };
        let now = self.now();
        let likes = now.likes.iter().filter(|edge| edge.first && edge.by == viewer);
        let items = likes.filter_map(|like| {
            let post = now.posts.get(&like.subject).filter(|post| !self.blocks(&post.by))?;
            let item = self.line(&Line { post, repost: None }, false)?;
            Some(Item { place: like.place, ..item })
        });
        List::newest(line_key, items.collect())
    }

    fn feed<'l>(&self, lines: impl Iterator<Item = Line<'l>>) -> List {
        let items = lines.filter_map(|line| self.line(&line, false));
        List::newest(line_key, items.collect())
    }

    /// An account's posts and reposts, as far as the posts are here.
    fn brought_by(&self, did: &str) -> Vec<Line<'a>> {
        let now = self.now();
        let own = now.posts.values().filter(|post| post.by == did);
        let own = own.map(|post| Line { post, repost: None });
        let reposts = now.reposts.iter().filter(|edge| edge.first && edge.by == did);
        let reposts = reposts.filter_map(|repost| {
            let post = now.posts.get(&repost.subject)?;
            Some(Line { post, repost: Some(repost) })
        });
        own.chain(reposts).collect()
    }

    fn objections(&self, line: &Line<'_>) -> Objections {
        let now = self.now();
        let author = self.relation(&line.post.by);
        let originator = self.relation(line.by());
        let parent = line.post.parent();
        let grandparent = parent.and_then(|uri| now.posts.get(uri)).and_then(Document::parent);
        let ancestors = [parent, grandparent].into_iter().flatten();
        Objections {
            author_blocked: author.blocks(),
            author_muted: author.mutes(),
            originator_blocked: originator.blocks(),
            originator_muted: originator.mutes(),
            ancestor_blocked: ancestors.into_iter().any(|uri| self.blocks(truth::did_of(uri))),
        }
    }

    /// Whether a line may stand where the viewer did not ask for its author.
    fn is_welcome(&self, line: &Line<'_>) -> bool {
        let objections = self.objections(line);
        !(objections.author_blocked
            || objections.author_muted
            || objections.originator_blocked
            || objections.originator_muted
            || objections.ancestor_blocked)
    }

    /// Whether a post's thread up to its root is in the feed.
    fn reaches_root(&self, post: &Document, on_page: &BTreeSet<&str>) -> bool {
        let mut next = post;
        let mut passed = BTreeSet::new();
        loop {
            let known = on_page.contains(next.uri.as_str()) && self.now().is_shown(&next.by);
            if !known || !passed.insert(next.uri.as_str()) {
                return false;
            }
            let Some(parent) = next.parent() else { return true };
            let Some(found) = self.now().posts.get(parent) else { return false };
            next = found;
        }
    }

    /// The view of a line; none if its post or who reposted it may not be shown.
    fn line(&self, line: &Line<'_>, is_pinned: bool) -> Option<Item> {
        let post = self.post(&line.post.uri)?;
        let reason = match line.repost {
            _ if is_pinned => {
                Said::Fields(vec![("$type", Said::text("app.bsky.feed.defs#reasonPin"))])
            }
            None => Said::Absent,
            Some(repost) => Said::Fields(vec![
                ("$type", Said::text("app.bsky.feed.defs#reasonRepost")),
                ("by", self.basic(&repost.by)?),
                ("uri", Said::text(&repost.uri)),
                ("indexedAt", Said::Between(repost.place.first_us, repost.place.last_us)),
            ]),
        };
        let said = Said::Fields(vec![
            ("post", post),
            ("reason", reason),
            ("reply", self.reply_ref(line.post)),
        ]);
        let key = named(&line.post.uri, line.repost.map(|repost| repost.uri.as_str()));
        Some(Item { key, place: line.place(), sure: true, said })
    }

    /// What a reply in a feed answers.
    fn reply_ref(&self, post: &Document) -> Said {
        let Some(parent) = post.parent() else { return Said::Absent };
        if self.model.judged(&post.uri).violates_threadgate {
            return Said::Absent;
        }
        let (now, root) = (self.now(), post.root());
        let apart = |one: &str, other: &str| {
            now.is_blocked_between(truth::did_of(one), truth::did_of(other))
        };
        let known = |uri: &str| self.shown_post(uri).is_some();
        let parent_apart = known(parent) && apart(&post.uri, parent);
        // Posts that are not known block nobody.
        let parent_root = now.posts.get(parent).filter(|parent| parent.is_reply());
        let parent_root_apart = parent_root.is_some_and(|post| apart(&post.uri, post.root()));
        let root_apart = known(root) && (apart(&post.uri, root) || parent_root_apart);
        let stands = |uri: &str, apart: bool| match self.maybe_post(uri) {
            _ if apart && self.shown_post(uri).is_some() => self.blocked(uri),
            said => said,
        };
        let shown_parent =
            self.shown_post(parent).filter(|found| !parent_apart && !self.blocks(&found.by));
        let grandparent = shown_parent.and_then(Document::parent).map(truth::did_of);
        let grandparent = grandparent.and_then(|did| self.basic(did));
        Said::Fields(vec![
            ("root", if known(root) { stands(root, root_apart) } else { not_found(root) }),
            (
                "parent",
                if known(parent) { stands(parent, parent_apart) } else { not_found(parent) },
            ),
            ("grandparentAuthor", grandparent.unwrap_or(Said::Absent)),
        ])
    }
}

/// A line's name: the post and the repost that brought it.
fn named(post: &str, repost: Option<&str>) -> String {
    repost.map_or_else(|| post.to_owned(), |repost| format!("{post} by {repost}"))
}

fn line_key(view: &Value) -> String {
    named(text(view, "/post/uri").unwrap_or_default(), text(view, "/reason/uri"))
}

fn wanted(line: &Line<'_>, did: &str, filter: Filter) -> bool {
    let media = || line.post.media().map_or("", kind);
    let own = line.repost.is_none();
    match filter {
        Filter::All => true,
        Filter::NoReplies => !own || !line.post.is_reply(),
        Filter::Media => {
            own && ["app.bsky.embed.images", "app.bsky.embed.gallery"].contains(&media())
        }
        Filter::Video => own && media() == "app.bsky.embed.video",
        Filter::OwnThreads => {
            !own || !line.post.is_reply() || truth::did_of(line.post.root()) == did
        }
    }
}
