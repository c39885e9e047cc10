//! What could not be applied: `GET /api/v1/admin/parked` lists it, `GET parked/{id}` shows one with what stands in the
//! log, `POST parked/{id}/retry`, `POST parked/{id}/discard` and `POST parked/retry` are what an operator does about it.
//!
//! Entries of the log are the data-plane's; `of=facts` and `of=fanout` are what homes could not take, and ids like
//! `facts-12` name those.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query};
use millrace_dataplane::parked::{ListParked, Of, ParkedEntry, ParkedId, ParkedPage, Touched};
use millrace_dataplane::query::parked::{DiscardParked, GetParked, RetryAllParked, RetryParked};
use millrace_dataplane::worker;
use millrace_feeds::Client as Homes;
use millrace_feeds::query::parked::{
    DiscardParkedOfHomes, GetParkedOfHomes, ListParkedOfHomes, RetryAllParkedOfHomes,
    RetryParkedOfHomes,
};
use serde::Deserialize;

use super::{AdminState, Operated, from_dataplane, malformed};
use crate::error::XrpcError;

/// Entries of a page, and of one that does not say.
const LIMIT_MAX: u32 = 500;
const LIMIT_DEFAULT: u32 = 50;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    #[serde(default)]
    of: Of,
    projection: Option<String>,
    #[serde(default)]
    after: i64,
    limit: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whose {
    #[serde(default)]
    of: Of,
    projection: Option<String>,
}

type Id = Result<Path<ParkedId>, PathRejection>;

pub(super) async fn list(
    Operated(state): Operated,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<ParkedPage>, XrpcError> {
    let Query(page) = page.map_err(|error| malformed(&error))?;
    let limit = page.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(XrpcError::invalid(format!("limit must be between 1 and {LIMIT_MAX}")));
    }
    let Page { of, projection, after, .. } = page;
    let question = ListParked { of, projection, after, limit };
    Ok(Json(match of {
        Of::Entries => state.dataplane.ask(question).await.map_err(from_dataplane)?,
        Of::Facts | Of::Fanout => match &state.feeds {
            Some(homes) => homes.ask(ListParkedOfHomes(question)).await?,
            // Where no homes are made, nothing of them is parked.
            None => ParkedPage { parked: Vec::new(), cursor: None },
        },
    }))
}

pub(super) async fn one(Operated(state): Operated, id: Id) -> Result<Json<ParkedEntry>, XrpcError> {
    let id = named(id)?;
    Ok(Json(match id.of {
        Of::Entries => {
            let question = GetParked { id: id.number };
            state.dataplane.ask(question).await.map_err(from_dataplane)?
        }
        Of::Facts | Of::Fanout => {
            let found = homes(&state, id)?.ask(GetParkedOfHomes { id }).await?;
            found.ok_or_else(|| unknown(id))?
        }
    }))
}

pub(super) async fn retry(Operated(state): Operated, id: Id) -> Result<Json<Touched>, XrpcError> {
    let id = named(id)?;
    Ok(Json(match id.of {
        Of::Entries => {
            let command = RetryParked { id: id.number };
            state.dataplane.instruct(command).await.map_err(from_dataplane)?
        }
        Of::Facts | Of::Fanout => {
            found(homes(&state, id)?.ask(RetryParkedOfHomes { id }).await?, id)?
        }
    }))
}

pub(super) async fn discard(Operated(state): Operated, id: Id) -> Result<Json<Touched>, XrpcError> {
    let id = named(id)?;
    Ok(Json(match id.of {
        Of::Entries => {
            let command = DiscardParked { id: id.number };
            state.dataplane.instruct(command).await.map_err(from_dataplane)?
        }
        Of::Facts | Of::Fanout => {
            found(homes(&state, id)?.ask(DiscardParkedOfHomes { id }).await?, id)?
        }
    }))
}

pub(super) async fn retry_all(
    Operated(state): Operated,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<Json<Touched>, XrpcError> {
    let Query(whose) = whose.map_err(|error| malformed(&error))?;
    Ok(Json(match (whose.of, &state.feeds) {
        (Of::Entries, _) => {
            let projection = whose.projection.unwrap_or_else(|| worker::NAME.to_owned());
            let command = RetryAllParked { projection };
            state.dataplane.instruct(command).await.map_err(from_dataplane)?
        }
        (of, Some(homes)) => homes.ask(RetryAllParkedOfHomes { of }).await?,
        (_, None) => Touched { entries: 0 },
    }))
}

fn named(id: Id) -> Result<ParkedId, XrpcError> {
    let Path(id) = id.map_err(|error| malformed(&error))?;
    Ok(id)
}

fn homes(state: &AdminState, id: ParkedId) -> Result<&Homes, XrpcError> {
    state.feeds.as_ref().ok_or_else(|| unknown(id))
}

fn found(touched: Touched, id: ParkedId) -> Result<Touched, XrpcError> {
    if touched.entries == 0 { Err(unknown(id)) } else { Ok(touched) }
}

fn unknown(id: ParkedId) -> XrpcError {
    XrpcError::NoSuch(format!("nothing parked is named {id}"))
}
