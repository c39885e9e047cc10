//! `app.bsky.graph.verification`.

use super::RecordError;
use super::fields::{Object, format, parsed, text};
use crate::syntax::{DatetimeGrammar, Did, DidGrammar, Handle, HandleGrammar};

/// One account's word that another is who it says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification<'v> {
    /// Who is verified.
    pub subject: Did,
    /// The subject's handle at that time; the word holds only while it is unchanged.
    pub handle: Handle,
    /// The subject's display name at that time, of any length; the same holds.
    pub display_name: &'v str,
    /// When its author says it was made, as written.
    pub created_at: &'v str,
}

impl<'v> Verification<'v> {
    /// The collection of verifications.
    pub const COLLECTION: &'static str = "app.bsky.graph.verification";

    pub(super) fn read(object: Object<'v>) -> Result<Self, RecordError> {
        Ok(Self {
            subject: object.required("subject", parsed::<DidGrammar>)?,
            handle: object.required("handle", parsed::<HandleGrammar>)?,
            display_name: object.required("displayName", text)?,
            created_at: object.required("createdAt", format::<DatetimeGrammar>)?,
        })
    }
}
