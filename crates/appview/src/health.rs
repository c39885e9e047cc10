//! Whether this service lives and can answer. Alive is the process; ready is the data-plane too:
//! without it there is no answer to give.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use millrace_dataplane::query::progress::GetSourceProgress;
use millrace_dataplane::{Client, DataplaneError};
use serde::Serialize;

const VERSION: &str = env!("CARGO_PKG_VERSION");

const ROBOTS: &str = "# The public API may be crawled; slow down when it answers 429 or 503.\n\
    User-agent: *\nAllow: /\n";

#[derive(Serialize)]
struct Status<'a> {
    status: &'a str,
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// The shape monitors of the network read at `/xrpc/_health`.
#[derive(Serialize)]
struct XrpcHealth<'a> {
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

pub(crate) fn router(dataplane: Client) -> Router {
    Router::new()
        .route("/health", get(alive))
        .route("/ready", get(ready))
        .route("/xrpc/_health", get(xrpc_health))
        .with_state(dataplane)
}

pub(crate) async fn robots() -> &'static str {
    ROBOTS
}

async fn alive() -> Json<Status<'static>> {
    Json(Status { status: "ok", version: VERSION, reason: None })
}

async fn ready(State(dataplane): State<Client>) -> Response {
    match ask(&dataplane).await {
        Ok(()) => Json(Status { status: "ready", version: VERSION, reason: None }).into_response(),
        Err(error) => {
            // The listener is public: where the data-plane is, is nobody's business.
            tracing::debug!(%error, "not ready");
            let reason = Some("the data-plane is unavailable");
            let body = Status { status: "unready", version: VERSION, reason };
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}

async fn xrpc_health(State(dataplane): State<Client>) -> Response {
    match ask(&dataplane).await {
        Ok(()) => Json(XrpcHealth { version: VERSION, error: None }).into_response(),
        Err(_) => {
            let body = XrpcHealth { version: VERSION, error: Some("Service Unavailable") };
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}

/// The cheapest question there is.
async fn ask(dataplane: &Client) -> Result<(), DataplaneError> {
    dataplane.ask(GetSourceProgress {}).await.map(drop)
}
