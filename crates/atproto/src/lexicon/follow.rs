//! `app.bsky.graph.follow`.

use super::fields::{Object, format, parsed};
use super::{RecordError, StrongRef};
use crate::syntax::{DatetimeGrammar, Did, DidGrammar};

/// A follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follow<'v> {
    /// Who is followed.
    pub subject: Did,
    /// When its author says it was made, as written.
    pub created_at: &'v str,
    /// The record through which the author came to it, such as a starter pack.
    pub via: Option<StrongRef<'v>>,
}

impl<'v> Follow<'v> {
    /// The collection of follows.
    pub const COLLECTION: &'static str = "app.bsky.graph.follow";

    pub(super) fn read(object: Object<'v>) -> Result<Self, RecordError> {
        Ok(Self {
            subject: object.required("subject", parsed::<DidGrammar>)?,
            created_at: object.required("createdAt", format::<DatetimeGrammar>)?,
            via: object.optional("via", StrongRef::read)?,
        })
    }
}
