//! `chat.bsky.actor.declaration`.

use super::RecordError;
use super::fields::{Object, text};

/// From whom an account takes chat messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChatDeclaration<'v> {
    /// Who may write to it: `all`, `none`, `following`, or something newer.
    pub allow_incoming: &'v str,
    /// Who may invite it to a group; the same values.
    pub allow_group_invites: Option<&'v str>,
}

impl<'v> ChatDeclaration<'v> {
    /// The collection of chat declarations.
    pub const COLLECTION: &'static str = "chat.bsky.actor.declaration";

    pub(super) fn read(object: Object<'v>) -> Result<Self, RecordError> {
        Ok(Self {
            allow_incoming: object.required("allowIncoming", text)?,
            allow_group_invites: object.optional("allowGroupInvites", text)?,
        })
    }
}
