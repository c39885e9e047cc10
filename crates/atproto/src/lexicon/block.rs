//! `app.bsky.graph.block`.

use super::RecordError;
use super::fields::{Object, format, parsed};
use crate::syntax::{DatetimeGrammar, Did, DidGrammar};

/// A block of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block<'v> {
    /// Who is blocked.
    pub subject: Did,
    /// When its author says it was made, as written.
    pub created_at: &'v str,
}

impl<'v> Block<'v> {
    /// The collection of blocks.
    pub const COLLECTION: &'static str = "app.bsky.graph.block";

    pub(super) fn read(object: Object<'v>) -> Result<Self, RecordError> {
        Ok(Self {
            subject: object.required("subject", parsed::<DidGrammar>)?,
            created_at: object.required("createdAt", format::<DatetimeGrammar>)?,
        })
    }
}
