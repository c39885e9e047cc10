//! The routes of homes: `POST /internal/<method>` with JSON, one route a question.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use millrace_runtime::config::Secret;
use millrace_runtime::internal;

use crate::client::Local;
use crate::error::FeedsError;
use crate::query::Question;
use crate::query::home::GetHome;
use crate::query::parked::{
    CountParkedOfHomes, DiscardParkedOfHomes, GetParkedOfHomes, ListParkedOfHomes,
    RetryAllParkedOfHomes, RetryParkedOfHomes,
};
use crate::query::seen::ApplySeen;
use crate::query::standing::GetHomesStanding;

/// Largest question, bytes.
pub const QUESTION_BYTES_MAX: usize = 64 << 10;

/// The routes under `/internal/`; `secret` guards them when it is given.
pub fn routes(local: Arc<Local>, secret: Option<Secret>) -> Router {
    let router = Router::new();
    let router = question::<GetHome>(router);
    let router = question::<ApplySeen>(router);
    let router = question::<GetHomesStanding>(router);
    let router = question::<CountParkedOfHomes>(router);
    let router = question::<ListParkedOfHomes>(router);
    let router = question::<GetParkedOfHomes>(router);
    let router = question::<RetryParkedOfHomes>(router);
    let router = question::<RetryAllParkedOfHomes>(router);
    let router = question::<DiscardParkedOfHomes>(router);
    let router =
        router.layer(axum::extract::DefaultBodyLimit::max(QUESTION_BYTES_MAX)).with_state(local);
    internal::guarded(router, secret)
}

fn question<Q: Question>(router: Router<Arc<Local>>) -> Router<Arc<Local>> {
    let handler = |State(local): State<Arc<Local>>, body: Bytes| async move {
        let question: Q = internal::parsed(&body).map_err(FeedsError::InvalidRequest)?;
        Ok::<_, FeedsError>(Json(question.answer(&local).await?))
    };
    router.route(&format!("/internal/{}", Q::NAME), post(handler))
}

impl IntoResponse for FeedsError {
    fn into_response(self) -> Response {
        let (error, status) = self.wire();
        internal::refusal(status, error, self.to_string())
    }
}
