//! `app.bsky.unspecced.*`, one file a method.

pub(super) mod get_age_assurance_state;
pub(super) mod get_config;
pub(super) mod get_post_thread_other_v2;
pub(super) mod get_post_thread_v2;
pub(super) mod init_age_assurance;
