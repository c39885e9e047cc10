//! `GET /api/v1/admin/sources`: each source of events with how far it was received and verified
//! (ingest knows) and how far its effects are visible in answers (the data-plane knows).

use std::collections::HashMap;

use axum::Json;
use millrace_dataplane::query::progress::{GetSourceProgress, Progress};
use millrace_ingest::SourceStatus;
use serde::Serialize;

use super::{Operated, from_dataplane, from_ingest};
use crate::error::XrpcError;

#[derive(Serialize)]
pub(super) struct Sources {
    sources: Vec<Source>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Source {
    #[serde(flatten)]
    status: SourceStatus,
    /// Everything up to this sequence number shows in answers; `null` before the first event.
    visible_seq: Option<i64>,
}

pub(super) async fn sources(Operated(state): Operated) -> Result<Json<Sources>, XrpcError> {
    let (known, progress) =
        tokio::join!(state.ingest.list_sources(), state.dataplane.ask(GetSourceProgress {}));
    let progress = progress.map_err(from_dataplane)?;
    Ok(Json(Sources { sources: joined(known.map_err(from_ingest)?, progress) }))
}

pub(super) fn joined(known: Vec<SourceStatus>, progress: Progress) -> Vec<Source> {
    let visible: HashMap<String, i64> =
        progress.sources.into_iter().map(|source| (source.source, source.visible_seq)).collect();
    let sources = known
        .into_iter()
        .map(|status| Source { visible_seq: visible.get(&status.name).copied(), status });
    sources.collect()
}
