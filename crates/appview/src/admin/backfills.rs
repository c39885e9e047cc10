//! `GET /api/v1/admin/backfills`: accounts that were asked for, and how far they are fetched.
//! `POST …/begin` begins one, `POST …/{id}/pause`, `…/resume`, `…/cancel` change it, as `millrace backfill` does.

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use millrace_ingest::{BackfillChange, BackfillJob, BackfillList, BeginBackfill, ChangeBackfill};

use super::{AdminState, Operated, Told, from_ingest, malformed};
use crate::error::XrpcError;

type Id = Result<Path<i64>, PathRejection>;
type Changed = Result<Json<BackfillJob>, XrpcError>;

pub(super) async fn list(Operated(state): Operated) -> Result<Json<BackfillList>, XrpcError> {
    Ok(Json(state.ingest.list_backfills().await.map_err(from_ingest)?))
}

/// What more accounts than a body holds takes is the command.
pub(super) async fn begin(Operated(state): Operated, Told(wanted): Told<BeginBackfill>) -> Changed {
    let (kind, accounts) = (wanted.kind.name(), wanted.dids.len());
    if wanted.more {
        let why = "`more` is for the command: name every account at once";
        return Err(XrpcError::InvalidRequest(why.to_owned()));
    }
    let job = state.ingest.begin_backfill(wanted).await.map_err(from_ingest)?;
    tracing::info!(id = job.id, kind, accounts, "the operator begins a backfill");
    Ok(Json(job))
}

pub(super) async fn pause(Operated(state): Operated, id: Id) -> Changed {
    change(&state, id, BackfillChange::Pause).await
}

pub(super) async fn resume(Operated(state): Operated, id: Id) -> Changed {
    change(&state, id, BackfillChange::Resume).await
}

pub(super) async fn cancel(Operated(state): Operated, id: Id) -> Changed {
    change(&state, id, BackfillChange::Cancel).await
}

async fn change(state: &AdminState, id: Id, change: BackfillChange) -> Changed {
    let Path(id) = id.map_err(|error| malformed(&error))?;
    let wanted = ChangeBackfill { id, change };
    Ok(Json(state.ingest.change_backfill(wanted).await.map_err(from_ingest)?))
}
