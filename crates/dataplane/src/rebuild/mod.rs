//! Rebuild: the data-plane's tables made anew beside the old ones, which are served until the new ones
//! take their place.
//!
//! ```text
//!  old tables ── one snapshot ──▶ base rows copied ─▶ the rest derived, by what mends drift
//!      │                                                   │ until an audit finds nothing
//!      └── log entries applied meanwhile ─────────────────▶ replayed, quietly
//!                                                          ▼
//!      writers held ─ last entries ─ bookkeeping carried over ─ swap ─ writers go on
//! ```
//!
//! What must stay true: nothing is lost and no fact is told twice by it; a process that ends at any
//! point leaves a whole set of tables in place, and a rebuild begun afterwards begins anew; rows that
//! were judged, or told of, when they came stay as they were (`docs/adr/0006`).

mod carry;
mod copy;
mod place;
mod replay;
pub mod tables;

use std::time::Duration;

use millrace_log::{Log, LogError};
use millrace_runtime::clock::SharedClock;
use millrace_runtime::crash;
use millrace_runtime::error::{Diagnose, Diagnosis};
use millrace_runtime::metrics::Registry;
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::Shutdown;
use millrace_store::lease::Turn;
use millrace_store::worker::{WorkerDeps, WorkerError};
use millrace_store::{Dictionary, Domain, Store, StoreConfig, StoreError, clear_rebuild, offsets};
use serde::{Deserialize, Serialize};

use crate::audit::{AuditOptions, AuditReport};
use crate::metrics::Metrics;
use crate::progress::Progress;
use crate::worker::Dataplane;
use crate::{repair, schema};

/// Times the derived tables are gone through before the rebuild is given up.
const PASSES_MAX: usize = 6;
/// Entries behind the old tables at which writers are held for the rest.
const BEHIND_MAX: i64 = 2_000;
/// Times the swap is tried while others stand in its way.
const SWAPS_MAX: usize = 300;
const SWAP_PAUSE: Duration = Duration::from_secs(1);
/// Longest time the snapshot may be read.
const SNAPSHOT_MS_MAX: u64 = 86_400_000;

const LEASE: &str = "dataplane-rebuild";
const LEASE_TTL: Duration = Duration::from_secs(30);
const LEASE_STEP: Duration = Duration::from_secs(10);

