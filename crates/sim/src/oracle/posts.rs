//! Posts: on their own, quoted, and in the place of one that cannot be shown.

use serde_json::Value;

use super::said::Said;
use super::state::{Document, Edge, Edges};
use super::truth::{self, items, kind, text};
use super::view::{View, indexed_at};

/// Levels of posts inside one another, the outermost included.
const LEVELS: u8 = 3;

/// How often something was done to a post.
struct Counts {
    likes: usize,
    reposts: usize,
    replies: usize,
    quotes: usize,
}

impl<'a> View<'a> {
    /// A post that is here and whose author may be shown.
    pub(super) fn shown_post(&self, uri: &str) -> Option<&'a Document> {
        self.now().posts.get(uri).filter(|post| self.now().is_shown(&post.by))
    }

    pub(super) fn post(&self, uri: &str) -> Option<Said> {
        let post = self.shown_post(uri)?;
        let counts = self.counts(uri);
        let gate = self.now().threadgate(uri).filter(|_| !post.is_reply());
        Some(Said::Fields(vec![
            ("uri", Said::text(uri)),
            ("cid", Said::text(&post.cid)),
            ("author", self.basic(&post.by)?),
            ("record", Said::Is(post.value.clone())),
            ("embed", self.embed(post, 1)),
            ("bookmarkCount", Said::count(0)),
            ("likeCount", Said::count(counts.likes)),
            ("repostCount", Said::count(counts.reposts)),
            ("replyCount", Said::count(counts.replies)),
            ("quoteCount", Said::count(counts.quotes)),
            ("indexedAt", indexed_at(post)),
            ("viewer", self.post_viewer(post)),
            ("labels", self.labels(&[uri], Some(post))),
            ("threadgate", gate.map_or(Said::Absent, |gate| self.threadgate(gate))),
        ]))
    }

    fn counts(&self, uri: &str) -> Counts {
        let now = self.now();
        let of = |edges: &Edges| edges.about(uri).filter(|edge| edge.first).count();
        let counted = |reply: &&Document| !self.model.judged(&reply.uri).violates_threadgate;
        Counts {
            likes: of(&now.likes),
            reposts: of(&now.reposts),
            replies: now.replies_to(uri).filter(counted).count(),
            quotes: now.quotes_of(uri).count(),
        }
    }

    /// What the viewer did to a post, and may do.
    fn post_viewer(&self, post: &Document) -> Said {
        let Some(viewer) = self.viewer else { return Said::Absent };
        let now = self.now();
        let own = |edges: &'a Edges| {
            let done = |edge: &&Edge| edge.first && edge.by == viewer;
            Said::maybe_text(edges.about(&post.uri).find(done).map(|edge| edge.uri.as_str()))
        };
        let root = post.root();
        let muted = self.model.own.thread_mutes.iter();
        let pinned = now.profile(viewer).filter(|_| viewer == post.by);
        let pinned = pinned.and_then(|profile| text(&profile.value, "/pinnedPost/uri"));
        Said::Fields(vec![
            ("like", own(&now.likes)),
            ("repost", own(&now.reposts)),
            ("bookmarked", Said::truth(false)),
            (
                "threadMuted",
                Said::truth(muted.clone().any(|(by, thread)| by == viewer && thread == root)),
            ),
            ("replyDisabled", self.reply_disabled(post, viewer)),
            ("embeddingDisabled", Said::truth(!now.may_quote(viewer, &post.uri))),
            ("pinned", pinned.map_or(Said::Absent, |uri| Said::truth(uri == post.uri))),
        ])
    }

    /// Whether the viewer may not reply; nothing is said where no gate stands.
    fn reply_disabled(&self, post: &Document, viewer: &str) -> Said {
        let (now, root) = (self.now(), post.root());
        if self.model.judged(&post.uri).violates_threadgate {
            return Said::truth(true);
        }
        match now.threadgate(root) {
            None => Said::Absent,
            // Who owns a thread whose root is gone is not looked up.
            Some(_) if !now.posts.contains_key(root) => Said::Unknown,
            Some(_) => Said::truth(!now.may_reply(viewer, root)),
        }
    }

    pub(super) fn threadgate(&self, gate: &Document) -> Said {
        let rules = items(&gate.value, "/allow").iter();
        let lists = rules.filter(|rule| kind(rule) == "app.bsky.feed.threadgate#listRule");
        let lists = lists.filter_map(|rule| self.list_basic(text(rule, "/list")?));
        Said::Fields(vec![
            ("uri", Said::text(&gate.uri)),
            ("cid", Said::text(&gate.cid)),
            ("record", Said::Is(gate.value.clone())),
            ("lists", Said::Items(lists.collect())),
        ])
    }

    /// A post that something refers to.
    pub(super) fn maybe_post(&self, uri: &str) -> Said {
        match self.shown_post(uri).and_then(|_| self.post(uri)) {
            None => not_found(uri),
            Some(_) if self.blocks(truth::did_of(uri)) => self.blocked(uri),
            Some(post) => post.and([("$type", Said::text("app.bsky.feed.defs#postView"))]),
        }
    }

    pub(super) fn blocked(&self, uri: &str) -> Said {
        Said::Fields(vec![
            ("$type", Said::text("app.bsky.feed.defs#blockedPost")),
            ("uri", Said::text(uri)),
            ("blocked", Said::truth(true)),
            ("author", Said::Fields(vec![("did", Said::text(truth::did_of(uri)))])),
        ])
    }

    /// What a post shows beside its text. `level` counts the posts it stands in, itself included.
    fn embed(&self, post: &Document, level: u8) -> Said {
        let Some(embed) = post.value.get("embed").filter(|_| level < LEVELS) else {
            return Said::Absent;
        };
        match kind(embed) {
            "app.bsky.embed.record" => Said::Fields(vec![
                ("$type", Said::text("app.bsky.embed.record#view")),
                ("record", self.embedded(post, level)),
            ]),
            "app.bsky.embed.recordWithMedia" => {
                match media(&post.by, embed.get("media").unwrap_or(&Value::Null)) {
                    Said::Absent => Said::Absent,
                    media => Said::Fields(vec![
                        ("$type", Said::text("app.bsky.embed.recordWithMedia#view")),
                        ("media", media),
                        ("record", Said::Fields(vec![("record", self.embedded(post, level))])),
                    ]),
                }
            }
            _ => media(&post.by, embed),
        }
    }

    /// The record a post embeds, or why it is not shown.
    fn embedded(&self, post: &Document, level: u8) -> Said {
        let (now, uri) = (self.now(), post.embedded().unwrap_or_default());
        let author = truth::did_of(uri);
        let instead = |kind: &str, field: &'static str| {
            Said::Fields(vec![
                ("$type", Said::text(format!("app.bsky.embed.record#{kind}"))),
                ("uri", Said::text(uri)),
                (field, Said::truth(true)),
            ])
        };
        if self.blocks(author) || now.is_blocked_between(&post.by, author) {
            return instead("viewBlocked", "blocked");
        }
        if self.model.judged(&post.uri).violates_postgate {
            return instead("viewDetached", "detached");
        }
        let of_kind = |said: Said, kind: &str| said.and([("$type", Said::text(kind))]);
        let view = match truth::collection_of(uri) {
            super::state::POST => {
                let detached = now.postgate(uri).is_some_and(|gate| {
                    let uris = items(&gate.value, "/detachedEmbeddingUris");
                    uris.iter().any(|detached| detached.as_str() == Some(&post.uri))
                });
                match self.quoted(uri, level) {
                    Some(_) if detached => return instead("viewDetached", "detached"),
                    quoted => quoted,
                }
            }
            super::state::GENERATOR => {
                self.generator(uri).map(|view| of_kind(view, "app.bsky.feed.defs#generatorView"))
            }
            super::state::LIST => {
                self.list(uri).map(|view| of_kind(view, "app.bsky.graph.defs#listView"))
            }
            super::state::LABELER => {
                self.labeler(author).map(|view| of_kind(view, "app.bsky.labeler.defs#labelerView"))
            }
            super::state::STARTER_PACK => self
                .starter_pack_basic(uri)
                .map(|view| of_kind(view, "app.bsky.graph.defs#starterPackViewBasic")),
            _ => None,
        };
        view.unwrap_or_else(|| instead("viewNotFound", "notFound"))
    }

    /// A post inside another one.
    fn quoted(&self, uri: &str, level: u8) -> Option<Said> {
        let post = self.shown_post(uri)?;
        let counts = self.counts(uri);
        let embeds = match self.embed(post, level + 1) {
            _ if level > 1 => Said::Absent,
            Said::Absent => Said::Items(Vec::new()),
            embed => Said::Items(vec![embed]),
        };
        Some(Said::Fields(vec![
            ("$type", Said::text("app.bsky.embed.record#viewRecord")),
            ("uri", Said::text(uri)),
            ("cid", Said::text(&post.cid)),
            ("author", self.basic(&post.by)?),
            ("value", Said::Is(post.value.clone())),
            ("likeCount", Said::count(counts.likes)),
            ("repostCount", Said::count(counts.reposts)),
            ("replyCount", Said::count(counts.replies)),
            ("quoteCount", Said::count(counts.quotes)),
            ("indexedAt", indexed_at(post)),
            ("embeds", embeds),
        ]))
    }
}

