//! `app.bsky.feed.threadgate`: who may reply in a thread, and which replies its author hides.

use super::RecordError;
use super::fields::{Object, at_uri, format, list};
use crate::cbor::Value;
use crate::syntax::{AtUri, DatetimeGrammar};

const ALLOW_MAX: usize = 5;
const HIDDEN_REPLIES_MAX: usize = 300;

/// The rules of a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threadgate<'v> {
    /// The thread's first post. The gate counts only if this has the gate's own author and record key,
    /// which the record alone cannot tell.
    pub post: AtUri,
    /// Who may reply: anyone if absent, otherwise those whom a rule admits, and nobody if there is none.
    /// Rules that are not known are left out: they admit nobody, and do not open the thread.
    pub allow: Option<Vec<AllowRule>>,
    /// Replies that are not to be shown.
    pub hidden_replies: Vec<AtUri>,
    /// When its author says it was made, as written.
    pub created_at: &'v str,
}

/// Whom a rule lets reply, besides the thread's author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowRule {
    /// Those whom the post mentions (`#mentionRule`).
    Mention,
    /// Those who follow its author (`#followerRule`).
    Follower,
    /// Those whom its author follows (`#followingRule`).
    Following,
    /// Those on a list (`#listRule`).
    List(AtUri),
}

impl<'v> Threadgate<'v> {
    /// The collection of thread gates.
    pub const COLLECTION: &'static str = "app.bsky.feed.threadgate";

    pub(super) fn read(object: Object<'v>) -> Result<Self, RecordError> {
        let allow = object.optional("allow", list(ALLOW_MAX, AllowRule::read))?;
        Ok(Self {
            post: object.required("post", at_uri)?,
            allow: allow.map(|rules| rules.into_iter().flatten().collect()),
            hidden_replies: object.list("hiddenReplies", HIDDEN_REPLIES_MAX, at_uri)?,
            created_at: object.required("createdAt", format::<DatetimeGrammar>)?,
        })
    }
}

impl AllowRule {
    fn read<'v>(value: &'v Value<'v>) -> Result<Option<Self>, RecordError> {
        let (object, name) = Object::variant(value)?;
        Ok(Some(match name {
            "app.bsky.feed.threadgate#mentionRule" => Self::Mention,
            "app.bsky.feed.threadgate#followerRule" => Self::Follower,
            "app.bsky.feed.threadgate#followingRule" => Self::Following,
            "app.bsky.feed.threadgate#listRule" => Self::List(object.required("list", at_uri)?),
            _ => return Ok(None),
        }))
    }
}
