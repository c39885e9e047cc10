//! `app.bsky.graph.listblock`.

use super::RecordError;
use super::fields::{Object, at_uri, format};
use crate::syntax::{AtUri, DatetimeGrammar};

/// A block of everybody on a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListBlock<'v> {
    /// The list; anybody's.
    pub subject: AtUri,
    /// When its author says it was made, as written.
    pub created_at: &'v str,
}

impl<'v> ListBlock<'v> {
    /// The collection of blocks by list.
    pub const COLLECTION: &'static str = "app.bsky.graph.listblock";

    pub(super) fn read(object: Object<'v>) -> Result<Self, RecordError> {
        Ok(Self {
            subject: object.required("subject", at_uri)?,
            created_at: object.required("createdAt", format::<DatetimeGrammar>)?,
        })
    }
}
