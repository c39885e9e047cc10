//! The entries that could not be applied: `GET /api/v1/admin/parked` lists them, `GET parked/{id}` shows
//! one with what stands in the log, `POST parked/{id}/retry`, `POST parked/{id}/discard` and
//! `POST parked/retry` are what an operator does about them.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query};
use millrace_dataplane::parked::{ListParked, ParkedEntry, ParkedPage, Touched};
use millrace_dataplane::query::parked::{DiscardParked, GetParked, RetryAllParked, RetryParked};
use millrace_dataplane::worker;
use serde::Deserialize;

use super::{Operated, from_dataplane, malformed};
use crate::error::XrpcError;

/// Entries of a page, and of one that does not say.
const LIMIT_MAX: u32 = 500;
const LIMIT_DEFAULT: u32 = 50;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    projection: Option<String>,
    #[serde(default)]
    after: i64,
    limit: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whose {
    projection: Option<String>,
}

type Id = Result<Path<i64>, PathRejection>;

pub(super) async fn list(
    Operated(state): Operated,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<ParkedPage>, XrpcError> {
    let Query(page) = page.map_err(|error| malformed(&error))?;
    let limit = page.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(XrpcError::invalid(format!("limit must be between 1 and {LIMIT_MAX}")));
    }
    let question = ListParked { projection: page.projection, after: page.after, limit };
    Ok(Json(state.dataplane.ask(question).await.map_err(from_dataplane)?))
}

pub(super) async fn one(Operated(state): Operated, id: Id) -> Result<Json<ParkedEntry>, XrpcError> {
    let question = GetParked { id: number(id)? };
    Ok(Json(state.dataplane.ask(question).await.map_err(from_dataplane)?))
}

pub(super) async fn retry(Operated(state): Operated, id: Id) -> Result<Json<Touched>, XrpcError> {
    let command = RetryParked { id: number(id)? };
    Ok(Json(state.dataplane.instruct(command).await.map_err(from_dataplane)?))
}

pub(super) async fn discard(Operated(state): Operated, id: Id) -> Result<Json<Touched>, XrpcError> {
    let command = DiscardParked { id: number(id)? };
    Ok(Json(state.dataplane.instruct(command).await.map_err(from_dataplane)?))
}

pub(super) async fn retry_all(
    Operated(state): Operated,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<Json<Touched>, XrpcError> {
    let Query(whose) = whose.map_err(|error| malformed(&error))?;
    let projection = whose.projection.unwrap_or_else(|| worker::NAME.to_owned());
    let command = RetryAllParked { projection };
    Ok(Json(state.dataplane.instruct(command).await.map_err(from_dataplane)?))
}

fn number(id: Id) -> Result<i64, XrpcError> {
    let Path(id) = id.map_err(|error| malformed(&error))?;
    Ok(id)
}
