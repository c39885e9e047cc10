//! Operators' routes on the internal listener, under `/api/v1/admin`. Whoever asks shows the token that
//! lies in the data folder.

use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{StatusCode, header};
use millrace_atproto::crypto::sha256;
use millrace_dataplane::parked::{self, ListParked};
use millrace_dataplane::worker;
use millrace_runtime::clock::SharedClock;
use millrace_runtime::config::Secret;
use millrace_runtime::error::Diagnose as _;
use millrace_store::{Store, StoreConfig, StoreError};
use serde::{Deserialize, Serialize};

use super::schema;

/// What the routes need.
pub struct AdminState {
    /// The domain whose entries are parked.
    pub dataplane: Store,
    pub store: StoreConfig,
    pub clock: SharedClock,
    pub token: Secret,
}

/// The shape of every error.
#[derive(Debug, Serialize, Deserialize)]
pub struct ErrorBody {
    pub error: String,
    pub message: String,
}

struct Refusal(StatusCode, ErrorBody);

/// The routes, guarded.
pub fn router(state: AdminState) -> Router {
    let state = Arc::new(state);
    Router::new()
        .route("/api/v1/admin/dlq", get(list_parked))
        .route("/api/v1/admin/dlq/retry", post(retry_all))
        .route("/api/v1/admin/dlq/{id}", get(get_parked))
        .route("/api/v1/admin/dlq/{id}/retry", post(retry))
        .route("/api/v1/admin/dlq/{id}/discard", post(discard))
        .route("/api/v1/admin/schema", get(schema_status))
        .route("/api/v1/admin/schema/apply", post(schema_apply))
        .layer(middleware::from_fn_with_state(Arc::clone(&state), guard))
        .with_state(state)
}

type Admin = State<Arc<AdminState>>;

async fn list_parked(
    State(admin): Admin,
    Query(question): Query<ListParked>,
) -> Result<Response, Refusal> {
    Ok(Json(parked::list(&admin.dataplane, question).await?).into_response())
}

async fn get_parked(State(admin): Admin, Path(id): Path<i64>) -> Result<Response, Refusal> {
    match parked::get(&admin.dataplane, id).await? {
        Some(entry) => Ok(Json(entry).into_response()),
        None => Err(refusal(
            StatusCode::NOT_FOUND,
            "NotFound",
            format!("no parked entry has number {id}"),
        )),
    }
}

async fn retry(State(admin): Admin, Path(id): Path<i64>) -> Result<Response, Refusal> {
    Ok(Json(parked::retry(&admin.dataplane, id).await?).into_response())
}

#[derive(Deserialize)]
#[serde(default)]
struct RetryAll {
    projection: String,
}

impl Default for RetryAll {
    fn default() -> Self {
        Self { projection: worker::NAME.to_owned() }
    }
}

async fn retry_all(
    State(admin): Admin,
    Query(question): Query<RetryAll>,
) -> Result<Response, Refusal> {
    Ok(Json(parked::retry_all(&admin.dataplane, question.projection).await?).into_response())
}

async fn discard(State(admin): Admin, Path(id): Path<i64>) -> Result<Response, Refusal> {
    Ok(Json(parked::discard(&admin.dataplane, id).await?).into_response())
}

async fn schema_status(State(admin): Admin) -> Result<Response, Refusal> {
    Ok(Json(schema::status(&admin.store, &admin.clock).await?).into_response())
}

async fn schema_apply(State(admin): Admin) -> Result<Response, Refusal> {
    Ok(Json(schema::apply(&admin.store, &admin.clock).await?).into_response())
}

/// Compares digests, so that the time taken tells nothing about the token.
async fn guard(State(admin): Admin, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    if sha256(given.as_bytes()) == sha256(admin.token.expose().as_bytes()) {
        return next.run(request).await;
    }
    let message = "the operator's token is missing or wrong".to_owned();
    refusal(StatusCode::UNAUTHORIZED, "Unauthorized", message).into_response()
}

fn refusal(status: StatusCode, error: &str, message: String) -> Refusal {
    Refusal(status, ErrorBody { error: error.to_owned(), message })
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        refusal(StatusCode::SERVICE_UNAVAILABLE, error.diagnosis().code, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}
