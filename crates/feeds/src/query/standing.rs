//! `getHomesStanding`: how homes are doing, for who operates them: times of the last minutes, what waits, how large it is.
//!
//! Must stay true: asking scans no table of lines. Times are this process's own; the rest stands in the tables.

use std::time::Duration;

use millrace_runtime::metrics::{KEPT, Recent, SLOT};
use millrace_store::{Param, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Question;
use crate::client::Local;
use crate::error::FeedsError;
use crate::jobs::fan_out::{PARKED, PENDING};
use crate::sizes::{self, Sizes};

/// The shortest and the longest time that can be asked for.
pub const SECONDS_MIN: u32 = 60;
pub const SECONDS_MAX: u32 = KEPT.as_secs() as u32;
/// Steps in which a time is told.
const STEPS: u32 = 60;
/// Counting ends here.
const COUNTED_MAX: i64 = 100_000;

/// How homes did within the last so many seconds, and stand now.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetHomesStanding {
    pub seconds: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HomesStanding {
    pub now_us: i64,
    /// Since when the process that answers counts.
    pub started_us: i64,
    pub pages: PagesFound,
    /// Items that reached their last home, by how many of their author's followers read here.
    pub fan_out: Vec<Timing>,
    /// How old the oldest fact is that homes do not show yet; beyond `lag_us_max` they are read by pull.
    pub lag_us: i64,
    pub lag_us_max: i64,
    /// Entries of facts that homes do not show yet.
    pub lag_entries: i64,
    /// Whether every home is read by pull now.
    pub is_pulled: bool,
    /// Items on their way into homes, counted up to 100,000 like what follows.
    pub waiting: i64,
    /// Items whose way was given up until an operator has them tried again.
    pub parked: i64,
    /// Homes that are to be built.
    pub unbuilt: i64,
    /// Pairs of which a home is to be made right after a follow, a block or a mute.
    pub unsettled: i64,
    /// How large it was within the last day, the oldest first; the last is as of about a minute ago.
    pub sizes: Vec<Sizes>,
}

/// Pages of homes within some time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PagesFound {
    /// By where they came from, the best first.
    pub by_source: Vec<Timing>,
    /// How many, step after step, the oldest first.
    pub steps: Vec<StepCount>,
    /// How long a step is.
    pub step_seconds: u32,
}

/// How often something happened, and how long it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Timing {
    pub name: String,
    pub count: u64,
    /// Half of them took so long at most, and 99 of 100.
    pub p50_us: i64,
    pub p99_us: i64,
}

/// How often it happened in one step, whatever it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepCount {
    pub until_us: i64,
    pub count: u64,
}

impl PagesFound {
    /// What is remembered of the last so many seconds.
    pub fn lately(recent: &Recent, seconds: u32) -> Self {
        let over = Duration::from_secs(seconds.into());
        let slot_seconds = SLOT.as_secs() as u32;
        let slots_each = seconds.div_ceil(STEPS).div_ceil(slot_seconds);
        let count = |step: millrace_runtime::metrics::Step| StepCount {
            until_us: step.until_us,
            count: step.counts.iter().sum(),
        };
        Self {
            by_source: timings(recent, over),
            steps: recent.steps(over, slots_each.into()).into_iter().map(count).collect(),
            step_seconds: slots_each * slot_seconds,
        }
    }
}

fn timings(recent: &Recent, over: Duration) -> Vec<Timing> {
    let us = |seconds: f64| (seconds * 1e6) as i64;
    let timing = |(name, spread): (&&str, millrace_runtime::metrics::Spread)| Timing {
        name: (*name).to_owned(),
        count: spread.count() as u64,
        p50_us: us(spread.quantile(0.5)),
        p99_us: us(spread.quantile(0.99)),
    };
    recent.labels().iter().zip(recent.spreads(over)).map(timing).collect()
}

impl Question for GetHomesStanding {
    const NAME: &'static str = "getHomesStanding";
    type Answer = HomesStanding;

    async fn answer(self, local: &Local) -> Result<HomesStanding, FeedsError> {
        if !(SECONDS_MIN..=SECONDS_MAX).contains(&self.seconds) {
            let message = format!("seconds must be between {SECONDS_MIN} and {SECONDS_MAX}");
            return Err(FeedsError::InvalidRequest(message));
        }
        let read: Result<Stored, StoreError> = local.deps.store.read(stored).await;
        let Stored { waiting, parked, unbuilt, unsettled, sizes } = read?;
        let metrics = &local.deps.metrics;
        let behind = local.lag.behind();
        Ok(HomesStanding {
            now_us: local.deps.clock.now_us(),
            started_us: local.started_us,
            pages: PagesFound::lately(metrics.pages.recent(), self.seconds),
            fan_out: timings(&metrics.fan_outs, Duration::from_secs(self.seconds.into())),
            lag_us: behind.us,
            lag_us_max: local.lag.us_max,
            lag_entries: behind.entries,
            is_pulled: local.lag.is_too_long(),
            waiting,
            parked,
            unbuilt,
            unsettled,
            sizes,
        })
    }
}

/// What the tables say.
struct Stored {
    waiting: i64,
    parked: i64,
    unbuilt: i64,
    unsettled: i64,
    sizes: Vec<Sizes>,
}

fn stored(tx: &mut Tx) -> Result<Stored, StoreError> {
    let mut count = |some: &str, params: &[i64]| {
        let params: Vec<Param<'_>> =
            [COUNTED_MAX].iter().chain(params).map(|value| Param::Int(*value)).collect();
        let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {some} LIMIT $1) AS c");
        tx.query_one(&sql, &params, |row| row.get::<i64>(0))
    };
    Ok(Stored {
        waiting: count("fanout_job WHERE state = $2", &[PENDING])?,
        parked: count("fanout_job WHERE state = $2", &[PARKED])?,
        unbuilt: count("feed_state WHERE built_at_us IS NULL", &[])?,
        unsettled: count("settle_job", &[])?,
        sizes: sizes::lately(tx)?,
    })
}
