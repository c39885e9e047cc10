//! Who is signed in: `GET /api/v1/admin/sessions` and `tokens` list browsers and programs, `POST sessions/end` and
//! `tokens/end` end them, of one account or of all. It holds when the answer comes.

use axum::Json;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use millrace_store::StoreError;

use super::{Operated, Told, malformed};
use crate::error::XrpcError;
use crate::session::{
    EndSignedIn, Ended, ListSignedIn, SessionPage, TokenPage, list_sessions, list_tokens,
};

type Page = Result<Query<ListSignedIn>, QueryRejection>;

pub(super) async fn sessions(
    Operated(state): Operated,
    page: Page,
) -> Result<Json<SessionPage>, XrpcError> {
    let Query(wanted) = page.map_err(|error| malformed(&error))?;
    Ok(Json(list_sessions(state.upkeep.store(), wanted).await.map_err(from_store)?))
}

pub(super) async fn tokens(
    Operated(state): Operated,
    page: Page,
) -> Result<Json<TokenPage>, XrpcError> {
    let Query(wanted) = page.map_err(|error| malformed(&error))?;
    Ok(Json(list_tokens(state.upkeep.store(), wanted).await.map_err(from_store)?))
}

pub(super) async fn end_sessions(
    Operated(state): Operated,
    Told(wanted): Told<EndSignedIn>,
) -> Result<Json<Ended>, XrpcError> {
    let whose = wanted.whose().map_err(|error| malformed(&error))?;
    let ended = state.upkeep.end_sessions(whose).await.map_err(from_store)?;
    tracing::info!(?whose, ended = ended.ended, "the operator ends sessions");
    Ok(Json(ended))
}

pub(super) async fn end_tokens(
    Operated(state): Operated,
    Told(wanted): Told<EndSignedIn>,
) -> Result<Json<Ended>, XrpcError> {
    let whose = wanted.whose().map_err(|error| malformed(&error))?;
    let ended = state.upkeep.end_tokens(whose).await.map_err(from_store)?;
    tracing::info!(?whose, ended = ended.ended, "the operator ends tokens of programs");
    Ok(Json(ended))
}

fn from_store(error: StoreError) -> XrpcError {
    XrpcError::Internal(error.to_string())
}
