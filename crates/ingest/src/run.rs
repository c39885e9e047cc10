//! One run: leases, cursors, lanes and tasks, wired together. It ends as a whole: when a part fails
//! everything is dropped and built again from what is stored, so that no part ever works with
//! another's half-finished state.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use millrace_atproto::Did;
use millrace_runtime::error::Diagnose as _;
use millrace_runtime::supervise::{Shutdown, TaskSet, spawn_thread};
use millrace_store::StoreError;
use millrace_store::lease::{self, Lease};
use tokio::sync::{Notify, Semaphore, mpsc};

use crate::append::{Appender, Checkpoint, CheckpointDeps, Item};
use crate::backfill::{self, BackfillDeps, Backfills, Paces, Tally};
use crate::brake::Brake;
use crate::client::{Local, Running};
use crate::config::{Backfill, IngestConfig};
use crate::error::IngestError;
use crate::follow::{Follow, FollowDeps};
use crate::identity::{Identities, IdentityDeps};
use crate::labelers::{self, LabelerDeps};
use crate::lane::{HeldBudget, Lane, LaneDeps, Lanes};
use crate::looked::Looked;
use crate::lookup::{Loader, Lookups};
use crate::metrics::Metrics;
use crate::progress::SourceState;
use crate::resync::{FetchBounds, ListRepos, Resync, ResyncDeps};
use crate::scope::{self, Membership, MembershipDeps, Scope};
use crate::source::{Firehose, Jetstream};
use crate::start::IngestDeps;
use crate::tables::{accounts, cursors};

/// Items between the lanes and the log, and between the log and the checkpoint. Their bytes are
/// bounded by the bytes in flight.
const ITEMS_WAITING_MAX: usize = 4_096;
/// How long a run that drains waits for what is in flight.
const DRAIN: Duration = Duration::from_secs(5);
/// The lease that whoever judges events holds: the chain of an account is one, however many sources
/// tell of it.
const JUDGE_LEASE: &str = "ingest";

/// What every run of this process shares.
pub(crate) struct Runner {
    pub(crate) deps: IngestDeps,
    pub(crate) config: Arc<IngestConfig>,
    pub(crate) sources: Vec<Arc<SourceState>>,
    pub(crate) local: Arc<Local>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) scope: Arc<Scope>,
    pub(crate) brake: Brake,
    pub(crate) tally: Arc<Tally>,
    pub(crate) paces: Arc<Paces>,
    pub(crate) looked: Option<Arc<Looked>>,
    /// Unique to this process and its start.
    pub(crate) holder: String,
}

/// The queues of one run.
struct Wiring {
    lanes: Lanes,
    threads: Vec<thread::JoinHandle<()>>,
    items: mpsc::Sender<Item>,
    inflight: Arc<Semaphore>,
    work: Arc<Notify>,
    wanted: Arc<HashSet<Did>>,
    membership: Membership,
    /// Cancelled first: nothing new is read.
    reading: Shutdown,
    /// Cancelled last: what was gathered is saved.
    saving: Shutdown,
}

impl Runner {
    /// Runs until the shutdown, or until a part fails.
    pub(crate) async fn run(&self, shutdown: Shutdown) -> Result<(), IngestError> {
        let Some(leases) = self.acquire(&shutdown).await? else { return Ok(()) };
        scope::adopt(&self.deps.store, &self.config, &self.scope).await?;
        for source in &self.sources {
            self.resume(source).await?;
        }
        let mut tasks = TaskSet::new();
        let wiring = self.wire(&mut tasks, leases.clone())?;
        self.local.running(Some(Running {
            lanes: wiring.lanes.clone(),
            membership: wiring.membership.clone(),
        }));
        let ended = self.until_end(&mut tasks, &wiring, &shutdown).await;
        self.local.running(None);
        let joined = self.tear_down(tasks, wiring).await;
        if joined.is_ok() {
            self.release(leases).await;
        }
        ended.and(joined)
    }

    /// Tells whoever asks about a source that the run failed.
    pub(crate) fn failed(&self, error: &IngestError) {
        let diagnosis = error.diagnosis();
        for source in &self.sources {
            source.failed(diagnosis.to_string());
        }
    }