pub(super) fn not_found(uri: &str) -> Said {
    Said::Fields(vec![
        ("$type", Said::text("app.bsky.feed.defs#notFoundPost")),
        ("uri", Said::text(uri)),
        ("notFound", Said::truth(true)),
    ])
}

/// Media of a post; nothing where its kind is not known.
fn media(did: &str, media: &Value) -> Said {
    let link = |value: &Value, pointer: &str| {
        let cid = text(value, pointer).unwrap_or_default().to_owned();
        Said::Mentions(vec![did.to_owned(), cid])
    };
    match kind(media) {
        "app.bsky.embed.images" => {
            let image = |image: &Value| {
                Said::Fields(vec![
                    ("alt", Said::maybe(image.get("alt"))),
                    ("thumb", link(image, "/image/ref/$link")),
                    ("fullsize", link(image, "/image/ref/$link")),
                    ("aspectRatio", Said::maybe(image.get("aspectRatio"))),
                ])
            };
            let images = items(media, "/images").iter().map(image).collect();
            of_media("app.bsky.embed.images#view", vec![("images", Said::Items(images))])
        }
        "app.bsky.embed.video" => of_media(
            "app.bsky.embed.video#view",
            vec![
                ("cid", Said::maybe(media.pointer("/video/ref/$link"))),
                ("alt", Said::maybe(media.get("alt"))),
            ],
        ),
        "app.bsky.embed.gallery" => of_media("app.bsky.embed.gallery#view", Vec::new()),
        "app.bsky.embed.external" => {
            let part = |name: &str| Said::maybe(media.pointer(&format!("/external/{name}")));
            let external = Said::Fields(vec![
                ("uri", part("uri")),
                ("title", part("title")),
                ("description", part("description")),
            ]);
            of_media("app.bsky.embed.external#view", vec![("external", external)])
        }
        _ => Said::Absent,
    }
}

fn of_media(kind: &str, mut fields: Vec<(&'static str, Said)>) -> Said {
    fields.push(("$type", Said::text(kind)));
    Said::Fields(fields)
}
