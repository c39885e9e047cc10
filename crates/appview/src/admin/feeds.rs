//! `GET /api/v1/admin/feeds`: how homes are doing within the last `seconds`, and pages that were found without them.
//! Where homes are not made, or do not answer, the second half is told all the same: that is when it matters.

use axum::Json;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use millrace_feeds::query::standing::{
    GetHomesStanding, HomesStanding, PagesFound, SECONDS_MAX, SECONDS_MIN,
};
use serde::{Deserialize, Serialize};

use super::overview::Half;
use super::{Operated, malformed};
use crate::error::XrpcError;

const SECONDS_DEFAULT: u32 = 900;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Within {
    seconds: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Feeds {
    now_us: i64,
    /// Since when this AppView counts.
    started_us: i64,
    seconds: u32,
    /// Whether homes are made; they are read by pull otherwise.
    enabled: bool,
    /// Of who makes them; no status and no error where nobody does.
    homes: Half<HomesStanding>,
    /// Pages that this AppView found without homes.
    without_homes: PagesFound,
}

pub(super) async fn feeds(
    Operated(state): Operated,
    within: Result<Query<Within>, QueryRejection>,
) -> Result<Json<Feeds>, XrpcError> {
    let Query(Within { seconds }) = within.map_err(|error| malformed(&error))?;
    let seconds = seconds.unwrap_or(SECONDS_DEFAULT);
    if !(SECONDS_MIN..=SECONDS_MAX).contains(&seconds) {
        let message = format!("seconds must be between {SECONDS_MIN} and {SECONDS_MAX}");
        return Err(XrpcError::invalid(message));
    }
    let homes = match &state.feeds {
        Some(homes) => Half::of(homes.ask(GetHomesStanding { seconds }).await),
        None => Half::nobody(),
    };
    Ok(Json(Feeds {
        now_us: state.clock.now_us(),
        started_us: state.started_us,
        seconds,
        enabled: state.feeds.is_some(),
        homes,
        without_homes: PagesFound::lately(state.pages.recent(), seconds),
    }))
}