/// What a rebuild needs. `store` is the handle whose tables are swapped; others in this process that
/// are clones of it are served the new tables too.
#[derive(Clone)]
pub struct RebuildDeps {
    pub store: Store,
    pub dictionary: Dictionary,
    pub log: Log,
    pub config: StoreConfig,
    pub clock: SharedClock,
    pub rng: Rng,
    /// As [`AuditOptions::told_since_us`].
    pub told_since_us: i64,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RebuildOptions {
    /// Have every account's repository fetched again afterwards.
    pub from_network: bool,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RebuildReport {
    /// Base rows copied.
    pub rows: u64,
    /// Rows gone through to derive the rest, the last time with nothing left to do.
    pub checked: u64,
    /// The log did not have the tables' place in it.
    pub place_lost: bool,
    /// Accounts whose repositories are fetched again.
    pub wanted: u64,
}

/// Why the old tables stay.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("the new tables cannot catch up")]
    Replay(#[from] WorkerError),
    #[error("another process rebuilds the same tables")]
    Running,
    #[error("the process is asked to stop")]
    Stopped,
    #[error("the new tables are not right: {left} rows differ after {PASSES_MAX} passes")]
    Unsound { left: u64 },
}

impl Diagnose for RebuildError {
    fn diagnosis(&self) -> Diagnosis {
        match self {
            Self::Store(error) => error.diagnosis(),
            Self::Log(error) => error.diagnosis(),
            Self::Replay(error) => error.diagnosis(),
            Self::Running | Self::Stopped | Self::Unsound { .. } => {
                crate::codes::NOT_REBUILT.diagnosis(self.to_string())
            }
        }
    }
}

/// Makes the tables anew and puts them in place.
///
/// # Errors
/// The old tables stay, and are served.
pub async fn run(
    deps: &RebuildDeps,
    options: RebuildOptions,
    progress: &Progress,
    shutdown: &Shutdown,
) -> Result<RebuildReport, RebuildError> {
    // Where the tables are shared, one process rebuilds them. Files have one process.
    let turn = Turn::new(&deps.store, &deps.rng, LEASE, LEASE_TTL);
    if !turn.take().await? {
        return Err(RebuildError::Running);
    }
    let made = tokio::select! {
        made = make(deps, options, progress, shutdown) => made,
        lost = keep_lease(&turn) => Err(lost),
    };
    turn.give_up().await;
    if made.is_err()
        && let Err(error) = clear_rebuild(&deps.config).await
    {
        tracing::warn!(%error, "unfinished tables stay until the next rebuild");
    }
    made
}

async fn keep_lease(turn: &Turn) -> RebuildError {
    loop {
        tokio::time::sleep(LEASE_STEP).await;
        match turn.take().await {
            Ok(true) => {}
            Ok(false) => return RebuildError::Running,
            Err(error) => tracing::warn!(%error, "the rebuild's lease was not renewed"),
        }
    }
}

async fn make(
    deps: &RebuildDeps,
    options: RebuildOptions,
    progress: &Progress,
    shutdown: &Shutdown,
) -> Result<RebuildReport, RebuildError> {
    let mut report = RebuildReport::default();
    clear_rebuild(&deps.config).await?;
    progress.enter("copying");
    let fresh = open_fresh(deps).await?;
    // What is copied stands at these offsets or beyond, and catches up from there.
    let _hold = replay::hold(&deps.store, &deps.log).await?;
    let copied = copied(deps, &fresh, progress, shutdown).await;
    let made = match copied {
        Ok(rows) => {
            report.rows = rows;
            finish(deps, &fresh, options, progress, shutdown, &mut report).await
        }
        Err(error) => Err(error),
    };
    fresh.close().await;
    made.map(|()| report)
}

async fn open_fresh(deps: &RebuildDeps) -> Result<Store, StoreError> {
    let config = StoreConfig { run_migrations: true, readers: 2, ..deps.config.clone() };
    open(deps, &config, Domain::DataplaneRebuild).await
}

async fn open(
    deps: &RebuildDeps,
    config: &StoreConfig,
    domain: Domain,
) -> Result<Store, StoreError> {
    let attach = [Domain::Dictionary, Domain::Own];
    Store::open(config, domain, schema::DATAPLANE, &attach, &deps.clock, &Registry::new()).await
}

/// Copies base rows as they are at one moment; how many.
async fn copied(
    deps: &RebuildDeps,
    fresh: &Store,
    progress: &Progress,
    shutdown: &Shutdown,
) -> Result<u64, RebuildError> {
    let config = StoreConfig {
        run_migrations: false,
        readers: 1,
        read_timeout_ms: SNAPSHOT_MS_MAX,
        ..deps.config.clone()
    };
    let old = open(deps, &config, Domain::Dataplane).await?;
    let copied = copy::all(&old, fresh, progress, || {
        crash::point("rebuild.copy.within");
        match shutdown.is_cancelled() {
            true => Err(StoreError::Closed { domain: Domain::Dataplane }),
            false => Ok(()),
        }
    })
    .await;
    // Its connections would keep the old tables from being put aside.
    old.close().await;
    if shutdown.is_cancelled() {
        return Err(RebuildError::Stopped);
    }
    copied?;
    Ok(progress.seen().done)
}

/// Derives what is derived, catches up and swaps.
async fn finish(
    deps: &RebuildDeps,
    fresh: &Store,
    options: RebuildOptions,
    progress: &Progress,
    shutdown: &Shutdown,
    report: &mut RebuildReport,
) -> Result<(), RebuildError> {
    report.place_lost = place::settle(fresh, &deps.log).await?;
    report.checked = derived(fresh, deps.told_since_us, progress, shutdown).await?;
    if options.from_network || report.place_lost {
        report.wanted = carry::want_all(fresh).await?;
    }
    let catching = Catching {
        deps,
        projection: Dataplane::new(deps.dictionary.clone(), Metrics::new(&Registry::new())),
        progress,
        shutdown,
        place_lost: report.place_lost,
    };
    catching.near(fresh).await?;
    catching.swap(fresh).await
}

/// Goes through the new tables and mends until nothing is found; rows gone through.
async fn derived(
    fresh: &Store,
    told_since_us: i64,
    progress: &Progress,
    shutdown: &Shutdown,
) -> Result<u64, RebuildError> {
    let options = AuditOptions { told_since_us, ..AuditOptions::default() };
    let (mut rows, mut left) = (0, 0);
    for _ in 0..PASSES_MAX {
        let found: Option<Result<AuditReport, StoreError>> =
            shutdown.or(repair::pass(fresh, &options, progress)).await;
        let found = found.ok_or(RebuildError::Stopped)??;
        rows += found.rows;
        left = found.total();
        if left == 0 {
            return Ok(rows);
        }
    }
    Err(RebuildError::Unsound { left })
}

/// Catching up with the old tables.
struct Catching<'a> {
    deps: &'a RebuildDeps,
    projection: Dataplane,
    progress: &'a Progress,
    shutdown: &'a Shutdown,
    /// The old tables' place is none of this log's: there is nothing to catch up with.
    place_lost: bool,
}

impl Catching<'_> {
    /// Until few entries are missing.
    async fn near(&self, fresh: &Store) -> Result<(), RebuildError> {
        loop {
            let behind = self.catch_up(fresh).await?;
            if behind <= BEHIND_MAX {
                return Ok(());
            }
        }
    }

