//! One moment of the network, sorted: posts, edges between accounts and records, documents.
//!
//! Several records may say the same (two likes of one post by one account); they count once, and
//! the first by record key speaks for them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Deref;

use millrace_atproto::datetime::epoch_us;
use serde_json::Value;

use super::list::Place;
use super::truth::{self, Account, Label, Moment, Record, items, kind, text};

pub(super) const POST: &str = "app.bsky.feed.post";
pub(super) const LIST: &str = "app.bsky.graph.list";
pub(super) const GENERATOR: &str = "app.bsky.feed.generator";
pub(super) const STARTER_PACK: &str = "app.bsky.graph.starterpack";
pub(super) const LABELER: &str = "app.bsky.labeler.service";
pub(super) const MODERATION_LIST: &str = "app.bsky.graph.defs#modlist";
pub(super) const CURATION_LIST: &str = "app.bsky.graph.defs#curatelist";

/// A record with its name.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub uri: String,
    pub by: String,
    pub cid: String,
    pub value: Value,
    /// Where its sort time puts it.
    pub place: Place,
    /// Since when there is a record under its name, and whether it was another one before.
    pub created_us: i64,
    pub edited: bool,
}

/// A record whose point is what it points at.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    pub uri: String,
    pub by: String,
    /// A DID, or the URI of a record.
    pub subject: String,
    /// The repost through which its author came to the subject.
    pub via: Option<String>,
    pub created_us: Option<i64>,
    pub place: Place,
    pub cid: String,
    pub value: Value,
    /// Whether it speaks for its pair of author and subject.
    pub first: bool,
}

/// Edges of one kind, by name and by what they point at.
#[derive(Debug, Clone, Default)]
pub(super) struct Edges {
    all: Vec<Edge>,
    by_uri: HashMap<String, usize>,
    about: HashMap<String, Vec<usize>>,
}

impl Edges {
    /// Those that point at `subject`.
    pub(super) fn about(&self, subject: &str) -> impl Iterator<Item = &Edge> {
        let at = self.about.get(subject).map(Vec::as_slice).unwrap_or_default();
        at.iter().map(|at| &self.all[*at])
    }

    pub(super) fn find(&self, uri: &str) -> Option<&Edge> {
        self.by_uri.get(uri).map(|at| &self.all[*at])
    }

    fn add(&mut self, edge: Option<Edge>) {
        let Some(edge) = edge else { return };
        self.by_uri.insert(edge.uri.clone(), self.all.len());
        self.about.entry(edge.subject.clone()).or_default().push(self.all.len());
        self.all.push(edge);
    }
}

impl Deref for Edges {
    type Target = [Edge];

    fn deref(&self) -> &[Edge] {
        &self.all
    }
}

/// Somebody on a list.
#[derive(Debug, Clone)]
pub(super) struct ListItem {
    pub list: String,
    pub edge: Edge,
}

/// A moment, sorted.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub accounts: BTreeMap<String, Account>,
    pub touched: BTreeSet<String>,
    pub settled_us: i64,
    /// What labelers say, by subject.
    pub labels: HashMap<String, Vec<Label>>,
    pub posts: BTreeMap<String, Document>,
    /// The posts that answer a post, and those that quote one.
    replies: HashMap<String, Vec<String>>,
    quotes: HashMap<String, Vec<String>>,
    /// Lists, generators, starter packs, labelers, gates, profiles, declarations: all but edges and posts.
    pub documents: BTreeMap<String, Document>,
    pub likes: Edges,
    pub reposts: Edges,
    pub follows: Edges,
    pub blocks: Edges,
    pub list_blocks: Edges,
    pub verifications: Edges,
    pub list_items: Vec<ListItem>,
}

