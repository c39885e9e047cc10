//! `app.bsky.feed.postgate`: who may quote a post, and which quotes its author has detached.

use super::RecordError;
use super::fields::{Object, at_uri, format};
use crate::cbor::Value;
use crate::syntax::{AtUri, DatetimeGrammar};

const DETACHED_MAX: usize = 50;
const RULES_MAX: usize = 5;

/// The rules of quoting a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postgate<'v> {
    /// The post. The gate counts only if this has the gate's own author and record key, which the record
    /// alone cannot tell.
    pub post: AtUri,
    /// Posts that quote it and must show it no longer.
    pub detached_embedding_uris: Vec<AtUri>,
    /// What restricts quoting; nothing if empty. Rules that are not known are left out.
    pub embedding_rules: Vec<EmbeddingRule>,
    /// When its author says it was made, as written.
    pub created_at: &'v str,
}

/// What restricts quoting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmbeddingRule {
    /// Nobody but the author may quote (`#disableRule`).
    Disable,
}

impl<'v> Postgate<'v> {
    /// The collection of post gates.
    pub const COLLECTION: &'static str = "app.bsky.feed.postgate";

    pub(super) fn read(object: Object<'v>) -> Result<Self, RecordError> {
        let rules = object.list("embeddingRules", RULES_MAX, EmbeddingRule::read)?;
        Ok(Self {
            post: object.required("post", at_uri)?,
            detached_embedding_uris: object.list("detachedEmbeddingUris", DETACHED_MAX, at_uri)?,
            embedding_rules: rules.into_iter().flatten().collect(),
            created_at: object.required("createdAt", format::<DatetimeGrammar>)?,
        })
    }
}

impl EmbeddingRule {
    fn read<'v>(value: &'v Value<'v>) -> Result<Option<Self>, RecordError> {
        let (_, name) = Object::variant(value)?;
        Ok((name == "app.bsky.feed.postgate#disableRule").then_some(Self::Disable))
    }
}
