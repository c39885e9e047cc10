//! `/health`, `/ready` and `/metrics` of the internal listener. Alive is the process; ready is: the tables
//! can be read, and they are not too far behind the log.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{StatusCode, header};
use millrace_log::Log;
use millrace_runtime::metrics::{CONTENT_TYPE, Registry};
use serde::Serialize;

use super::progress::Consumer;
use crate::disk::Disk;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What readiness is judged by.
#[derive(Clone)]
pub(super) struct Health {
    pub(super) log: Log,
    pub(super) consumer: Consumer,
    pub(super) lag_entries_max: u64,
    pub(super) disk: Disk,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    status: &'static str,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    lag_entries: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Status {
    const fn new(status: &'static str) -> Self {
        Self { status, version: VERSION, lag_entries: None, reason: None }
    }
}

pub(super) fn router(health: Health) -> Router {
    Router::new().route("/health", get(alive)).route("/ready", get(ready)).with_state(health)
}

/// Metrics alone; also what an AppView apart answers on its own listener.
pub(super) fn metrics_router(registry: Registry) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(registry)
}

async fn alive() -> Json<Status> {
    Json(Status::new("ok"))
}

async fn ready(State(health): State<Health>) -> Response {
    match health.consumer.lag(&health.log).await {
        Ok(lag) if lag <= health.lag_entries_max => {
            // What is here is served, whether or not there is room for more.
            let reason = health.disk.report().reason;
            let status = if reason.is_some() { "degraded" } else { "ready" };
            Json(Status { lag_entries: Some(lag), reason, ..Status::new(status) }).into_response()
        }
        Ok(lag) => {
            let reason = Some(format!("{lag} entries are not applied yet"));
            unready(Status { lag_entries: Some(lag), reason, ..Status::new("behind") })
        }
        Err(failure) => {
            unready(Status { reason: Some(failure.render()), ..Status::new("unready") })
        }
    }
}

fn unready(status: Status) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, Json(status)).into_response()
}

async fn metrics(State(registry): State<Registry>) -> Response {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], registry.encode()).into_response()
}
