//! Operators' routes under `/api/v1/admin`: what runs and how it goes, and the few things an operator
//! does. JSON in camelCase; errors as XRPC's `{error, message}`.
//!
//! | file | routes |
//! | --- | --- |
//! | `overview.rs` | `GET overview`: counters, log, projections, sources, accounts by state |
//! | `feeds.rs` | `GET feeds`: pages of homes, ways into them, how large they are |
//! | `sources.rs` | `GET sources`: how far each was received, verified and shows |
//! | `accounts.rs` | `GET hosts`, `GET accounts/{did}`, `POST accounts/{did}/resync` |
//! | `backfills.rs` | `GET backfills`, `POST backfills/begin`, `POST backfills/{id}/pause`, `…/resume`, `…/cancel` |
//! | `parked.rs` | `GET parked`, `GET parked/{id}`, `POST parked/{id}/retry`, `…/discard`, `…/resolve`, `POST parked/retry` |
//! | `rejected.rs` | `GET rejected`: events not accepted |
//! | `labels.rs` | `GET labels`, `POST labels/issue`: what is said here |
//! | `curated.rs` | `GET curated/{list}`, `POST curated/{list}/add`, `…/remove`: verifiers, suggestions |
//! | `signed_in.rs` | `GET sessions`, `GET tokens`, `POST sessions/end`, `POST tokens/end` |
//! | `takedowns.rs` | `GET takedowns`, `POST takedowns/apply`, `POST takedowns/lift` |
//!
//! Must stay true: a handler's first act is to see that the caller is the operator, and it asks ingest
//! and the data-plane through their clients alone; who is signed in stands in this service's own tables.

mod accounts;
mod backfills;
mod curated;
mod feeds;
mod labels;
mod overview;
mod parked;
mod rejected;
mod signed_in;
mod sources;
mod takedowns;

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::routing::{get, post};
use http::request::Parts;
use millrace_dataplane::DataplaneError;
use millrace_ingest::IngestError;
use millrace_runtime::clock::SharedClock;
use serde::de::DeserializeOwned;

use crate::auth::Authenticator;
use crate::error::XrpcError;
use crate::issuer::Issuer;
use crate::request::body;
use crate::sign_in::Upkeep;

/// What operators' routes need.
#[derive(Clone)]
pub(crate) struct AdminState {
    pub(crate) ingest: millrace_ingest::Client,
    pub(crate) dataplane: millrace_dataplane::Client,
    /// Homes, where they are made.
    pub(crate) feeds: Option<millrace_feeds::Client>,
    /// Pages of homes that were found without them.
    pub(crate) pages: millrace_feeds::metrics::Pages,
    pub(crate) auth: Arc<Authenticator>,
    pub(crate) clock: SharedClock,
    /// When this process started to serve.
    pub(crate) started_us: i64,
    pub(crate) body_bytes_max: usize,
    pub(crate) issuer: Issuer,
    pub(crate) upkeep: Upkeep,
}

pub(crate) fn router(state: AdminState) -> Router {
    Router::new()
        .route("/api/v1/admin/overview", get(overview::overview))
        .route("/api/v1/admin/feeds", get(feeds::feeds))
        .route("/api/v1/admin/sources", get(sources::sources))
        .route("/api/v1/admin/hosts", get(accounts::hosts))
        .route("/api/v1/admin/accounts/{did}", get(accounts::account))
        .route("/api/v1/admin/accounts/{did}/resync", post(accounts::resync))
        .route("/api/v1/admin/backfills", get(backfills::list))
        .route("/api/v1/admin/backfills/begin", post(backfills::begin))
        .route("/api/v1/admin/backfills/{id}/pause", post(backfills::pause))
        .route("/api/v1/admin/backfills/{id}/resume", post(backfills::resume))
        .route("/api/v1/admin/backfills/{id}/cancel", post(backfills::cancel))
        .route("/api/v1/admin/parked", get(parked::list))
        .route("/api/v1/admin/parked/retry", post(parked::retry_all))
        .route("/api/v1/admin/parked/{id}", get(parked::one))
        .route("/api/v1/admin/parked/{id}/retry", post(parked::retry))
        .route("/api/v1/admin/parked/{id}/discard", post(parked::discard))
        .route("/api/v1/admin/parked/{id}/resolve", post(parked::resolve))
        .route("/api/v1/admin/rejected", get(rejected::list))
        .route("/api/v1/admin/labels", get(labels::list))
        .route("/api/v1/admin/labels/issue", post(labels::issue))
        .route("/api/v1/admin/curated/{list}", get(curated::show))
        .route("/api/v1/admin/curated/{list}/add", post(curated::add))
        .route("/api/v1/admin/curated/{list}/remove", post(curated::remove))
        .route("/api/v1/admin/sessions", get(signed_in::sessions))
        .route("/api/v1/admin/sessions/end", post(signed_in::end_sessions))
        .route("/api/v1/admin/tokens", get(signed_in::tokens))
        .route("/api/v1/admin/tokens/end", post(signed_in::end_tokens))
        .route("/api/v1/admin/takedowns", get(takedowns::list))
        .route("/api/v1/admin/takedowns/apply", post(takedowns::apply))
        .route("/api/v1/admin/takedowns/lift", post(takedowns::lift))
        .with_state(state)
}

/// The handles, for whoever has shown that it is the operator.
pub(crate) struct Operated(AdminState);

impl FromRequestParts<AdminState> for Operated {
    type Rejection = XrpcError;

    async fn from_request_parts(parts: &mut Parts, state: &AdminState) -> Result<Self, XrpcError> {
        state.auth.operator(&parts.headers)?;
        Ok(Self(state.clone()))
    }
}

/// What the operator says, as JSON; read only once it is known to be the operator.
pub(crate) struct Told<T>(T);

impl<T: DeserializeOwned> FromRequest<AdminState> for Told<T> {
    type Rejection = XrpcError;

    async fn from_request(request: Request, state: &AdminState) -> Result<Self, XrpcError> {
        state.auth.operator(request.headers())?;
        let body = body::read(request.into_body(), state.body_bytes_max).await?;
        Ok(Self(body::parse(&body)?))
    }
}

/// A part of the path that is no number, DID or the like.
fn malformed(error: &impl std::fmt::Display) -> XrpcError {
    XrpcError::invalid(error.to_string())
}

fn from_dataplane(error: DataplaneError) -> XrpcError {
    match error {
        DataplaneError::NotFound(message) => XrpcError::NoSuch(message),
        other => other.into(),
    }
}

fn from_ingest(error: IngestError) -> XrpcError {
    match error {
        IngestError::InvalidRequest(message) => XrpcError::InvalidRequest(message),
        other => XrpcError::Unavailable(other.to_string()),
    }
}
