//! `GET /api/v1/admin/hosts`: the hosts accounts live on. `GET /api/v1/admin/accounts/{did}`: how much of
//! an account is here. `POST …/resync`: have its repository fetched again.

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use millrace_atproto::Did;
use millrace_dataplane::query::actors::GetRepoRev;
use millrace_dataplane::query::takedown::{GetTakedown, Takedown, TakedownSubject};
use millrace_ingest::{AccountState, HostList};
use serde::Serialize;

use super::{Operated, from_dataplane, from_ingest, malformed};
use crate::error::XrpcError;

#[derive(Serialize)]
pub(super) struct Wanted {
    /// The account whose repository will be fetched.
    did: Did,
}

/// How much of an account is here, and whether it is shown.
#[derive(Serialize)]
pub(super) struct AccountView {
    #[serde(flatten)]
    state: AccountState,
    /// Why the account is taken down here, if it is.
    takedown: Option<Takedown>,
}

type DidPath = Result<Path<String>, PathRejection>;

pub(super) async fn hosts(Operated(state): Operated) -> Result<Json<HostList>, XrpcError> {
    Ok(Json(state.ingest.list_hosts().await.map_err(from_ingest)?))
}

pub(super) async fn account(
    Operated(state): Operated,
    path: DidPath,
) -> Result<Json<AccountView>, XrpcError> {
    let did = did(path)?;
    let known = state.ingest.account_state(&did).await.map_err(from_ingest)?;
    let unknown = || XrpcError::NoSuch(format!("no event of {did} has been seen here"));
    let mut known = known.ok_or_else(unknown)?;
    if known.counts_exact.own {
        // Numbers are of what can be read, which may be behind what ingest has taken.
        let question = GetRepoRev { did: did.clone() };
        let visible = state.dataplane.ask(question).await.map_err(from_dataplane)?.rev;
        known.counts_exact.own = visible >= known.rev;
    }
    let subject = TakedownSubject::Account { did };
    let takedown = state.dataplane.ask(GetTakedown { subject }).await.map_err(from_dataplane)?;
    Ok(Json(AccountView { state: known, takedown: takedown.takedown }))
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
