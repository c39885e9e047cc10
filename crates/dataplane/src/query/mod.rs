//! The read side: one question, one file, one function over a snapshot.
//!
//! A [`Question`] is a request type that knows its name on the wire, its answer and how a
//! snapshot answers it. [`crate::Client::ask`] runs it in process or over `/internal/<NAME>`;
//! both run the same `answer`.

pub mod actor_feeds;
pub mod actor_likes;
pub mod actors;
pub mod author_feed;
pub mod blocks;
pub mod bookmark;
pub mod bookmarks;
mod chosen;
pub mod curated;
pub(crate) mod documents;
pub mod draft;
pub mod drafts;
pub(crate) mod edges;
pub mod every_follower;
pub mod feed_seen;
pub mod follows;
pub mod home_items;
pub mod home_sources;
pub mod hydrate;
pub mod hydrating;
pub mod issued_label;
pub mod issued_sequence;
pub mod known_followers;
pub mod labels;
pub mod likes;
pub mod limited_post;
pub mod list_feed;
pub mod lists;
pub mod media;
pub mod mute;
pub mod mutes;
pub mod notifications;
pub mod owned;
pub mod parked;
pub mod post_intent;
pub mod posts;
pub mod preferences;
pub mod profiles;
pub mod progress;
pub mod push;
pub mod push_news;
pub mod quotes;
pub mod record;
pub mod relationships;
pub mod reposts;
pub mod search_actors;
pub mod search_posts;
pub mod search_posts_v2;
pub mod standing;
pub mod starter_packs;
pub mod subscription;
pub mod suggested_actors;
pub mod suggestions;
pub mod takedown;
pub mod thread;
pub mod timeline;
pub mod trends;
pub mod uri_page;
pub mod web_push;

mod by_subject;
pub(crate) mod cursor;
pub(crate) mod issued_labels;
pub(crate) mod lookup;
mod muted_threads;
mod named_subjects;
mod newest_items;
mod notification_row;
mod op_thread;
mod subscribed;
mod subscribed_posts;
pub(crate) mod taken_down;

use millrace_store::Tx;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::NewPost;
use crate::error::DataplaneError;
use crate::ranking::Rankings;

/// What answers may use besides the snapshot.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// Image URL pattern with `{preset}`, `{did}`, `{cid}`.
    pub image_url_pattern: String,
    /// What is best known here, as of the last look.
    pub rankings: Rankings,
    /// Who is told of a new post.
    pub new_post: NewPost,
    /// What push services know this service by, where browsers are told of notifications.
    pub push_key: Option<String>,
}

/// A question with its answer. Read-only; its name is the path under `/internal/`.
pub trait Question: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The method's name, e.g. `getAuthorFeed`.
    const NAME: &'static str;
    type Answer: Serialize + DeserializeOwned + JsonSchema + Send + 'static;

    /// Answers from one snapshot of the data-plane's tables.
    fn answer(self, tx: &mut Tx, cx: &Context) -> Result<Self::Answer, DataplaneError>;
}

/// A change to what Millrace itself owns (seen marks, mutes …), made in the `own` domain.
pub trait OwnCommand: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    const NAME: &'static str;
    type Answer: Serialize + DeserializeOwned + JsonSchema + Send + 'static;

    fn apply(self, tx: &mut Tx, now_us: i64) -> Result<Self::Answer, DataplaneError>;
}

/// What an operator has the worker do: a change to the data-plane's table of parked entries.
pub trait WorkerCommand: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    const NAME: &'static str;
    type Answer: Serialize + DeserializeOwned + JsonSchema + Send + 'static;

    fn apply(self, tx: &mut Tx) -> Result<Self::Answer, DataplaneError>;
}

/// The page size a caller asked for, refused when it is out of `1..=max`.
pub(crate) fn page_limit(limit: u32, max: u32) -> Result<i64, DataplaneError> {
    if (1..=max).contains(&limit) {
        Ok(i64::from(limit))
    } else {
        Err(DataplaneError::InvalidRequest(format!(
            "limit must be between 1 and {max}, not {limit}"
        )))
    }
}