    /// Waits for the leases; `None` when the process drains first.
    async fn acquire(&self, shutdown: &Shutdown) -> Result<Option<Vec<Lease>>, IngestError> {
        let ttl_ms = self.config.lease_ttl_ms;
        let ttl_us = i64::try_from(ttl_ms).unwrap_or(i64::MAX).saturating_mul(1_000);
        let names: Vec<String> = std::iter::once(JUDGE_LEASE.to_owned())
            .chain(self.sources.iter().map(|source| format!("source:{}", source.name)))
            .collect();
        let mut told = false;
        loop {
            let (names, holder) = (names.clone(), self.holder.clone());
            let held: Result<Option<Vec<Lease>>, StoreError> = self
                .deps
                .store
                .write(move |tx| {
                    names.iter().map(|name| lease::acquire(tx, name, &holder, ttl_us)).collect()
                })
                .await;
            if let Some(leases) = held? {
                return Ok(Some(leases));
            }
            if !told {
                tracing::info!("another process follows the network into this store; standing by");
                told = true;
            }
            let pause = self.deps.rng.jitter(Duration::from_millis((ttl_ms / 3).max(1)));
            if shutdown.or(tokio::time::sleep(pause)).await.is_none() {
                return Ok(None);
            }
        }
    }

    async fn release(&self, leases: Vec<Lease>) {
        let released: Result<(), StoreError> = self
            .deps
            .store
            .write(move |tx| {
                leases.iter().try_for_each(|lease| lease::release(tx, lease).map(|_| ()))
            })
            .await;
        if let Err(error) = released {
            tracing::debug!(%error, "leases not released; they run out by themselves");
        }
    }

    async fn resume(&self, source: &Arc<SourceState>) -> Result<(), IngestError> {
        let name = source.name.clone();
        let stored: Result<_, StoreError> = self
            .deps
            .store
            .read(move |tx| {
                Ok((cursors::load(tx, &name)?, cursors::last_gap(tx, &name)?, accounts::any(tx)?))
            })
            .await;
        let (positions, gap, anyone) = stored?;
        let known = positions.len();
        source.resume(positions, gap, anyone);
        if known > 0 && source.received().0.is_none() {
            tracing::warn!(
                source.name = source.name,
                configured = source.endpoint().address(),
                "no cursor is stored for this address, only for others; they are not used"
            );
        }
        Ok(())
    }

    fn wire(
        &self,
        tasks: &mut TaskSet<Result<(), IngestError>>,
        leases: Vec<Lease>,
    ) -> Result<Wiring, IngestError> {
        let (deps, config) = (&self.deps, &self.config);
        let (lanes, queues) = Lanes::new(config.lanes());
        let (items, to_append) = mpsc::channel(ITEMS_WAITING_MAX);
        let (durable, to_save) = mpsc::channel(ITEMS_WAITING_MAX);
        let (loads, to_load) = mpsc::unbounded_channel();
        let (asks, to_ask) = mpsc::unbounded_channel();
        let held = Arc::new(HeldBudget::new(config.held_bytes_max));
        let inflight =
            Arc::new(Semaphore::new(config.inflight_bytes_max.min(Semaphore::MAX_PERMITS)));
        let (work, wanted) = (Arc::new(Notify::new()), Arc::new(self.wanted()));
        let (reading, saving) = (Shutdown::new(), Shutdown::new());
        let mut threads = Vec::new();
        for (at, queue) in queues.into_iter().enumerate() {
            let lane = Lane::new(LaneDeps {
                config: Arc::clone(config),
                wanted: Arc::clone(&wanted),
                scope: Arc::clone(&self.scope),
                held: Arc::clone(&held),
                items: items.clone(),
                loads: loads.clone(),
                asks: asks.clone(),
                clock: Arc::clone(&deps.clock),
                rng: deps.rng.fork(),
                metrics: Arc::clone(&self.metrics),
            });
            let thread = spawn_thread(format!("verify-{at}"), move || lane.run(queue));
            threads.push(thread.map_err(IngestError::Thread)?);
        }
        let (rng, metrics) = (deps.rng.fork(), Arc::clone(&self.metrics));
        tasks.spawn(
            "ingest.appender",
            Appender {
                log: deps.log.clone(),
                items: to_append,
                durable,
                ahead: deps.ahead.clone(),
                rng,
                metrics,
            }
            .run(),
        );
        let checkpoint = Checkpoint::new(CheckpointDeps {
            store: deps.store.clone(),
            config: Arc::clone(config),
            sources: self.sources.clone(),
            leases,
            items: items.downgrade(),
            clock: Arc::clone(&deps.clock),
            work: Arc::clone(&work),
            rng: deps.rng.fork(),
            metrics: Arc::clone(&self.metrics),
        });
        tasks.spawn("ingest.checkpoint", checkpoint.run(to_save, saving.clone()));
        let loader = Loader {
            store: deps.store.clone(),
            wanted: to_load,
            lanes: lanes.clone(),
            rng: deps.rng.fork(),
        };
        tasks.spawn("ingest.loader", loader.run());
        let lookups = Lookups {
            resolver: deps.resolver.clone(),
            pds: deps.pds.clone(),
            asks: to_ask,
            lanes: lanes.clone(),
            config: config.identity.clone(),
            rng: deps.rng.fork(),
            metrics: Arc::clone(&self.metrics),
        };
        tasks.spawn("ingest.lookups", lookups.run());
        let membership = Membership::new(MembershipDeps {
            store: deps.store.clone(),
            scope: Arc::clone(&self.scope),
            lanes: lanes.clone(),
            config: Arc::clone(config),
            clock: Arc::clone(&deps.clock),
            metrics: Arc::clone(&self.metrics),
        });
        let wiring =
            Wiring { lanes, threads, items, inflight, work, wanted, membership, reading, saving };
        self.spawn_workers(tasks, &wiring);
        self.spawn_sources(tasks, &wiring);
        self.spawn_labelers(tasks, &wiring);
        Ok(wiring)
    }

