//! What could not be applied: `GET /api/v1/admin/parked` lists it, `GET parked/{id}` shows one with what stands in the
//! log, `POST parked/{id}/retry`, `POST parked/{id}/discard` and `POST parked/retry` are what an operator does about it.
//!
//! Entries of the log are the data-plane's; `of=facts` and `of=fanout` are what homes could not take, and ids like
//! `facts-12` name those. `of=deliveries` are events that webhooks did not take: `POST parked/{id}/resolve` notes that
//! somebody saw to one by other means, and with `settled=true` the list has those.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query};
use millrace_dataplane::parked::{ListParked, Of, ParkedEntry, ParkedId, ParkedPage, Touched};
use millrace_dataplane::query::parked::{
    DiscardDelivery, DiscardParked, GetDelivery, GetParked, ResolveDelivery, RetryAllDeliveries,
    RetryAllParked, RetryDelivery, RetryParked,
};
use millrace_dataplane::worker;
use millrace_feeds::Client as Homes;
use millrace_feeds::query::parked::{
    DiscardParkedOfHomes, GetParkedOfHomes, ListParkedOfHomes, RetryAllParkedOfHomes,
    RetryParkedOfHomes,
};
use serde::Deserialize;

use super::{AdminState, Operated, Told, from_dataplane, malformed};
use crate::error::XrpcError;

/// Entries of a page, and of one that does not say.
const LIMIT_MAX: u32 = 500;
const LIMIT_DEFAULT: u32 = 50;
/// Who decides here.
const OPERATOR: &str = "operator";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    #[serde(default)]
    of: Of,
    projection: Option<String>,
    #[serde(default)]
    after: i64,
    limit: Option<u32>,
    #[serde(default)]
    settled: bool,
}

/// How somebody saw to it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resolved {
    note: Option<String>,
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
    let Page { of, projection, after, settled, .. } = page;
    let question = ListParked { of, projection, after, limit, settled };
    Ok(Json(match of {
        Of::Entries | Of::Deliveries => {
            state.dataplane.ask(question).await.map_err(from_dataplane)?
        }
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
        Of::Deliveries => {
            let question = GetDelivery { id: id.number };
            state.dataplane.ask(question).await.map_err(from_dataplane)?
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
        Of::Deliveries => {
            let command = RetryDelivery { id: id.number };
            state.dataplane.command(command).await.map_err(from_dataplane)?
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
        Of::Deliveries => {
            let command = DiscardDelivery { id: id.number, by: OPERATOR.to_owned() };
            state.dataplane.command(command).await.map_err(from_dataplane)?
        }
    }))
}

/// Only of deliveries: of what else is parked nothing stays once it is settled.
pub(super) async fn resolve(
    Operated(state): Operated,
    id: Id,
    Told(Resolved { note }): Told<Resolved>,
) -> Result<Json<Touched>, XrpcError> {
    let id = named(id)?;
    if id.of != Of::Deliveries {
        let of = id.of.name();
        return Err(XrpcError::invalid(format!(
            "{of} do not stay once they are settled: discard it instead"
        )));
    }
    let command = ResolveDelivery { id: id.number, note, by: OPERATOR.to_owned() };
    Ok(Json(state.dataplane.command(command).await.map_err(from_dataplane)?))
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
        (Of::Deliveries, _) => deliveries_again(&state).await?,
        (of, Some(homes)) => homes.ask(RetryAllParkedOfHomes { of }).await?,
        (_, None) => Touched { entries: 0 },
    }))
}

/// All that are pending, some at a time.
async fn deliveries_again(state: &AdminState) -> Result<Touched, XrpcError> {
    let (mut entries, mut after) = (0, 0);
    loop {
        let command = RetryAllDeliveries { after };
        let retried = state.dataplane.command(command).await.map_err(from_dataplane)?;
        entries += retried.entries;
        match retried.last {
            Some(last) => after = last,
            None => return Ok(Touched { entries }),
        }
    }
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
