//! `app.bsky.unspecced.*`, one file a method.

pub(super) mod get_post_thread_other_v2;
pub(super) mod get_post_thread_v2;
