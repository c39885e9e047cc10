//! Which repository is fetched next: the longest due, a bounded number at once, and fewer from one
//! host. Failures wait twice as long each time, or as long as the host asked.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use millrace_atproto::Did;
use millrace_net::{PdsClient, Resolver};
use millrace_runtime::clock::SharedClock;
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::{Backoff, TaskSet};
use millrace_runtime::telemetry;
use millrace_store::{Fault, Store, StoreError};
use tokio::sync::{Notify, Semaphore, oneshot};
use tracing::Instrument as _;

use super::fetch::{self, FetchError};
use super::hosts::Hosts;
use crate::ahead::Ahead;
use crate::backfill::{Outcome, Tally};
use crate::brake::Brake;
use crate::config::IngestConfig;
use crate::error::IngestError;
use crate::lane::{Begun, LaneMsg, Lanes, ResyncOutcome};
use crate::metrics::Metrics;
use crate::model::SyncState;
use crate::tables::accounts::{self, Due};

/// Rows taken at once, beside those being worked on.
const DUE_ROWS_MAX: u32 = 128;
/// Failed attempts in a row, with a pause that doubles, after which an account that its host does not
/// have, at the last attempt and at this one, counts as deleted.
const NOT_FOUND_ATTEMPTS: u32 = 8;
/// How often accounts are counted by state.
const COUNT_EVERY: Duration = Duration::from_secs(300);

/// What fetching works with.
#[derive(Clone)]
pub(crate) struct ResyncDeps {
    pub(crate) store: Store,
    pub(crate) resolver: Resolver,
    pub(crate) pds: PdsClient,
    pub(crate) lanes: Lanes,
    pub(crate) config: Arc<IngestConfig>,
    /// Bytes in flight, shared with the sources.
    pub(crate) inflight: Arc<Semaphore>,
    /// What may be in the log ahead of who applies it, where that is told.
    pub(crate) ahead: Option<Ahead>,
    pub(crate) bounds: FetchBounds,
    pub(crate) clock: SharedClock,
    pub(crate) rng: Rng,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) brake: Brake,
    /// What backfills wait for.
    pub(crate) tally: Arc<Tally>,
}

/// What bounds the fetches of one run, beside their number.
#[derive(Clone)]
pub(crate) struct FetchBounds {
    /// Fetches from one host at once.
    pub(super) hosts: Arc<Hosts>,
    /// Held while a large repository is in memory.
    pub(super) large: Arc<Semaphore>,
}

impl FetchBounds {
    pub(crate) fn new(config: &IngestConfig) -> Self {
        Self {
            hosts: Arc::new(Hosts::new(config.resync.host_concurrency)),
            large: Arc::new(Semaphore::new(1)),
        }
    }
}

/// The scheduler.
pub(crate) struct Resync {
    deps: ResyncDeps,
    /// Woken when rows were saved that may be due.
    work: Arc<Notify>,
    /// Accounts being fetched, and from where.
    running: HashMap<Did, Option<String>>,
    /// Accounts whose row has not been saved since they were last worked on, or not long ago: it may
    /// still look due. Forgotten at each poll.
    resting: HashSet<Did>,
    tasks: TaskSet<Did>,
}

impl Resync {
    pub(crate) fn new(deps: ResyncDeps, work: Arc<Notify>) -> Self {
        Self { deps, work, running: HashMap::new(), resting: HashSet::new(), tasks: TaskSet::new() }
    }

    /// Runs until it is dropped.
    pub(crate) async fn run(mut self) -> Result<(), IngestError> {
        let work = Arc::clone(&self.work);
        let mut poll =
            tokio::time::interval(Duration::from_millis(self.deps.config.resync.poll_ms.max(1)));
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut count = tokio::time::interval(COUNT_EVERY);
        loop {
            tokio::select! {
                _ = poll.tick() => {
                    self.resting.clear();
                    self.start_due().await?;
                }
                () = work.notified() => self.start_due().await?,
                Some(done) = self.tasks.join_next() => match done {
                    Ok((_, did)) => {
                        self.running.remove(did.as_str());
                        self.resting.insert(did);
                        self.deps.metrics.resyncs_running.set(i64::try_from(self.running.len()).unwrap_or(0));
                        self.start_due().await?;
                    }
                    Err(fault) => {
                        tracing::error!(%fault, "a resync failed");
                        return Err(IngestError::PartEnded("resync"));
                    }
                },
                _ = count.tick() => self.count_accounts().await,
            }
        }
    }

