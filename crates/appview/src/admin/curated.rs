//! What the operator has chosen: `GET /api/v1/admin/curated/{list}` shows a list (`verifiers`, `feeds`, `people`,
//! `starterPacks`), `POST …/{list}/add` and `POST …/{list}/remove` change it. The answer is the list as it is then.

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use millrace_dataplane::query::curated::{Curate, Curated, CuratedList, GetCurated, Uncurate};
use serde::Deserialize;

use super::{AdminState, Operated, Told, from_dataplane, malformed};
use crate::error::XrpcError;

type ListPath = Result<Path<CuratedList>, PathRejection>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Added {
    subjects: Vec<String>,
    #[serde(default)]
    note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Removed {
    subjects: Vec<String>,
}

pub(super) async fn show(
    Operated(state): Operated,
    list: ListPath,
) -> Result<Json<Curated>, XrpcError> {
    shown(&state, named(list)?).await
}

pub(super) async fn add(
    Operated(state): Operated,
    list: ListPath,
    Told(Added { subjects, note }): Told<Added>,
) -> Result<Json<Curated>, XrpcError> {
    let list = named(list)?;
    let command = Curate { list, subjects, note };
    state.dataplane.command(command).await.map_err(from_dataplane)?;
    shown(&state, list).await
}

pub(super) async fn remove(
    Operated(state): Operated,
    list: ListPath,
    Told(Removed { subjects }): Told<Removed>,
) -> Result<Json<Curated>, XrpcError> {
    let list = named(list)?;
    state.dataplane.command(Uncurate { list, subjects }).await.map_err(from_dataplane)?;
    shown(&state, list).await
}

async fn shown(state: &AdminState, list: CuratedList) -> Result<Json<Curated>, XrpcError> {
    Ok(Json(state.dataplane.ask(GetCurated { list }).await.map_err(from_dataplane)?))
}

fn named(list: ListPath) -> Result<CuratedList, XrpcError> {
    let Path(list) = list.map_err(|error| malformed(&error))?;
    Ok(list)
}