    /// Applies what the old tables have applied; how many entries that was.
    async fn catch_up(&self, fresh: &Store) -> Result<i64, RebuildError> {
        if self.place_lost {
            return Ok(0);
        }
        let (target, parked) = replay::stands(&self.deps.store).await?;
        let (reached, _) = replay::stands(fresh).await?;
        let behind: i64 = target
            .iter()
            .map(|(partition, to)| to - reached.get(partition).copied().unwrap_or(0))
            .sum();
        self.progress.enter("catching up");
        self.progress.expect(behind.max(0).unsigned_abs());
        let deps = WorkerDeps {
            store: fresh.clone(),
            log: self.deps.log.clone(),
            clock: self.deps.clock.clone(),
            rng: self.deps.rng.fork(),
            registry: Registry::new(),
        };
        replay::until(&self.projection, &deps, &target, &parked, self.progress, self.shutdown)
            .await?;
        Ok(behind)
    }

    /// Holds the writers, applies the last entries and swaps.
    async fn swap(&self, fresh: &Store) -> Result<(), RebuildError> {
        let Self { deps, progress, .. } = self;
        let mut fresh = fresh.clone();
        let mut tries = 0;
        loop {
            tries += 1;
            let writers = deps.store.hold_writers().await?;
            self.catch_up(&fresh).await?;
            progress.enter("swapping");
            let (_, parked) = replay::stands(&deps.store).await?;
            if !self.place_lost {
                carry::over(&deps.store, &fresh, parked).await?;
            }
            let at = deps.store.read(offsets::list).await?;
            crash::point("rebuild.swap.before");
            match deps.store.replace(writers, fresh, at, &deps.config).await {
                Ok(()) => return Ok(()),
                Err(
                    error @ (StoreError::Fenced { .. }
                    | StoreError::Busy { .. }
                    | StoreError::QueueFull { .. }
                    | StoreError::Timeout { .. }),
                ) if tries < SWAPS_MAX => {
                    tracing::info!(%error, "the swap has to wait");
                    tokio::time::sleep(SWAP_PAUSE).await;
                    fresh = open_fresh(deps).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
