//! What the views of one answer are made of: posts and accounts by name, as one snapshot of the
//! data-plane had them. Accounts that are not active, and what they wrote, are hidden here, so
//! that no view has to think of it.

use std::collections::HashMap;

use millrace_atproto::{AtUri, Did};
use millrace_dataplane::model::{Actor, Post};
use millrace_dataplane::query::hydrate::Hydration;

use crate::error::XrpcError;
use crate::views::record::{PostRecord, ProfileRecord};

/// The posts and accounts of one answer.
#[derive(Debug, Default)]
pub(crate) struct Hydrated {
    posts: HashMap<String, HydratedPost>,
    actors: HashMap<Did, HydratedActor>,
    /// The caller is the operator or the moderation service: nothing is hidden.
    all_visible: bool,
}

/// An account with what its profile record says.
#[derive(Debug)]
pub(crate) struct HydratedActor {
    pub(crate) actor: Actor,
    pub(crate) profile: ProfileRecord,
}

/// A post with what it answers, as its record says.
#[derive(Debug)]
pub(crate) struct HydratedPost {
    pub(crate) post: Post,
    pub(crate) reply: Option<ReplyUris>,
}

/// Whom a reply answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReplyUris {
    pub(crate) root: String,
    pub(crate) parent: String,
}

impl Hydrated {
    pub(crate) fn new(hydration: Hydration, all_visible: bool) -> Self {
        let actors = hydration.actors.into_iter().map(|actor| {
            let profile = actor.profile.as_ref().map(|record| ProfileRecord::parse(&record.value));
            (actor.did.clone(), HydratedActor { profile: profile.unwrap_or_default(), actor })
        });
        let posts = hydration.posts.into_iter().map(|post| {
            let reply = reply_of(&post);
            (post.uri.clone(), HydratedPost { post, reply })
        });
        Self { posts: posts.collect(), actors: actors.collect(), all_visible }
    }

    /// An account that may be shown.
    pub(crate) fn actor(&self, did: &Did) -> Option<&HydratedActor> {
        self.any_actor(did).filter(|known| known.actor.active || self.all_visible)
    }

    /// An account, active or not.
    pub(crate) fn any_actor(&self, did: &Did) -> Option<&HydratedActor> {
        self.actors.get(did)
    }

    /// A post that may be shown: it is known and so is its author.
    pub(crate) fn post(&self, uri: &str) -> Option<&HydratedPost> {
        self.posts.get(uri).filter(|known| self.actor(&known.post.author).is_some())
    }

    /// How many posts there are.
    pub(crate) fn posts(&self) -> usize {
        self.posts.len()
    }

    /// URIs of the viewer's likes, by the post they like.
    pub(crate) fn viewer_likes(&self) -> HashMap<String, String> {
        let like = |known: &HydratedPost| {
            known.post.viewer.as_ref().and_then(|viewer| viewer.like.clone())
        };
        self.posts.iter().filter_map(|(uri, known)| Some((uri.clone(), like(known)?))).collect()
    }
}

impl HydratedPost {
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
