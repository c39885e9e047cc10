//! `GET /api/v1/admin/backfills`: accounts that were asked for, and how far they are fetched.
//! `POST …/{id}/pause`, `…/resume`, `…/cancel`. They are begun by `millrace backfill`.

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use millrace_ingest::{BackfillChange, BackfillJob, BackfillList, ChangeBackfill};

use super::{AdminState, Operated, from_ingest, malformed};
use crate::error::XrpcError;

type Id = Result<Path<i64>, PathRejection>;
type Told = Result<Json<BackfillJob>, XrpcError>;

pub(super) async fn list(Operated(state): Operated) -> Result<Json<BackfillList>, XrpcError> {
    Ok(Json(state.ingest.list_backfills().await.map_err(from_ingest)?))
}

pub(super) async fn pause(Operated(state): Operated, id: Id) -> Told {
    change(&state, id, BackfillChange::Pause).await
}

pub(super) async fn resume(Operated(state): Operated, id: Id) -> Told {
    change(&state, id, BackfillChange::Resume).await
}

pub(super) async fn cancel(Operated(state): Operated, id: Id) -> Told {
    change(&state, id, BackfillChange::Cancel).await
}

async fn change(state: &AdminState, id: Id, change: BackfillChange) -> Told {
    let Path(id) = id.map_err(|error| malformed(&error))?;
    let wanted = ChangeBackfill { id, change };
    Ok(Json(state.ingest.change_backfill(wanted).await.map_err(from_ingest)?))
}