    /// What works through the tables.
    fn spawn_workers(&self, tasks: &mut TaskSet<Result<(), IngestError>>, wiring: &Wiring) {
        let (deps, config) = (&self.deps, &self.config);
        let fetch = ResyncDeps {
            store: deps.store.clone(),
            resolver: deps.resolver.clone(),
            pds: deps.pds.clone(),
            lanes: wiring.lanes.clone(),
            config: Arc::clone(config),
            inflight: Arc::clone(&wiring.inflight),
            ahead: deps.ahead.clone(),
            bounds: FetchBounds::new(config),
            clock: Arc::clone(&deps.clock),
            rng: deps.rng.fork(),
            metrics: Arc::clone(&self.metrics),
            brake: self.brake.clone(),
            tally: Arc::clone(&self.tally),
        };
        let backfills = Backfills::new(BackfillDeps {
            fetch: fetch.clone(),
            scope: Arc::clone(&self.scope),
            paces: Arc::clone(&self.paces),
        });
        tasks.spawn("ingest.backfills", until(wiring.reading.clone(), backfills.run()));
        if let Some(looked) = &self.looked {
            let judging = Arc::clone(looked).run(fetch.clone());
            tasks.spawn("ingest.looked", until(wiring.reading.clone(), judging));
        }
        let resync = Resync::new(fetch, Arc::clone(&wiring.work));
        let membership = wiring.membership.clone().run();
        tasks.spawn("ingest.scope", until(wiring.reading.clone(), membership));
        tasks.spawn("ingest.resync", until(wiring.reading.clone(), resync.run()));
        let identities = Identities::new(
            IdentityDeps {
                store: deps.store.clone(),
                resolver: deps.resolver.clone(),
                lanes: wiring.lanes.clone(),
                items: wiring.items.clone(),
                config: config.identity.clone(),
                clock: Arc::clone(&deps.clock),
                rng: deps.rng.fork(),
                metrics: Arc::clone(&self.metrics),
                since_us: deps.clock.now_us(),
            },
            Arc::clone(&wiring.work),
        );
        tasks.spawn("ingest.identities", until(wiring.reading.clone(), identities.run()));
        let origins = match config.backfill.is_all() {
            true => backfill::hosts(&self.sources, config),
            false => Vec::new(),
        };
        let list = ListRepos {
            store: deps.store.clone(),
            pds: deps.pds.clone(),
            lanes: wiring.lanes.clone(),
            origins,
            wanted: Arc::clone(&wiring.wanted),
            pause: Duration::from_millis(config.resync.list_repos_pause_ms),
            rng: deps.rng.fork(),
            brake: self.brake.clone(),
        };
        let reading = wiring.reading.clone();
        tasks.spawn("ingest.backfill", async move {
            until(reading.clone(), list.run()).await?;
            reading.cancelled().await;
            Ok(())
        });
    }

