//! `app.bsky.notification.declaration`.

use super::RecordError;
use super::fields::{Object, text};

/// Whom an account lets subscribe to what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotificationDeclaration<'v> {
    /// `followers` (what holds without such a record), `mutuals`, `none`, or something newer.
    pub allow_subscriptions: &'v str,
}

impl<'v> NotificationDeclaration<'v> {
    /// The collection of notification declarations.
    pub const COLLECTION: &'static str = "app.bsky.notification.declaration";

    pub(super) fn read(object: Object<'v>) -> Result<Self, RecordError> {
        Ok(Self { allow_subscriptions: object.required("allowSubscriptions", text)? })
    }
}
