//! The routes of ingest: `POST /internal/<method>` with JSON. A shared secret, when configured, is
//! demanded as a bearer token.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use millrace_runtime::config::Secret;
use millrace_runtime::internal;
use serde::de::DeserializeOwned;

use crate::backfill::{AddToBackfill, BeginBackfill, ChangeBackfill};
use crate::client::{
    ChangeScope, ListRejected, ListScope, ListSources, Local, LookedAt, OfAccount,
};
use crate::error::IngestError;

/// Largest question, bytes.
pub const QUESTION_BYTES_MAX: usize = 256 << 10;

/// The routes under `/internal/`; `secret` guards them when it is given.
pub fn routes(local: Arc<Local>, secret: Option<Secret>) -> Router {
    let routes = Router::new()
        .route("/internal/listSources", post(list_sources))
        .route("/internal/getAccountState", post(get_account_state))
        .route("/internal/requestResync", post(request_resync))
        .route("/internal/lookedAt", post(looked_at))
        .route("/internal/listRejected", post(list_rejected))
        .route("/internal/changeScope", post(change_scope))
        .route("/internal/listScope", post(list_scope))
        .route("/internal/getScope", post(get_scope))
        .route("/internal/getStatus", post(get_status))
        .route("/internal/listHosts", post(list_hosts))
        .route("/internal/beginBackfill", post(begin_backfill))
        .route("/internal/addToBackfill", post(add_to_backfill))
        .route("/internal/changeBackfill", post(change_backfill))
        .route("/internal/listBackfills", post(list_backfills))
        .layer(DefaultBodyLimit::max(QUESTION_BYTES_MAX))
        .with_state(local);
    internal::guarded(routes, secret)
}

async fn list_sources(
    State(local): State<Arc<Local>>,
    body: Bytes,
) -> Result<Response, IngestError> {
    let ListSources {} = parsed(&body)?;
    Ok(Json(local.list_sources()).into_response())
}

async fn get_account_state(
    State(local): State<Arc<Local>>,
    body: Bytes,
) -> Result<Response, IngestError> {
    let OfAccount { did } = parsed(&body)?;
    Ok(Json(local.account_state(did).await?).into_response())
}

async fn request_resync(
    State(local): State<Arc<Local>>,
    body: Bytes,
) -> Result<Response, IngestError> {
    let OfAccount { did } = parsed(&body)?;
    local.request_resync(did).await?;
    Ok(Json(()).into_response())
}

async fn looked_at(State(local): State<Arc<Local>>, body: Bytes) -> Result<Response, IngestError> {
    let looked: LookedAt = parsed(&body)?;
    local.looked_at(looked)?;
    Ok(Json(()).into_response())
}

async fn change_scope(
    State(local): State<Arc<Local>>,
    body: Bytes,
) -> Result<Response, IngestError> {
    let change: ChangeScope = parsed(&body)?;
    local.change_scope(change).await?;
    Ok(Json(()).into_response())
}

async fn list_scope(State(local): State<Arc<Local>>, body: Bytes) -> Result<Response, IngestError> {
    let ListScope { after } = parsed(&body)?;
    Ok(Json(local.list_scope(after).await?).into_response())
}

async fn get_scope(State(local): State<Arc<Local>>, body: Bytes) -> Result<Response, IngestError> {
    let ListSources {} = parsed(&body)?;
    Ok(Json(local.scope()).into_response())
}

async fn list_rejected(
    State(local): State<Arc<Local>>,
    body: Bytes,
) -> Result<Response, IngestError> {
    let question: ListRejected = parsed(&body)?;
    Ok(Json(local.list_rejected(question).await?).into_response())
}

async fn get_status(State(local): State<Arc<Local>>, body: Bytes) -> Result<Response, IngestError> {
    let ListSources {} = parsed(&body)?;
    Ok(Json(local.status().await?).into_response())
}

async fn list_hosts(State(local): State<Arc<Local>>, body: Bytes) -> Result<Response, IngestError> {
    let ListSources {} = parsed(&body)?;
    Ok(Json(local.list_hosts()).into_response())
}

async fn begin_backfill(
    State(local): State<Arc<Local>>,
    body: Bytes,
) -> Result<Response, IngestError> {
    let wanted: BeginBackfill = parsed(&body)?;
    Ok(Json(local.jobs.begin(wanted).await?).into_response())
}

async fn add_to_backfill(
    State(local): State<Arc<Local>>,
    body: Bytes,
) -> Result<Response, IngestError> {
    let wanted: AddToBackfill = parsed(&body)?;
    Ok(Json(local.jobs.add(wanted).await?).into_response())
}

async fn change_backfill(
    State(local): State<Arc<Local>>,
    body: Bytes,
) -> Result<Response, IngestError> {
    let wanted: ChangeBackfill = parsed(&body)?;
    Ok(Json(local.jobs.change(wanted).await?).into_response())
}

async fn list_backfills(
    State(local): State<Arc<Local>>,
    body: Bytes,
) -> Result<Response, IngestError> {
    let ListSources {} = parsed(&body)?;
    Ok(Json(local.jobs.list().await?).into_response())
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, IngestError> {
    internal::parsed(body).map_err(IngestError::InvalidRequest)
}

impl IntoResponse for IngestError {
    fn into_response(self) -> Response {
        let (status, error) = match &self {
            Self::InvalidRequest(_) => (400, "InvalidRequest"),
            _ => (503, "Unavailable"),
        };
        internal::refusal(status, error, crate::error::chain(&self))
    }
}
