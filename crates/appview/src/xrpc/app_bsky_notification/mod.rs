//! `app.bsky.notification.*`, one file a method.

pub(super) mod get_unread_count;
pub(super) mod list_notifications;
pub(super) mod update_seen;
