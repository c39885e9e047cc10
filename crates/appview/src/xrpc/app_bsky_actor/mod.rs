//! `app.bsky.actor.*`, one file a method.

pub(super) mod get_profile;
pub(super) mod get_profiles;