    fn spawn_sources(&self, tasks: &mut TaskSet<Result<(), IngestError>>, wiring: &Wiring) {
        for source in &self.sources {
            let deps = FollowDeps {
                config: Arc::clone(&self.config),
                lanes: wiring.lanes.clone(),
                items: wiring.items.clone(),
                inflight: Arc::clone(&wiring.inflight),
                clock: Arc::clone(&self.deps.clock),
                rng: self.deps.rng.fork(),
                metrics: Arc::clone(&self.metrics),
                shutdown: wiring.reading.clone(),
                scope: Arc::clone(&self.scope),
                brake: self.brake.clone(),
            };
            let connection = &self.config.connection;
            let configured = self.config.sources.iter().find(|config| config.name == source.name);
            let name = format!("ingest.source.{}", source.name);
            match configured.filter(|config| config.kind.is_jetstream()) {
                Some(config) => {
                    let http = self.deps.pds.http().clone();
                    let jetstream = Jetstream::new(config, connection, http);
                    tasks.spawn(name, Follow::new(jetstream, Arc::clone(source), deps).run());
                }
                None => {
                    let firehose = Firehose::new(connection);
                    tasks.spawn(name, Follow::new(firehose, Arc::clone(source), deps).run());
                }
            }
        }
    }

    fn spawn_labelers(&self, tasks: &mut TaskSet<Result<(), IngestError>>, wiring: &Wiring) {
        let deps = LabelerDeps {
            config: Arc::clone(&self.config),
            resolver: self.deps.resolver.clone(),
            store: self.deps.store.clone(),
            items: wiring.items.clone(),
            guard: self.deps.pds.http().guard(),
            clock: Arc::clone(&self.deps.clock),
            rng: self.deps.rng.fork(),
            metrics: Arc::clone(&self.metrics),
            shutdown: wiring.reading.clone(),
            brake: self.brake.clone(),
        };
        labelers::spawn(tasks, &deps);
    }

    /// Until the process drains, or a part ends.
    async fn until_end(
        &self,
        tasks: &mut TaskSet<Result<(), IngestError>>,
        wiring: &Wiring,
        shutdown: &Shutdown,
    ) -> Result<(), IngestError> {
        tokio::select! {
            () = shutdown.cancelled() => {
                wiring.reading.cancel();
                let all = u32::try_from(self.config.inflight_bytes_max).unwrap_or(u32::MAX);
                // What is in flight is durable when every byte of it has been given back.
                let drained = wiring.inflight.acquire_many(all);
                if tokio::time::timeout(DRAIN, drained).await.is_err() {
                    tracing::info!("some events were not judged in time; they are read again at the next start");
                }
                Ok(())
            }
            Some(ended) = tasks.join_next() => match ended {
                Ok((_, Err(error))) => Err(error),
                Ok((name, Ok(()))) => {
                    tracing::error!(task = name, "a part of ingest ended");
                    Err(IngestError::PartEnded("a part of ingest"))
                }
                Err(fault) => {
                    tracing::error!(%fault, "a part of ingest failed");
                    Err(IngestError::PartEnded("a part of ingest"))
                }
            },
        }
    }

    /// Ends what still runs: readers, then lanes, then what saves.
    async fn tear_down(
        &self,
        mut tasks: TaskSet<Result<(), IngestError>>,
        wiring: Wiring,
    ) -> Result<(), IngestError> {
        let Wiring { lanes, threads, items, inflight, membership, reading, saving, .. } = wiring;
        reading.cancel();
        inflight.close();
        drop((lanes, items, membership));
        saving.cancel();
        let ended = tokio::time::timeout(DRAIN, async {
            while let Some(ended) = tasks.join_next().await {
                if let Ok((name, Err(error))) = ended {
                    tracing::debug!(task = name, %error, "ended with the run");
                }
                if tasks.len() <= LOOPS_THAT_END_WITH_THEIR_QUEUES {
                    break;
                }
            }
        })
        .await;
        if ended.is_err() {
            tracing::warn!("some parts of ingest did not end in time and are aborted");
        }
        tasks.abort_and_join().await;
        // With every sender gone the lanes' queues end, and the threads with them.
        let joined = tokio::task::spawn_blocking(move || {
            threads.into_iter().all(|thread| thread.join().is_ok())
        });
        match joined.await {
            Ok(true) => Ok(()),
            _ => Err(IngestError::PartEnded("a verify thread")),
        }
    }

    fn wanted(&self) -> HashSet<Did> {
        let Backfill::Dids(dids) = &self.config.backfill else { return HashSet::new() };
        dids.iter().filter_map(|did| Did::parse(did).ok()).collect()
    }
}

/// The loader, the look-ups and the appender end with the lanes, which wait for them: they are
/// aborted.
const LOOPS_THAT_END_WITH_THEIR_QUEUES: usize = 3;

/// Work that is dropped at the shutdown.
async fn until(
    shutdown: Shutdown,
    work: impl Future<Output = Result<(), IngestError>>,
) -> Result<(), IngestError> {
    shutdown.or(work).await.unwrap_or(Ok(()))
}
