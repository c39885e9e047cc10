//! `app.bsky.feed.repost`.

use super::fields::{Object, format};
use super::{RecordError, StrongRef};
use crate::syntax::DatetimeGrammar;

/// A repost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repost<'v> {
    /// What is reposted; a post, though the lexicon does not demand it.
    pub subject: StrongRef<'v>,
    /// When its author says it was made, as written.
    pub created_at: &'v str,
    /// The repost through which the author came to it.
    pub via: Option<StrongRef<'v>>,
}

impl<'v> Repost<'v> {
    /// The collection of reposts.
    pub const COLLECTION: &'static str = "app.bsky.feed.repost";

    pub(super) fn read(object: Object<'v>) -> Result<Self, RecordError> {
        Ok(Self {
            subject: object.required("subject", StrongRef::read)?,
            created_at: object.required("createdAt", format::<DatetimeGrammar>)?,
            via: object.optional("via", StrongRef::read)?,
        })
    }
}
