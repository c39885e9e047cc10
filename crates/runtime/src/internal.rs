//! How Millrace's processes ask each other: `POST /internal/<method>` with JSON on both ways.
//!
//! An answer that is no success carries `{"error": "<name>", "message": "<text>"}`. A shared
//! secret, when there is one, is demanded as a bearer token. Which methods there are, and what
//! their errors mean, is the affair of the crate that answers.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;
use url::Url;

use crate::config::Secret;
use crate::telemetry::propagate;

/// An answer larger than this is refused by the caller, bytes.
pub const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Idle connections a caller keeps.
const IDLE_CONNECTIONS_MAX: usize = 64;

/// The one error shape of `/internal/*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ErrorBody {
    /// A name for programs.
    pub error: String,
    /// A sentence for people.
    pub message: String,
}

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The other process cannot be reached now.
    #[error("{method}: {reason}")]
    Unreachable {
        /// What was asked.
        method: String,
        /// What the network said.
        reason: String,
    },
    /// The other process refused.
    #[error("{}", body.message)]
    Refused {
        /// HTTP status.
        status: u16,
        /// Its error; the name is empty when it did not say.
        body: ErrorBody,
    },
    /// The answer cannot be used: too large, or of another shape.
    #[error("{method}: {reason}")]
    Unusable {
        /// What was asked.
        method: String,
        /// What is wrong with the answer.
        reason: String,
    },
}

/// Another process of ours.
#[derive(Debug, Clone)]
pub struct Caller {
    base: Url,
    secret: Option<Secret>,
    http: reqwest::Client,
}

impl Caller {
    /// `base` is the listener's root, for example `http://data-plane:5001/`.
    ///
    /// # Errors
    /// The HTTP client cannot be built.
    pub fn new(base: Url, secret: Option<Secret>, timeout: Duration) -> Result<Self, CallError> {
        crate::tls::install_provider();
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(timeout)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .build()
            .map_err(|error| unreachable("HTTP client", &error))?;
        Ok(Self { base, secret, http })
    }

    /// Asks `method`.
    ///
    /// # Errors
    /// [`CallError`]: unreachable, refused, or an answer that cannot be used.
    pub async fn call<A: DeserializeOwned>(
        &self,
        method: &str,
        question: &(impl Serialize + Sync),
    ) -> Result<A, CallError> {
        let unusable = |reason: String| CallError::Unusable { method: method.to_owned(), reason };
        let url = self.base.join(&format!("internal/{method}"));
        let url = url.map_err(|error| unusable(error.to_string()))?;
        let mut request = self.http.post(url).json(question);
        if let Some(secret) = &self.secret {
            request = request.bearer_auth(secret.expose());
        }
        if let Some(traceparent) = propagate::traceparent() {
            request = request.header(propagate::TRACEPARENT, traceparent);
        }
        let mut response = request.send().await.map_err(|error| unreachable(method, &error))?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|error| unreachable(method, &error))?
        {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(unusable(format!("an answer above {ANSWER_BYTES_MAX} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| unusable(error.to_string()));
        }
        let body = serde_json::from_slice(&body).unwrap_or_else(|_| ErrorBody {
            error: String::new(),
            message: format!("{method}: HTTP {status}"),
        });
        Err(CallError::Refused { status: status.as_u16(), body })
    }
}

/// The error with its causes: the outermost alone says only "error sending request".
fn unreachable(method: &str, error: &dyn std::error::Error) -> CallError {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let reason: Vec<String> = causes.map(ToString::to_string).collect();
    CallError::Unreachable { method: method.to_owned(), reason: reason.join(": ") }
}

/// Reads a question.
///
/// # Errors
/// A sentence that says what is wrong with the request's body.
pub fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| format!("request body: {error}"))
}

/// An answer that is no success.
pub fn refusal(status: u16, error: &str, message: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(ErrorBody { error: error.to_owned(), message })).into_response()
}

/// The routes, behind `secret` if there is one; what is asked belongs to the caller's trace.
pub fn guarded(routes: Router, secret: Option<Secret>) -> Router {
    routes
        .layer(middleware::from_fn(traced))
        .layer(middleware::from_fn_with_state(Arc::new(secret), guard))
}

async fn traced(request: Request, next: Next) -> Response {
    let method = request.uri().path().strip_prefix("/internal/").unwrap_or_default().to_owned();
    let span = tracing::info_span!("internal", question = method);
    let header = request.headers().get(propagate::TRACEPARENT);
    propagate::continue_from(&span, header.and_then(|header| header.to_str().ok()));
    next.run(request).instrument(span).await
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
    refusal(401, "Unauthorized", "the internal secret is missing or wrong".to_owned())
}
