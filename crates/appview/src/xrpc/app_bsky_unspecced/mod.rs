//! `app.bsky.unspecced.*`, one file a method.

mod suggested_starter_packs;
mod suggested_users;
mod trends;

pub(super) mod get_age_assurance_state;
pub(super) mod get_config;
pub(super) mod get_onboarding_suggested_starter_packs;
pub(super) mod get_popular_feed_generators;
pub(super) mod get_post_thread_other_v2;
pub(super) mod get_post_thread_v2;
pub(super) mod get_suggested_feeds;
pub(super) mod get_suggested_onboarding_users;
pub(super) mod get_suggested_starter_packs;
pub(super) mod get_suggested_users;
pub(super) mod get_suggested_users_for_discover;
pub(super) mod get_suggested_users_for_explore;
pub(super) mod get_suggested_users_for_see_more;
pub(super) mod get_tagged_suggestions;
pub(super) mod get_trending_topics;
pub(super) mod get_trends;
pub(super) mod init_age_assurance;
