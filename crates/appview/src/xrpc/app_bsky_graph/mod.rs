//! `app.bsky.graph.*`, one file a method.

mod follow_page;
pub(super) mod get_followers;
pub(super) mod get_follows;
pub(super) mod get_relationships;
