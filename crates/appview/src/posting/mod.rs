//! Posts written here by a program or a page of ours: `POST /api/v1/posts` and what belongs to it.
//!
//! | file | routes |
//! | --- | --- |
//! | `create.rs` | `POST /api/v1/posts` |
//! | `one.rs` | `GET`, `PATCH`, `DELETE /api/v1/posts/{uri}` |
//! | `media.rs` | `POST /api/v1/media` |
//! | `send.rs` | none: wishes on their way to PDSs, by whoever made them and by the task that goes on with them |
//!
//! A public post is a record in its author's repository. The wish that it be there is durable before the PDS is asked,
//! under a key made once; whoever asks holds it for a while, and the task of any process goes on with what was left.
//! Asking twice is one post. A post with a limit never leaves: it is a row of `own`.

mod answer;
mod create;
mod draft;
mod facets;
mod media;
mod one;
mod send;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use http::request::Parts;
use millrace_runtime::rng::Rng;
use tokio::sync::Semaphore;

use crate::auth::{Actor, Signed};
use crate::error::XrpcError;
use crate::request::rates::Tally;
use crate::xrpc::Api;

pub(crate) use answer::Told;
pub(crate) use draft::{Draft, Visibility};
pub(crate) use media::{MEDIA_TYPES, Uploaded};
pub(crate) use one::Change;
pub use send::Posting;

/// What posting needs.
#[derive(Clone)]
pub(crate) struct PostingState {
    pub(crate) api: Arc<Api>,
    pub(crate) signed: Signed,
    pub(crate) posting: Posting,
    pub(crate) rng: Rng,
    /// Blobs on their way to a PDS at the same time.
    pub(crate) uploads: Arc<Semaphore>,
}

pub(crate) fn router(state: PostingState) -> Router {
    Router::new()
        .route(create::PATH, post(create::create))
        .route(media::PATH, post(media::upload))
        .route(one::PATH, get(one::read).patch(one::change).delete(one::delete))
        .with_state(state)
}

impl PostingState {
    /// Who acts, and how they stand with what they may ask.
    async fn actor(&self, parts: &Parts) -> Result<(Actor, Option<Tally>), XrpcError> {
        self.api.rates.count_actor(&self.signed, (&parts.headers, &parts.extensions)).await
    }
}
