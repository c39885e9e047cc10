//! Operators' routes under `/api/v1/admin`.
//!
//! `GET /api/v1/admin/sources`: each source of events with how far it was received and verified
//! (ingest knows) and how far its effects are visible in answers (the data-plane knows).

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use http::HeaderMap;
use millrace_dataplane::query::progress::GetSourceProgress;
use millrace_ingest::SourceStatus;
use serde::Serialize;

use crate::auth::Authenticator;
use crate::error::XrpcError;

/// What operators' routes need.
#[derive(Clone)]
pub(crate) struct AdminState {
    pub(crate) ingest: millrace_ingest::Client,
    pub(crate) dataplane: millrace_dataplane::Client,
    pub(crate) auth: Arc<Authenticator>,
}

#[derive(Serialize)]
struct Sources {
    sources: Vec<Source>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    #[serde(flatten)]
    status: SourceStatus,
    /// Everything up to this sequence number shows in answers; `null` before the first event.
    visible_seq: Option<i64>,
}

pub(crate) fn router(state: AdminState) -> Router {
    Router::new().route("/api/v1/admin/sources", get(sources)).with_state(state)
}

async fn sources(
    State(state): State<AdminState>,
    headers: HeaderMap,
) -> Result<Json<Sources>, XrpcError> {
    state.auth.operator(&headers)?;
    let (known, progress) =
        tokio::join!(state.ingest.list_sources(), state.dataplane.ask(GetSourceProgress {}));
    let visible: HashMap<String, i64> =
        progress?.sources.into_iter().map(|source| (source.source, source.visible_seq)).collect();
    let known = known.map_err(|error| XrpcError::Unavailable(error.to_string()))?;
    let sources = known
        .into_iter()
        .map(|status| Source { visible_seq: visible.get(&status.name).copied(), status });
    Ok(Json(Sources { sources: sources.collect() }))
}
