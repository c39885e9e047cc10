//! What is taken down here: `GET /api/v1/admin/takedowns` lists it, `POST takedowns/apply` takes down,
//! and `POST takedowns/lift` undoes that. It holds when the answer comes.

use axum::Json;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use millrace_atproto::Did;
use millrace_dataplane::query::takedown::{
    FoundTakedown, GetTakedown, LIMIT_MAX, LiftTakedown, ListTakedowns, TakeDown, TakedownPage,
    TakedownSubject,
};
use serde::Deserialize;

use super::{AdminState, Operated, Told, from_dataplane, malformed};
use crate::error::XrpcError;

const LIMIT_DEFAULT: u32 = 50;
/// Who decided it.
const OPERATOR: &str = "operator";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    did: Option<Did>,
    limit: Option<u32>,
    cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    subject: TakedownSubject,
    #[serde(default)]
    reference: String,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lifted {
    subject: TakedownSubject,
}

pub(super) async fn list(
    Operated(state): Operated,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<TakedownPage>, XrpcError> {
    let Query(Page { did, limit, cursor }) = page.map_err(|error| malformed(&error))?;
    let limit = limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let question = ListTakedowns { did, limit, cursor };
    Ok(Json(state.dataplane.ask(question).await.map_err(from_dataplane)?))
}

pub(super) async fn apply(
    Operated(state): Operated,
    Told(wanted): Told<Wanted>,
) -> Result<Json<FoundTakedown>, XrpcError> {
    let Wanted { subject, reference, reason } = wanted;
    tracing::info!(?subject, "the operator takes down");
    let by = OPERATOR.to_owned();
    let command = TakeDown { subject: subject.clone(), reference, reason, by };
    state.dataplane.command(command).await.map_err(from_dataplane)?;
    found(&state, subject).await
}

pub(super) async fn lift(
    Operated(state): Operated,
    Told(Lifted { subject }): Told<Lifted>,
) -> Result<Json<FoundTakedown>, XrpcError> {
    tracing::info!(?subject, "the operator lifts a takedown");
    let command = LiftTakedown { subject: subject.clone() };
    state.dataplane.command(command).await.map_err(from_dataplane)?;
    found(&state, subject).await
}

/// How a subject stands then.
async fn found(
    state: &AdminState,
    subject: TakedownSubject,
) -> Result<Json<FoundTakedown>, XrpcError> {
    Ok(Json(state.dataplane.ask(GetTakedown { subject }).await.map_err(from_dataplane)?))
}
