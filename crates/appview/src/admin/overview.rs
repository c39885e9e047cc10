//! `GET /api/v1/admin/overview`: the whole service in one answer, made to be asked every second or two.
//! A half that does not answer is absent with its reason; the rest is told all the same.

use axum::Json;
use millrace_dataplane::query::parked::CountDeliveries;
use millrace_dataplane::query::progress::{GetSourceProgress, Progress};
use millrace_dataplane::query::standing::{GetStanding, Standing};
use millrace_dataplane::worker;
use millrace_feeds::query::parked::CountParkedOfHomes;
use millrace_ingest::{IngestStatus, LogPartition, Sample, ScopeStatus};
use serde::Serialize;

use super::Operated;
use super::sources::{Source, joined};
use crate::error::XrpcError;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Overview {
    /// Of this AppView.
    version: &'static str,
    started_us: i64,
    now_us: i64,
    ingest: Half<IngestStatus>,
    dataplane: Half<Standing>,
    sources: Vec<Source>,
    scope: Option<ScopeStatus>,
    lag: Option<Lag>,
    /// Entries of the log, what homes could not take, and what webhooks did not.
    parked: u64,
}

/// What a half of the service answered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Half<T> {
    status: Option<T>,
    /// Why there is none.
    error: Option<String>,
}

impl<T> Half<T> {
    pub(super) fn of(answer: Result<T, impl std::fmt::Display>) -> Self {
        match answer {
            Ok(status) => Self { status: Some(status), error: None },
            Err(error) => Self { status: None, error: Some(error.to_string()) },
        }
    }

    /// There is no such half here.
    pub(super) fn nobody() -> Self {
        Self { status: None, error: None }
    }
}

/// Entries in the log that answers do not show yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Lag {
    entries: i64,
    /// How long the oldest of them has been there; at least so long where `at_least` says so.
    age_us: i64,
    at_least: bool,
}

pub(super) async fn overview(Operated(state): Operated) -> Result<Json<Overview>, XrpcError> {
    let of_homes = async {
        match &state.feeds {
            Some(homes) => homes.ask(CountParkedOfHomes {}).await.map_or(0, |count| count.entries),
            None => 0,
        }
    };
    let (status, sources, scope, standing, progress, of_homes, deliveries) = tokio::join!(
        state.ingest.status(),
        state.ingest.list_sources(),
        state.ingest.scope(),
        state.dataplane.ask(GetStanding {}),
        state.dataplane.ask(GetSourceProgress {}),
        of_homes,
        state.dataplane.ask(CountDeliveries {}),
    );
    let deliveries = deliveries.map_or(0, |count| count.entries);
    let progress = progress.unwrap_or(Progress { sources: Vec::new() });
    let (ingest, dataplane) = (Half::of(status), Half::of(standing));
    let lag = ingest.status.as_ref().zip(dataplane.status.as_ref());
    let parked = dataplane.status.iter().flat_map(|standing| &standing.parked);
    Ok(Json(Overview {
        version: env!("CARGO_PKG_VERSION"),
        started_us: state.started_us,
        now_us: state.clock.now_us(),
        sources: joined(sources.unwrap_or_default(), progress),
        scope: scope.ok(),
        lag: lag.map(|(ingest, standing)| lag_of(ingest, standing)),
        parked: parked.map(|parked| parked.entries).sum::<u64>() + of_homes + deliveries,
        ingest,
        dataplane,
    }))
}

fn lag_of(ingest: &IngestStatus, standing: &Standing) -> Lag {
    let next = |at: &LogPartition| {
        let places = standing.offsets.iter();
        let here = places
            .filter(|place| place.projection == worker::NAME && place.partition == at.partition);
        here.map(|place| place.next_offset).min().unwrap_or(0).max(at.oldest)
    };
    let behind = ingest.log.iter().map(|at| (at.tail - next(at)).max(0));
    let entries: i64 = behind.sum();
    let tail: i64 = ingest.log.iter().map(|at| at.tail).sum();
    let (age_us, at_least) = age(&ingest.recent, tail - entries, tail, ingest.now_us);
    Lag { entries, age_us, at_least }
}

/// How long the log has been longer than `applied` entries, as far as the samples reach back.
fn age(recent: &[Sample], applied: i64, tail: i64, now_us: i64) -> (i64, bool) {
    if applied >= tail {
        return (0, false);
    }
    let since = recent.iter().position(|sample| sample.tail > applied);
    let since_us = since.and_then(|at| recent.get(at)).map_or(now_us, |sample| sample.time_us);
    ((now_us - since_us).max(0), since == Some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_what_is_not_shown_is_that_of_the_first_sample_that_had_it() {
        let sample =
            |time_us: i64, tail: i64| Sample { time_us, events: 0, entries: 0, rejected: 0, tail };
        let recent = [sample(10, 100), sample(20, 150), sample(30, 150), sample(40, 200)];
        let check = |applied: i64, expected: (i64, bool)| {
            assert_eq!(age(&recent, applied, 210, 50), expected, "{applied}");
        };
        check(210, (0, false));
        check(205, (0, false));
        check(180, (10, false));
        check(120, (30, false));
        check(50, (40, true));
        assert_eq!(age(&[], 1, 2, 50), (0, false));
    }
}
