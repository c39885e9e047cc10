//! `app.bsky.feed.like`.

use super::fields::{Object, format};
use super::{RecordError, StrongRef};
use crate::syntax::DatetimeGrammar;

/// A like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Like<'v> {
    /// What is liked: a post, a feed generator, anything.
    pub subject: StrongRef<'v>,
    /// When its author says it was made, as written.
    pub created_at: &'v str,
    /// The record through which the author came to it, such as a repost.
    pub via: Option<StrongRef<'v>>,
}

impl<'v> Like<'v> {
    /// The collection of likes.
    pub const COLLECTION: &'static str = "app.bsky.feed.like";

    pub(super) fn read(object: Object<'v>) -> Result<Self, RecordError> {
        Ok(Self {
            subject: object.required("subject", StrongRef::read)?,
            created_at: object.required("createdAt", format::<DatetimeGrammar>)?,
            via: object.optional("via", StrongRef::read)?,
        })
    }
}