impl State {
    pub(super) fn of(moment: &Moment) -> Self {
        let mut state = Self {
            accounts: moment.accounts.clone(),
            touched: moment.touched.clone(),
            settled_us: moment.settled_us,
            ..Self::default()
        };
        for label in &moment.labels {
            state.labels.entry(label.subject.clone()).or_default().push(label.clone());
        }
        for (did, account) in &moment.accounts {
            for (path, record) in &account.records {
                state.take(did, path, record);
            }
        }
        for edges in [
            &mut state.likes,
            &mut state.reposts,
            &mut state.follows,
            &mut state.blocks,
            &mut state.list_blocks,
            &mut state.verifications,
        ] {
            let edges = edges.all.iter_mut();
            mark_first(edges.map(|edge| (edge.by.clone() + &edge.subject, edge)));
        }
        for (uri, post) in &state.posts {
            for (named, by) in
                [(post.parent(), &mut state.replies), (post.quoted(), &mut state.quotes)]
            {
                let Some(named) = named else { continue };
                by.entry(named.to_owned()).or_default().push(uri.clone());
            }
        }
        let on_list = |item: &ListItem| item.list.clone() + &item.edge.subject;
        mark_first(state.list_items.iter_mut().map(|item| (on_list(item), &mut item.edge)));
        state
    }

    fn take(&mut self, did: &str, path: &str, record: &Record) {
        let uri = format!("at://{did}/{path}");
        let value = &record.value;
        let created_us = text(value, "/createdAt").and_then(epoch_us);
        let indexed_us = (record.created_us, self.settled_us);
        let place = Place::of(created_us, indexed_us, truth::rkey_of(&uri));
        let edge = |pointer: &str| {
            Some(Edge {
                uri: uri.clone(),
                by: did.to_owned(),
                subject: text(value, pointer)?.to_owned(),
                via: text(value, "/via/uri").map(str::to_owned),
                created_us,
                place,
                cid: record.cid.clone(),
                value: value.clone(),
                first: false,
            })
        };
        match truth::collection_of(&uri) {
            "app.bsky.feed.like" => self.likes.add(edge("/subject/uri")),
            "app.bsky.feed.repost" => self.reposts.add(edge("/subject/uri")),
            "app.bsky.graph.follow" => self.follows.add(edge("/subject")),
            "app.bsky.graph.block" => self.blocks.add(edge("/subject")),
            "app.bsky.graph.listblock" => self.list_blocks.add(edge("/subject")),
            "app.bsky.graph.verification" => self.verifications.add(edge("/subject")),
            "app.bsky.graph.listitem" => {
                // Nobody puts anybody on somebody else's list.
                let list = text(value, "/list").filter(|list| truth::did_of(list) == did);
                let item = list.zip(edge("/subject"));
                self.list_items
                    .extend(item.map(|(list, edge)| ListItem { list: list.to_owned(), edge }));
            }
            collection => {
                let document = Document {
                    uri: uri.clone(),
                    by: did.to_owned(),
                    cid: record.cid.clone(),
                    value: value.clone(),
                    place,
                    created_us: record.created_us,
                    edited: record.edited,
                };
                let kept = if collection == POST { &mut self.posts } else { &mut self.documents };
                kept.insert(uri, document);
            }
        }
    }

    /// Whether an account is here and may be shown.
    pub(super) fn is_shown(&self, did: &str) -> bool {
        self.accounts.get(did).is_some_and(|account| account.active)
    }

    pub(super) fn document(&self, did: &str, collection: &str, rkey: &str) -> Option<&Document> {
        self.documents.get(&format!("at://{did}/{collection}/{rkey}"))
    }

