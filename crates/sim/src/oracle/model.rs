//! The model: the moments of a network, sorted, and what was decided along the way.

use std::collections::{BTreeMap, BTreeSet};

use super::gates;
use super::state::{Document, Edge, State};
use super::truth::{self, Judged, Moment, Own};

/// Knows what every view must say at the last of its moments.
#[derive(Debug, Clone, Default)]
pub struct Model {
    pub(super) states: Vec<State>,
    pub(super) own: Own,
    /// What was decided about each post when it was indexed.
    pub(super) judged: BTreeMap<String, Judged>,
    /// Posts of which the order of indexing decided, which nobody prescribes.
    unsure: Vec<String>,
}

impl Model {
    /// Of the moments of a network, the last of which is asked about. At least one is needed.
    pub fn new(moments: &[Moment], own: Own) -> Self {
        let states = moments.iter().map(State::of).collect();
        let mut model = Self { states, own, ..Self::default() };
        let posts: Vec<String> = model.now().posts.keys().cloned().collect();
        for uri in posts {
            let (judged, is_sure) = gates::judge(&model, &uri);
            if !is_sure {
                model.unsure.push(uri.clone());
            }
            model.judged.insert(uri, judged);
        }
        model
    }

    /// Posts whose judgement depended on the order of indexing: they have to be asked for, see
    /// [`Model::learn`].
    pub fn unsure(&self) -> &[String] {
        &self.unsure
    }

    /// Takes over what was found to have been decided about a post of [`Model::unsure`].
    pub fn learn(&mut self, uri: &str, judged: Judged) {
        if self.unsure.iter().any(|unsure| unsure == uri) {
            self.judged.insert(uri.to_owned(), judged);
        }
    }

    /// What must have been decided about a post.
    pub fn judged(&self, uri: &str) -> Judged {
        self.judged.get(uri).copied().unwrap_or_default()
    }

    /// The network as it is now.
    pub(super) fn now(&self) -> &State {
        self.states.last().expect("invariant: a model has at least one moment")
    }

    /// The moments before and after a post became what it is. Before the first one there was nothing.
    pub(super) fn around(&self, uri: &str, cid: &str) -> (Option<&State>, &State) {
        let was_so = |state: &State| state.posts.get(uri).is_some_and(|post| post.cid == cid);
        let since = self.states.iter().rev().take_while(|state| was_so(state)).count().max(1);
        let after = self.states.len().saturating_sub(since);
        let before = after.checked_sub(1).and_then(|before| self.states.get(before));
        (before, self.states.get(after).unwrap_or_else(|| self.now()))
    }

    /// A document of now as it was at each moment since its record was created.
    pub(super) fn versions_of<'a>(
        &'a self,
        document: &'a Document,
    ) -> impl Iterator<Item = &'a Document> + Clone {
        let versions = self.states.iter().filter_map(|state| state.documents.get(&document.uri));
        versions.filter(|known| known.created_us == document.created_us)
    }

    /// Whether there may have been another record that said the same while this one was made: one of the
    /// kind was deleted by the same account since.
    pub(super) fn may_have_been_second(&self, edge: &Edge) -> bool {
        let made = |state: &State| state.touched.contains(&edge.uri);
        let since = self.states.iter().position(made).unwrap_or_default();
        let kind = format!("at://{}/{}/", edge.by, truth::collection_of(&edge.uri));
        let there = |uri: &str| {
            let path = uri.strip_prefix(&format!("at://{}/", edge.by)).unwrap_or_default();
            self.now().accounts.get(&edge.by).is_some_and(|by| by.records.contains_key(path))
        };
        self.states.iter().skip(since).any(|state| {
            let of_kind = state.touched.range(kind.clone()..);
            of_kind.take_while(|uri| uri.starts_with(&kind)).any(|uri| !there(uri))
        })
    }

    /// DIDs of all accounts that may be shown.
    pub fn shown_accounts(&self) -> Vec<&str> {
        let now = self.now();
        now.accounts.keys().map(String::as_str).filter(|did| now.is_shown(did)).collect()
    }

    /// Accounts that block, directly or by list, and may be shown.
    pub fn those_with_blocks(&self) -> Vec<&str> {
        let now = self.now();
        let blocks = now.list_blocks.iter().chain(now.blocks.iter());
        let mut dids: Vec<&str> = blocks.map(|edge| edge.by.as_str()).collect();
        dids.retain(|did| now.is_shown(did));
        let mut seen = BTreeSet::new();
        dids.retain(|did| seen.insert(*did));
        dids
    }

    /// Lists that can be muted.
    pub fn moderation_lists(&self) -> Vec<&str> {
        let lists = self.now().documents.values().filter(|list| {
            truth::text(&list.value, "/purpose") == Some(super::state::MODERATION_LIST)
        });
        lists.map(|list| list.uri.as_str()).collect()
    }

    /// Posts that begin a thread which somebody answered.
    pub fn threads(&self) -> Vec<&str> {
        let posts = &self.now().posts;
        let answered: BTreeSet<&str> =
            posts.values().filter(|post| post.is_reply()).map(|reply| reply.root()).collect();
        answered.into_iter().filter(|root| posts.contains_key(*root)).collect()
    }

    /// Records of a collection of which some answer speaks, by account and path: those of accounts that may
    /// be shown, about posts that are here or accounts that may be shown.
    pub fn records_that_show(&self, collection: &str) -> Vec<(String, String)> {
        let now = self.now();
        let named = |uri: &str| {
            let path = uri.strip_prefix(&format!("at://{}/", truth::did_of(uri)));
            (truth::did_of(uri).to_owned(), path.unwrap_or_default().to_owned())
        };
        let edges = match collection {
            super::state::POST => {
                let shown = now.posts.values().filter(|post| now.is_shown(&post.by));
                return shown.map(|post| named(&post.uri)).collect();
            }
            "app.bsky.feed.like" => &now.likes,
            "app.bsky.feed.repost" => &now.reposts,
            _ => &now.follows,
        };
        let alone = |edge: &&Edge| {
            edges.about(&edge.subject).filter(|other| other.by == edge.by).count() == 1
        };
        let about = |edge: &&Edge| match truth::collection_of(&edge.subject) {
            "" => now.is_shown(&edge.subject),
            _ => {
                let post = now.posts.get(&edge.subject);
                post.is_some_and(|post| now.is_shown(&post.by))
            }
        };
        let telling = edges.iter().filter(|edge| now.is_shown(&edge.by));
        telling.filter(alone).filter(about).map(|edge| named(&edge.uri)).collect()
    }
}
