//! `app.bsky.actor.*`, one file a method.

pub(super) mod get_profile;
pub(super) mod get_profiles;
pub(super) mod get_suggestions;
pub(super) mod search_actors;
pub(super) mod search_actors_typeahead;
mod search_text;