    /// Documents of one account in one collection.
    pub(super) fn documents_of<'a>(
        &'a self,
        did: &'a str,
        collection: &'a str,
    ) -> impl Iterator<Item = &'a Document> {
        let prefix = format!("at://{did}/{collection}/");
        self.documents
            .range(prefix.clone()..)
            .take_while(move |(uri, _)| uri.starts_with(&prefix))
            .map(|(_, document)| document)
    }

    pub(super) fn posts_of<'a>(&'a self, did: &'a str) -> impl Iterator<Item = &'a Document> {
        self.posts.values().filter(move |post| post.by == did)
    }

    pub(super) fn profile(&self, did: &str) -> Option<&Document> {
        self.document(did, "app.bsky.actor.profile", "self")
    }

    /// The follow that speaks for the pair.
    pub(super) fn follow(&self, by: &str, subject: &str) -> Option<&Edge> {
        self.follows.about(subject).find(|edge| edge.first && edge.by == by)
    }

    /// The gate over a thread, by its root post.
    pub(super) fn threadgate(&self, root: &str) -> Option<&Document> {
        self.gate(root, "app.bsky.feed.threadgate")
    }

    pub(super) fn postgate(&self, post: &str) -> Option<&Document> {
        self.gate(post, "app.bsky.feed.postgate")
    }

    /// A gate counts where its account and record key are those of the post it names.
    fn gate(&self, post: &str, collection: &str) -> Option<&Document> {
        let gate = self.document(truth::did_of(post), collection, truth::rkey_of(post))?;
        (text(&gate.value, "/post") == Some(post)).then_some(gate)
    }

    /// Those on a list, each once.
    pub(super) fn on_list<'a>(&'a self, list: &'a str) -> impl Iterator<Item = &'a Edge> {
        let on_it = move |item: &&ListItem| item.list == list && item.edge.first;
        self.list_items.iter().filter(on_it).map(|item| &item.edge)
    }

    /// Posts that answer a post.
    pub(super) fn replies_to(&self, uri: &str) -> impl Iterator<Item = &Document> {
        self.named(self.replies.get(uri))
    }

    /// Posts that quote a record.
    pub(super) fn quotes_of(&self, uri: &str) -> impl Iterator<Item = &Document> {
        self.named(self.quotes.get(uri))
    }

    fn named<'a>(&'a self, uris: Option<&'a Vec<String>>) -> impl Iterator<Item = &'a Document> {
        uris.into_iter().flatten().filter_map(|uri| self.posts.get(uri))
    }
}

/// Of the edges with one key, the one with the smallest record key speaks.
fn mark_first<'a>(edges: impl Iterator<Item = (String, &'a mut Edge)>) {
    let mut first: BTreeMap<String, &'a mut Edge> = BTreeMap::new();
    for (key, edge) in edges {
        let speaks = first.get(&key).is_none_or(|known| comes_before(&edge.uri, &known.uri));
        if speaks {
            first.insert(key, edge);
        }
    }
    first.into_values().for_each(|edge| edge.first = true);
}

fn comes_before(uri: &str, other: &str) -> bool {
    truth::rkey_of(uri) < truth::rkey_of(other)
}

impl Document {
    /// The post it answers.
    pub(super) fn parent(&self) -> Option<&str> {
        text(&self.value, "/reply/parent/uri")
    }

    /// The thread it says it belongs to: its own if it answers nothing.
    pub(super) fn root(&self) -> &str {
        text(&self.value, "/reply/root/uri").unwrap_or(&self.uri)
    }

    pub(super) fn is_reply(&self) -> bool {
        self.value.get("reply").is_some()
    }

    /// The record it embeds, alone or beside media.
    pub(super) fn embedded(&self) -> Option<&str> {
        match text(&self.value, "/embed/$type")? {
            "app.bsky.embed.record" => text(&self.value, "/embed/record/uri"),
            "app.bsky.embed.recordWithMedia" => text(&self.value, "/embed/record/record/uri"),
            _ => None,
        }
    }

    /// The post it embeds.
    pub(super) fn quoted(&self) -> Option<&str> {
        self.embedded().filter(|uri| truth::collection_of(uri) == POST)
    }

    /// Its media, alone or beside a record.
    pub(super) fn media(&self) -> Option<&Value> {
        let embed = self.value.get("embed")?;
        match kind(embed) {
            "app.bsky.embed.recordWithMedia" => embed.get("media"),
            _ => Some(embed),
        }
    }

    /// Accounts that its facets mention.
    pub(super) fn mentions(&self) -> Vec<&str> {
        let features =
            items(&self.value, "/facets").iter().flat_map(|facet| items(facet, "/features"));
        features
            .filter(|feature| kind(feature) == "app.bsky.richtext.facet#mention")
            .filter_map(|feature| text(feature, "/did"))
            .collect()
    }
}
