//! `GET /api/v1/admin/rejected`: the latest events that were not accepted, the newest first.

use axum::Json;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use millrace_ingest::{ListRejected, RejectedEvent};
use serde::{Deserialize, Serialize};

use super::{Operated, from_ingest, malformed};
use crate::error::XrpcError;

/// Events of a page, and of one that does not say.
const LIMIT_MAX: u32 = 500;
const LIMIT_DEFAULT: u32 = 50;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    reason: Option<String>,
    before: Option<i64>,
    limit: Option<u32>,
}

#[derive(Serialize)]
pub(super) struct Rejected {
    rejected: Vec<RejectedEvent>,
    /// `before` of the next page; none at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<i64>,
}

pub(super) async fn list(
    Operated(state): Operated,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Rejected>, XrpcError> {
    let Query(Page { reason, before, limit }) = page.map_err(|error| malformed(&error))?;
    let limit = limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(XrpcError::invalid(format!("limit must be between 1 and {LIMIT_MAX}")));
    }
    let question = ListRejected { limit, reason, before };
    let rejected = state.ingest.list_rejected(question).await.map_err(from_ingest)?;
    let full = rejected.len() as u64 >= u64::from(limit);
    let cursor = rejected.last().map(|last| last.id).filter(|_| full);
    Ok(Json(Rejected { rejected, cursor }))
}
