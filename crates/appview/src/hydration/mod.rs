//! What the views of one answer are made of: posts, accounts, lists and services by name, as one
//! snapshot of the data-plane had them. Accounts that are not active or taken down, by a label or here, and
//! what they made, are hidden here, so that no view has to think of it. What the viewer must not see stands in
//! `rules`.

mod labels;
mod rules;
mod takedowns;

use std::sync::OnceLock;

use foldhash::HashMap;
use millrace_atproto::{AtUri, Did};
use millrace_dataplane::model::{Actor, List, Post, Service, StarterPack, Threadgate};
use millrace_dataplane::query::hydrate::Hydration;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::request::labelers::Labelers;
use crate::views::declared::Declared;
use crate::views::record::{PostRecord, ProfileRecord};

pub(crate) use labels::Labels;
pub(crate) use takedowns::Takedowns;

/// What one answer is made of.
#[derive(Debug, Default)]
pub(crate) struct Hydrated {
    posts: HashMap<String, HydratedPost>,
    actors: HashMap<Did, HydratedActor>,
    lists: HashMap<String, List>,
    generators: HashMap<String, Service>,
    starter_packs: HashMap<String, StarterPack>,
    labelers: HashMap<Did, Service>,
    /// By the URI of the post that begins the thread.
    threadgates: HashMap<String, Threadgate>,
    labels: Labels,
    takedowns: Takedowns,
    /// The caller is the operator or the moderation service: nothing is hidden.
    all_visible: bool,
}

/// An account with what its profile record says, and its other records about itself.
#[derive(Debug)]
pub(crate) struct HydratedActor {
    pub(crate) actor: Actor,
    pub(crate) profile: ProfileRecord,
    pub(crate) declared: Declared,
    /// The view that stands beside each of the account's posts.
    pub(crate) basic: Made,
}

/// A post with what it answers, as its record says.
#[derive(Debug)]
pub(crate) struct HydratedPost {
    pub(crate) post: Post,
    pub(crate) reply: Option<ReplyUris>,
    /// Its view as what a reply answers.
    pub(crate) referred: Made,
}

/// A view that an answer may show often and that is made once: an answer has one caller and one time.
#[derive(Debug, Default)]
pub(crate) struct Made(OnceLock<Box<RawValue>>);

impl Made {
    /// The view as JSON, made by `view` the first time.
    pub(crate) fn json<V: Serialize>(&self, view: impl FnOnce() -> Option<V>) -> Option<&RawValue> {
        if let Some(made) = self.0.get() {
            return Some(made);
        }
        let made = serde_json::value::to_raw_value(&view()?);
        let made = made.expect("invariant: views have names for keys and nothing that is no JSON");
        Some(self.0.get_or_init(|| made))
    }
}

/// Whom a reply answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReplyUris {
    pub(crate) root: String,
    pub(crate) parent: String,
}

impl Hydrated {
    pub(crate) fn new(
        mut hydration: Hydration,
        viewer: Option<&Did>,
        all_visible: bool,
        labelers: &Labelers,
    ) -> Self {
        let labels = Labels::new(std::mem::take(&mut hydration.labels), labelers);
        let takedowns = Takedowns::new(std::mem::take(&mut hydration.taken_down));
        for actor in &mut hydration.actors {
            if !all_visible {
                takedowns.silence(actor, viewer);
            }
            if let Some(relation) = actor.viewer.as_mut() {
                labels.relax(relation, &takedowns);
            }
        }
        let lists = hydration.lists.into_iter().map(|list| (list.uri.clone(), list));
        let generators = hydration.generators.into_iter().map(|one| (one.uri.clone(), one));
        let packs = hydration.starter_packs.into_iter().map(|pack| (pack.uri.clone(), pack));
        let labelers = hydration.labelers.into_iter().map(|one| (one.creator.clone(), one));
        let gates = hydration.threadgates.into_iter().map(|gate| (gate.post.clone(), gate));
        Self {
            posts: hydration.posts.into_iter().map(HydratedPost::by_uri).collect(),
            actors: hydration.actors.into_iter().map(HydratedActor::by_did).collect(),
            lists: lists.collect(),
            generators: generators.collect(),
            starter_packs: packs.collect(),
            labelers: labelers.collect(),
            threadgates: gates.collect(),
            labels,
            takedowns,
            all_visible,
        }
    }

