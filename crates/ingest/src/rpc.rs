//! The routes of ingest: `POST /internal/<method>` with JSON. A shared secret, when configured, is
//! demanded as a bearer token.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use millrace_runtime::config::Secret;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::client::{ListRejected, ListSources, Local, OfAccount};
use crate::error::IngestError;

/// Largest question, bytes.
pub const QUESTION_BYTES_MAX: usize = 64 << 10;

/// The error shape of `/internal/*`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ErrorBody {
    pub(crate) error: String,
    pub(crate) message: String,
}

/// The routes under `/internal/`; `secret` guards them when it is given.
pub fn routes(local: Arc<Local>, secret: Option<String>) -> Router {
    Router::new()
        .route("/internal/listSources", post(list_sources))
        .route("/internal/getAccountState", post(get_account_state))
        .route("/internal/requestResync", post(request_resync))
        .route("/internal/listRejected", post(list_rejected))
        .layer(DefaultBodyLimit::max(QUESTION_BYTES_MAX))
        .layer(middleware::from_fn_with_state(Arc::new(secret.map(Secret::new)), guard))
        .with_state(local)
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

async fn list_rejected(
    State(local): State<Arc<Local>>,
    body: Bytes,
) -> Result<Response, IngestError> {
    let ListRejected { limit } = parsed(&body)?;
    Ok(Json(local.list_rejected(limit).await?).into_response())
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, IngestError> {
    serde_json::from_slice(body)
        .map_err(|error| IngestError::InvalidRequest(format!("request body: {error}")))
}

async fn guard(
    State(secret): State<Arc<Option<Secret>>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(secret) = secret.as_ref() else { return next.run(request).await };
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    if secret.matches(given) {
        return next.run(request).await;
    }
    let body = ErrorBody {
        error: "Unauthorized".to_owned(),
        message: "the internal secret is missing or wrong".to_owned(),
    };
    (StatusCode::UNAUTHORIZED, Json(body)).into_response()
}

impl IntoResponse for IngestError {
    fn into_response(self) -> Response {
        let (status, error) = match &self {
            Self::InvalidRequest(_) => (StatusCode::BAD_REQUEST, "InvalidRequest"),
            _ => (StatusCode::SERVICE_UNAVAILABLE, "Unavailable"),
        };
        let body = ErrorBody { error: error.to_owned(), message: crate::error::chain(&self) };
        (status, Json(body)).into_response()
    }
}
