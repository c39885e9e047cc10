//! `GET /api/v1/admin/hosts`: the hosts accounts live on. `GET /api/v1/admin/accounts/{did}`: how much of
//! an account is here. `POST …/resync`: have its repository fetched again.

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use millrace_atproto::Did;
use millrace_ingest::{AccountState, HostList};
use serde::Serialize;

use super::{Operated, from_ingest, malformed};
use crate::error::XrpcError;

#[derive(Serialize)]
pub(super) struct Wanted {
    /// The account whose repository will be fetched.
    did: Did,
}

type DidPath = Result<Path<String>, PathRejection>;

pub(super) async fn hosts(Operated(state): Operated) -> Result<Json<HostList>, XrpcError> {
    Ok(Json(state.ingest.list_hosts().await.map_err(from_ingest)?))
}

pub(super) async fn account(
    Operated(state): Operated,
    path: DidPath,
) -> Result<Json<AccountState>, XrpcError> {
    let did = did(path)?;
    let known = state.ingest.account_state(&did).await.map_err(from_ingest)?;
    let unknown = || XrpcError::NoSuch(format!("no event of {did} has been seen here"));
    Ok(Json(known.ok_or_else(unknown)?))
}

pub(super) async fn resync(
    Operated(state): Operated,
    path: DidPath,
) -> Result<Json<Wanted>, XrpcError> {
    let did = did(path)?;
    state.ingest.request_resync(&did).await.map_err(from_ingest)?;
    Ok(Json(Wanted { did }))
}

fn did(path: DidPath) -> Result<Did, XrpcError> {
    let Path(text) = path.map_err(|error| malformed(&error))?;
    Did::parse(&text).map_err(|error| malformed(&error))
}