    /// An account that may be shown.
    pub(crate) fn actor(&self, did: &Did) -> Option<&HydratedActor> {
        self.any_actor(did)
            .filter(|known| known.actor.active || self.all_visible)
            .filter(|_| !self.is_taken_down(did.as_str()))
    }

    /// An account, active or not.
    pub(crate) fn any_actor(&self, did: &Did) -> Option<&HydratedActor> {
        self.actors.get(did)
    }

    /// A post that may be shown, and so may its author.
    pub(crate) fn post(&self, uri: &str) -> Option<&HydratedPost> {
        self.posts
            .get(uri)
            .filter(|known| self.actor(&known.post.author).is_some() && !self.is_taken_down(uri))
    }

    /// A post, whoever wrote it.
    pub(crate) fn any_post(&self, uri: &str) -> Option<&HydratedPost> {
        self.posts.get(uri)
    }

    /// A list, whoever made it: short views do not show its creator.
    pub(crate) fn list(&self, uri: &str) -> Option<&List> {
        self.lists.get(uri).filter(|_| !self.is_taken_down(uri))
    }

    /// A feed generator whose creator may be shown.
    pub(crate) fn generator(&self, uri: &str) -> Option<&Service> {
        self.generators
            .get(uri)
            .filter(|known| self.actor(&known.creator).is_some() && !self.is_taken_down(uri))
    }

    /// A starter pack whose creator may be shown.
    pub(crate) fn starter_pack(&self, uri: &str) -> Option<&StarterPack> {
        self.starter_packs
            .get(uri)
            .filter(|known| self.actor(&known.creator).is_some() && !self.is_taken_down(uri))
    }

    /// The labeler service of an account that may be shown.
    pub(crate) fn labeler(&self, did: &Did) -> Option<&Service> {
        self.labelers
            .get(did)
            .filter(|known| self.actor(&known.creator).is_some() && !self.is_taken_down(&known.uri))
    }

    /// The gate of the thread that begins with a post.
    pub(crate) fn threadgate(&self, root: &str) -> Option<&Threadgate> {
        self.threadgates.get(root)
    }

    /// How many posts there are.
    pub(crate) fn posts(&self) -> usize {
        self.posts.len()
    }
}

impl HydratedActor {
    fn by_did(actor: Actor) -> (Did, Self) {
        let profile = actor.profile.as_ref().map(|record| ProfileRecord::parse(&record.value));
        let declared = Declared::of(&actor);
        let profile = profile.unwrap_or_default();
        (actor.did.clone(), Self { profile, declared, actor, basic: Made::default() })
    }
}

impl HydratedPost {
    fn by_uri(post: Post) -> (String, Self) {
        let reply = reply_of(&post);
        (post.uri.clone(), Self { post, reply, referred: Made::default() })
    }

    /// The thread it belongs to; a post that answers nothing is its own.
    pub(crate) fn root(&self) -> &str {
        self.reply.as_ref().map_or(self.post.uri.as_str(), |reply| reply.root.as_str())
    }

    pub(crate) fn parent(&self) -> Option<&str> {
        self.reply.as_ref().map(|reply| reply.parent.as_str())
    }
}

/// The data-plane knows parents and roots that are posts; a reply to anything else is a reply
/// still, and says so in its record only.
fn reply_of(post: &Post) -> Option<ReplyUris> {
    match (&post.reply_root, &post.reply_parent) {
        (Some(root), Some(parent)) => {
            Some(ReplyUris { root: root.clone(), parent: parent.clone() })
        }
        _ => PostRecord::parse(&post.record.value).reply.map(|reply| ReplyUris {
            root: reply.root.uri.into_owned(),
            parent: reply.parent.uri.into_owned(),
        }),
    }
}

/// A URI of the data-plane's skeletons, parsed again for a question.
pub(crate) fn known_uri(text: &str) -> Result<AtUri, XrpcError> {
    AtUri::parse(text).map_err(|error| XrpcError::Internal(format!("skeleton {text}: {error}")))
}

/// The author a record's URI names.
pub(crate) fn author(uri: &str) -> Option<Did> {
    let (authority, _) = uri.strip_prefix("at://")?.split_once('/')?;
    Did::parse(authority).ok()
}
