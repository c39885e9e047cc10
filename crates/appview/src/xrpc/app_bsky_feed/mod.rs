//! `app.bsky.feed.*`, one file a method.

mod feed_page;
pub(super) mod get_author_feed;
pub(super) mod get_likes;
pub(super) mod get_post_thread;
pub(super) mod get_posts;
pub(super) mod get_timeline;
