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
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::HeaderMap;
use http::request::Parts;
use millrace_runtime::clock::SharedClock;
use millrace_runtime::rng::Rng;
use tokio::sync::Semaphore;

use crate::auth::{Actor, Caller, Signed};
use crate::error::XrpcError;
use crate::looks::Looks;
use crate::request::rates::{Rates, Tally};
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
    pub(crate) clock: SharedClock,
    pub(crate) rng: Rng,
    pub(crate) rates: Arc<Rates>,
    pub(crate) looks: Arc<Looks>,
    /// Blobs on their way to a PDS at the same time.
    pub(crate) uploads: Arc<Semaphore>,
    pub(crate) body_bytes_max: usize,
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
        let sender: (&HeaderMap, _) = (&parts.headers, &parts.extensions);
        let actor = match self.signed.actor(&parts.headers).await {
            Ok(actor) => actor,
            Err(error) => {
                self.rates.count_address(sender)?;
                return Err(error.into());
            }
        };
        let tally = self.rates.count(&Caller::Account(actor.did.clone()), None, sender)?;
        Ok((actor, tally))
    }
}

fn with_tally(answer: impl IntoResponse, tally: Option<Tally>) -> Response {
    let mut response = answer.into_response();
    tally.inspect(|tally| tally.put(response.headers_mut()));
    response
}
