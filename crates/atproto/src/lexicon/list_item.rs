//! `app.bsky.graph.listitem`.

use super::RecordError;
use super::fields::{Object, at_uri, format, parsed};
use crate::syntax::{AtUri, DatetimeGrammar, Did, DidGrammar};

/// One account's place on a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListItem<'v> {
    /// Who is on the list.
    pub subject: Did,
    /// The list. The item counts only if this is one of its author's own, which the record alone cannot
    /// tell.
    pub list: AtUri,
    /// When its author says it was made, as written.
    pub created_at: &'v str,
}

impl<'v> ListItem<'v> {
    /// The collection of list items.
    pub const COLLECTION: &'static str = "app.bsky.graph.listitem";

    pub(super) fn read(object: Object<'v>) -> Result<Self, RecordError> {
        Ok(Self {
            subject: object.required("subject", parsed::<DidGrammar>)?,
            list: object.required("list", at_uri)?,
            created_at: object.required("createdAt", format::<DatetimeGrammar>)?,
        })
    }
}
