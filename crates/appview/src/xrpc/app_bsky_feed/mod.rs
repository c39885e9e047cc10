//! `app.bsky.feed.*`, one file a method.

pub(crate) mod feed_page;
mod feed_server;
pub(super) mod get_actor_feeds;
pub(super) mod get_actor_likes;
pub(super) mod get_author_feed;
pub(super) mod get_feed;
pub(super) mod get_feed_generator;
pub(super) mod get_feed_generators;
pub(super) mod get_likes;
pub(super) mod get_list_feed;
pub(super) mod get_post_thread;
pub(super) mod get_posts;
pub(super) mod get_quotes;
pub(super) mod get_reposted_by;
pub(super) mod get_suggested_feeds;
pub(super) mod get_timeline;
pub(super) mod own_feeds;
pub(super) mod search_posts;
pub(super) mod search_posts_v2;
pub(super) mod suggested_feeds;
mod tags;
pub(super) mod thread_posts;
