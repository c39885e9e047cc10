//! Ingest at a glance, for whoever watches it: what was read and what became of it, the log's ends, the
//! hosts its accounts live on, and the last minutes of all that.
//!
//! ```text
//!   task "ingest.status"  every 2 s ── counters, log's tails ──▶ recent (a ring)
//!                         while asked ── account table ────────▶ census: hosts, states
//! ```
//!
//! Must stay true: asking costs no scan. The accounts are counted by the task alone, only while somebody
//! looks, and the rarer the longer it takes.

mod census;
mod counts;
mod recent;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use millrace_log::{Log, LogError, Topic};
use millrace_net::PdsClient;
use millrace_runtime::clock::SharedClock;
use millrace_runtime::supervise::{Policy, Supervisor, TaskError};
use millrace_store::Store;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

pub use census::{AccountCounts, HostList, HostStatus};
pub use counts::Counts;
pub use recent::Sample;

use crate::metrics::Metrics;
use crate::start::IngestDeps;
use census::{Census, Counted};
use recent::Recent;

/// How often the counters are looked at.
const SAMPLE_EVERY: Duration = Duration::from_secs(2);

/// Ingest as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IngestStatus {
    /// Of the process that follows the network.
    pub version: String,
    pub started_us: i64,
    pub now_us: i64,
    /// Events are judged here; not so while it starts, or stands by for another process's lease.
    pub running: bool,
    /// What keeps the log, and what the tables.
    pub log_engine: String,
    pub store_engine: String,
    pub counts: Counts,
    pub log: Vec<LogPartition>,
    /// Absent until they have been counted.
    pub accounts: Option<AccountCounts>,
    /// The last minutes, the oldest first.
    pub recent: Vec<Sample>,
}

/// One partition of the log of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPartition {
    pub partition: u32,
    /// The first offset still there.
    pub oldest: i64,
    /// The offset of the next entry.
    pub tail: i64,
}

/// What is known at a glance.
pub(crate) struct Board {
    log: Log,
    store: Store,
    pds: PdsClient,
    clock: SharedClock,
    metrics: Arc<Metrics>,
    started_us: i64,
    recent: Mutex<Recent>,
    census: Mutex<Census>,
    /// When somebody last asked.
    asked_us: AtomicI64,
}

impl Board {
    pub(crate) fn new(deps: &IngestDeps, metrics: Arc<Metrics>) -> Self {
        Self {
            log: deps.log.clone(),
            store: deps.store.clone(),
            pds: deps.pds.clone(),
            started_us: deps.clock.now_us(),
            clock: deps.clock.clone(),
            metrics,
            recent: Mutex::default(),
            census: Mutex::default(),
            asked_us: AtomicI64::new(i64::MIN),
        }
    }

    /// Starts the task that looks.
    pub(crate) fn start(self: &Arc<Self>, supervisor: &Supervisor) {
        let board = Arc::clone(self);
        supervisor.spawn("ingest.status", Policy::restart(), move |shutdown| {
            let board = Arc::clone(&board);
            async move {
                let mut ticks = tokio::time::interval(SAMPLE_EVERY);
                ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
                while shutdown.or(ticks.tick()).await.is_some() {
                    board.look().await?;
                }
                Ok(())
            }
        });
    }

    pub(crate) async fn status(&self, running: bool) -> Result<IngestStatus, LogError> {
        let now_us = self.clock.now_us();
        self.asked_us.store(now_us, Ordering::Relaxed);
        let log = self.partitions().await?;
        Ok(IngestStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_us: self.started_us,
            now_us,
            running,
            log_engine: self.log.engine_name().to_owned(),
            store_engine: self.store.engine_name().to_owned(),
            counts: Counts::of(&self.metrics),
            log,
            accounts: self.census.lock().accounts(),
            recent: self.recent.lock().samples(),
        })
    }

    pub(crate) fn hosts(&self) -> HostList {
        self.asked_us.store(self.clock.now_us(), Ordering::Relaxed);
        self.census.lock().hosts(&self.pds.http().paused_hosts())
    }

    async fn look(&self) -> Result<(), TaskError> {
        self.sample().await;
        let now_us = self.clock.now_us();
        let asked_us = self.asked_us.load(Ordering::Relaxed);
        if !self.census.lock().is_due(now_us, asked_us) {
            return Ok(());
        }
        let counted = self.store.read(census::count).await;
        let took_us = self.clock.now_us().saturating_sub(now_us);
        // A count that failed is tried again later; what was counted before still stands.
        let counted: Option<Counted> = counted
            .inspect_err(|error| tracing::debug!(%error, "accounts cannot be counted now"))
            .ok();
        self.census.lock().counted(counted, now_us, took_us);
        Ok(())
    }

    async fn sample(&self) {
        // A log that does not answer leaves a hole in the chart, no more.
        let Ok(partitions) = self.partitions().await else { return };
        let tails: i64 = partitions.iter().map(|partition| partition.tail).sum();
        let counts = Counts::of(&self.metrics);
        self.recent.lock().push(Sample {
            time_us: self.clock.now_us(),
            events: counts.events,
            entries: counts.entries,
            rejected: counts.rejected.values().sum(),
            tail: tails,
        });
    }

    async fn partitions(&self) -> Result<Vec<LogPartition>, LogError> {
        let topic = Topic::NetworkEntries;
        let mut found = Vec::new();
        for partition in 0..self.log.partitions(topic) {
            let oldest = self.log.oldest(topic, partition).await?;
            let tail = self.log.tail(topic, partition).await?;
            found.push(LogPartition { partition, oldest, tail });
        }
        Ok(found)
    }
}