    /// Starts as many of those due as the bounds allow.
    async fn start_due(&mut self) -> Result<(), IngestError> {
        if self.running.len() >= self.deps.config.resync.concurrency || self.deps.brake.is_on() {
            return Ok(());
        }
        let busy = self.busy_hosts();
        let now_us = self.deps.clock.now_us();
        let passed = self.running.len() + self.resting.len();
        let limit = DUE_ROWS_MAX.saturating_add(u32::try_from(passed).unwrap_or(u32::MAX));
        let due: Result<Vec<Due>, StoreError> =
            self.deps.store.read(move |tx| accounts::due(tx, now_us, &busy, limit)).await;
        let due = match due {
            Ok(due) => due,
            Err(error) if error.fault() == Fault::Retry => {
                tracing::debug!(%error, "accounts due cannot be read now");
                return Ok(());
            }
            Err(error) => return Err(IngestError::Store(error)),
        };
        for Due { did, pds, attempts, error } in due {
            if self.running.len() >= self.deps.config.resync.concurrency {
                break;
            }
            let passed =
                self.running.contains_key(did.as_str()) || self.resting.contains(did.as_str());
            if passed || self.at_bound(pds.as_deref()) {
                continue;
            }
            self.running.insert(did.clone(), pds);
            self.deps.metrics.resyncs_running.set(i64::try_from(self.running.len()).unwrap_or(0));
            let deps = self.deps.clone();
            let job = telemetry::job("resync", &deps.rng);
            let resync = async move {
                resync(&deps, &did, attempts, error.as_deref()).await;
                did
            };
            self.tasks.spawn("resync", resync.instrument(job));
        }
        Ok(())
    }

    fn at_bound(&self, host: Option<&str>) -> bool {
        let running = self
            .running
            .values()
            .filter(|other| other.is_some() && other.as_deref() == host)
            .count();
        host.is_some() && running >= self.deps.config.resync.host_concurrency
    }

    fn busy_hosts(&self) -> Vec<String> {
        let hosts: HashSet<&String> = self.running.values().flatten().collect();
        hosts.into_iter().filter(|host| self.at_bound(Some(host))).cloned().collect()
    }

    async fn count_accounts(&self) {
        let counted: Result<Vec<(String, i64)>, StoreError> =
            self.deps.store.read(accounts::counts).await;
        // Only a figure for the dashboard; the next count will do.
        let Ok(counted) = counted else { return };
        for state in SyncState::ALL {
            let of_state = counted.iter().find(|(name, _)| name == state.name());
            let accounts = of_state.map_or(0, |(_, accounts)| *accounts);
            self.deps.metrics.accounts.with(&[state.name()]).set(accounts);
        }
    }
}

/// One account, from the barrier to its end.
async fn resync(deps: &ResyncDeps, did: &Did, attempts: u32, last_error: Option<&str>) {
    let (reply, begun) = oneshot::channel();
    if deps.lanes.send(LaneMsg::BeginResync { did: did.clone(), reply }).is_err() {
        return;
    }
    let Ok(Some(Begun { attempt, rev })) = begun.await else { return };
    let outcome = match fetch::fetch(deps, did, attempt, rev).await {
        Ok(fetched) => {
            let fetch::Fetched { chain, pds, records, bytes, invalid, is_labeler } = fetched;
            deps.metrics.resyncs.with(&["fetched"]).inc();
            deps.metrics.resync_records.add(records);
            deps.metrics.resync_bytes.add(bytes);
            tracing::info!(%did, records, bytes, invalid, "repository fetched");
            deps.tally.report(did, Outcome::Fetched { records, bytes });
            ResyncOutcome::Fetched { chain, pds, is_labeler }
        }
        // A host that does not have it again and again: the account is gone. Not at the first time:
        // it may be moving, or its host be in trouble, and deletion purges.
        Err(error @ FetchError::NotFound)
            if attempts >= NOT_FOUND_ATTEMPTS
                && last_error == Some(crate::error::chain(&error).as_str()) =>
        {
            deps.metrics.resyncs.with(&["not_found"]).inc();
            ResyncOutcome::Inactive { status: "deleted".to_owned() }
        }
        Err(FetchError::Inactive(status)) => {
            deps.metrics.resyncs.with(&["inactive"]).inc();
            ResyncOutcome::Inactive { status: status.to_owned() }
        }
        Err(error) => {
            deps.metrics.resyncs.with(&[error.label()]).inc();
            deps.tally.report(did, Outcome::Failed(error.label()));
            let error_text = crate::error::chain(&error);
            tracing::warn!(%did, attempts, error = error_text, "repository not fetched; it will be tried again");
            ResyncOutcome::Failed {
                error: error_text,
                retry_us: retry_us(deps, attempts, error.retry_after()),
            }
        }
    };
    // A lane that is gone ends the run; the row is still due.
    let _ = deps.lanes.send(LaneMsg::EndResync { did: did.clone(), attempt, outcome });
}

fn retry_us(deps: &ResyncDeps, attempts: u32, asked: Option<Duration>) -> i64 {
    let backoff = Backoff {
        base: Duration::from_millis(deps.config.resync.backoff_first_ms),
        max: Duration::from_millis(deps.config.resync.backoff_max_ms),
        reset_after: Duration::ZERO,
    };
    let pause = deps.rng.jitter(backoff.delay(attempts)).max(asked.unwrap_or_default());
    let pause_us = i64::try_from(pause.as_micros()).unwrap_or(i64::MAX);
    deps.clock.now_us().saturating_add(pause_us)
}
