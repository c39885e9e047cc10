//! `app.bsky.notification.*`, one file a method.

mod preferences;
mod push;

pub(super) mod get_preferences;
pub(super) mod get_unread_count;
pub(super) mod list_activity_subscriptions;
pub(super) mod list_notifications;
pub(super) mod put_activity_subscription;
pub(super) mod put_preferences;
pub(super) mod put_preferences_v2;
pub(super) mod register_push;
pub(crate) mod told;
pub(super) mod unregister_push;
pub(super) mod update_seen;
