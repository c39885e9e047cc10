//! The one loop of every projection: read → prepare → write → commit.
//!
//! ```text
//!            ┌──────────── Wake::Entries ────────────┐
//!  log ─read─▶ batch ─prepare (async)─▶ one transaction: offset ── rows ── outbox ── parked ─▶ commit
//!            └── failed ─┬─ Retry: pause, read again from the committed offset, for ever
//!                        ├─ Park:  halve until the culprit stands alone, park it with the offset
//!                        └─ Stop:  end with the error; the entry is neither applied nor skipped
//!  Wake::Tick ──▶ parked entries whose time has come, through the same projection; lag; lease
//! ```
//!
//! An entry may have to wait for its time ([`Projection::not_before_us`]): what stands before it is
//! applied, and the loop looks at the clock until then, while ticks and shutdown go on.
//!
//! What must stay true: an entry's effect and the offset behind it are committed together, so the
//! effect happens once however often the entry is delivered; entries of one key take effect in
//! order, so later ones park behind a parked one; nothing is skipped without a row in `parked`.

mod apply;
mod config;
mod error;
mod parked;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use foldhash::{HashSet, HashSetExt};
use millrace_log::{Item, Log, LogError, Topic};
use millrace_runtime::clock::SharedClock;
use millrace_runtime::metrics::Registry;
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::Shutdown;
use tokio::time::{Instant, Interval, MissedTickBehavior};

pub use config::WorkerConfig;
pub use error::{ApplyError, WorkerError};

use crate::lease::Turn;
use crate::metrics::WorkerMetrics;
use crate::{Fault, Store, StoreError, Tx, offsets};

/// What turns entries into rows. Both steps see entries in the order of the log.
pub trait Projection: Send + Sync + 'static {
    /// Decoded entries and whatever was looked up for them.
    type Prepared: Send + 'static;

    /// Its name in `projection_offset`, metrics and `millrace dlq`; never changes.
    fn name(&self) -> &'static str;

    /// Whose entry this is: later entries of the same key park behind a parked one. `None` blocks nobody.
    fn key(&self, item: &Item) -> Option<Vec<u8>>;

    /// Decodes a batch and does what must happen outside the transaction, such as giving ids.
    /// May be called again for the same entries, and for any part of them.
    fn prepare(
        &self,
        items: &[Item],
    ) -> impl Future<Output = Result<Self::Prepared, ApplyError>> + Send;

    /// Writes the rows, on a database thread. The offset is the worker's affair.
    fn write(&self, tx: &mut Tx, prepared: Self::Prepared) -> Result<(), ApplyError>;

    /// So much is parked behind `key` that it is dropped: note that the key must be fetched anew.
    fn overflow(&self, tx: &mut Tx, key: &[u8]) -> Result<(), ApplyError>;

    /// Until when an entry has to wait, and with it what stands behind it in its partition. `None`, or
    /// a time that has come: it is applied now.
    fn not_before_us(&self, _item: &Item) -> Option<i64> {
        None
    }

    /// The trace that an entry belongs to; asked for only where traces are sent.
    fn trace(&self, _item: &Item) -> Option<[u8; 16]> {
        None
    }

    /// Everything of this partition below `next_offset` is committed.
    fn committed(&self, _partition: u32, _next_offset: i64) {}
}

/// What a worker needs.
#[derive(Clone)]
pub struct WorkerDeps {
    pub store: Store,
    pub log: Log,
    pub clock: SharedClock,
    pub rng: Rng,
    pub registry: Registry,
}

/// Why the loop woke.
enum Wake {
    /// There are entries beyond the offset (or the pause after a failure is over).
    Entries,
    /// Time to look at parked entries, the lease and the lag.
    Tick,
    Shutdown,
}

/// Applies one partition of a topic to one projection's tables.
pub struct Worker<P: Projection> {
    projection: Arc<P>,
    store: Store,
    log: Log,
    clock: SharedClock,
    rng: Rng,
    topic: Topic,
    partition: u32,
    config: WorkerConfig,
    metrics: WorkerMetrics,
    turn: Turn,
    /// The committed offset; unknown before the first look and after a failure.
    next: Option<i64>,
    /// Keys with parked entries.
    barred: HashSet<Vec<u8>>,
    /// Whether this process works on the partition; always, unless the store is shared.
    active: bool,
    /// Failures in a row, and until when to pause after the last.
    failures: u32,
    paused_until: Option<Instant>,
    /// When the first entry that is not applied yet may be, by the clock.
    waits_until_us: Option<i64>,
    /// Where it ends by itself.
    until: Option<i64>,
}

impl<P: Projection> Worker<P> {
    pub fn new(
        projection: Arc<P>,
        deps: WorkerDeps,
        topic: Topic,
        partition: u32,
        config: WorkerConfig,
    ) -> Worker<P> {
        let WorkerDeps { store, log, clock, rng, registry } = deps;
        let metrics = WorkerMetrics::new(&registry, projection.name(), topic.name(), partition);
        let lease = format!("worker:{}:{topic}:{partition}", projection.name());
        let turn = Turn::new(&store, &rng, lease, Duration::from_millis(config.lease_ttl_ms));
        Worker {
            active: !store.is_shared(),
            turn,
            projection,
            store,
            log,
            clock,
            rng,
            topic,
            partition,
            config,
            metrics,
            next: None,
            barred: HashSet::new(),
            failures: 0,
            paused_until: None,
            waits_until_us: None,
            until: None,
        }
    }

    /// Has the worker end at this offset, and leave parked entries alone: it only catches up with
    /// another, which has told and tried what lies before.
    #[must_use]
    pub fn until(self, offset: i64) -> Self {
        Self { until: Some(offset), ..self }
    }

    /// Works until asked to stop.
    ///
    /// # Errors
    /// Only what needs a person: see [`WorkerError`]. What can pass is retried for ever.
    pub async fn run(mut self, shutdown: &Shutdown) -> Result<(), WorkerError> {
        let result = self.work(shutdown).await;
        if self.active {
            self.turn.give_up().await;
        }
        result
    }

    async fn work(&mut self, shutdown: &Shutdown) -> Result<(), WorkerError> {
        let mut ticks = tokio::time::interval(Duration::from_millis(self.config.tick_ms));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.has_arrived() {
            let result = match self.wake(&mut ticks, shutdown).await {
                Wake::Entries => self.entries(shutdown).await,
                Wake::Tick => self.tick(shutdown).await,
                Wake::Shutdown => return Ok(()),
            };
            if let Err(error) = result {
                self.pause_or_stop(error)?;
            }
        }
        Ok(())
    }

    fn has_arrived(&self) -> bool {
        self.until.zip(self.next).is_some_and(|(until, next)| next >= until)
    }

    async fn wake(&self, ticks: &mut Interval, shutdown: &Shutdown) -> Wake {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => Wake::Shutdown,
            _ = ticks.tick() => Wake::Tick,
            () = self.readable() => Wake::Entries,
        }
    }

    /// Returns when there is something to read; never while another process has the partition.
    async fn readable(&self) {
        if !self.active {
            return std::future::pending().await;
        }
        if let Some(until) = self.paused_until {
            tokio::time::sleep_until(until).await;
        }
        if let Some(waits_until_us) = self.waits_until_us {
            self.clock_shows(waits_until_us).await;
        }
        if let Some(next) = self.next {
            // An error is met again, and handled, where the log is read.
            let _ = self.log.wait(self.topic, self.partition, next).await;
        }
    }

    /// Returns when the clock shows that time: it is looked at again every tick, for it may be set.
    async fn clock_shows(&self, time_us: i64) {
        let tick = Duration::from_millis(self.config.tick_ms.max(1));
        loop {
            let left_us = time_us.saturating_sub(self.clock.now_us());
            match u64::try_from(left_us) {
                Ok(left_us) if left_us > 0 => {
                    tokio::time::sleep(tick.min(Duration::from_micros(left_us))).await;
                }
                _ => return,
            }
        }
    }

    async fn tick(&mut self, shutdown: &Shutdown) -> Result<(), ApplyError> {
        self.keep_lease().await?;
        if self.active && self.paused_until.is_none() {
            if self.next.is_some() && self.until.is_none() {
                self.retry_parked(shutdown).await?;
            }
            self.load_barriers().await?;
        }
        Ok(())
    }

    /// Reads a batch from the committed offset and applies it.
    async fn entries(&mut self, shutdown: &Shutdown) -> Result<(), ApplyError> {
        let next = match self.next {
            Some(next) => next,
            None => self.load().await?,
        };
        let bytes_max = self.config.batch_bytes_max;
        let mut items = self.log.read(self.topic, self.partition, next, bytes_max).await?;
        items.retain(|item| self.until.is_none_or(|until| item.offset < until));
        self.hold_back(&mut items);
        // What was read is applied before more is: behind a backlog one read holds many batches.
        for batch in items.chunks(self.config.batch_entries_max.max(1)) {
            self.apply_batch(batch, shutdown).await?;
            self.failures = 0;
            self.paused_until = None;
            self.observe_lag(batch.last()).await?;
            let applied =
                batch.last().zip(self.next).is_some_and(|(last, next)| next > last.offset);
            if !applied || shutdown.is_cancelled() {
                return Ok(());
            }
        }
        if items.is_empty() {
            self.failures = 0;
            self.paused_until = None;
            self.observe_lag(None).await?;
        }
        Ok(())
    }

    /// Keeps the entries before the first one whose time has not come.
    fn hold_back(&mut self, items: &mut Vec<Item>) {
        let now_us = self.clock.now_us();
        let time_of = |item: &Item| {
            let asked = AssertUnwindSafe(|| self.projection.not_before_us(item));
            std::panic::catch_unwind(asked).ok().flatten().filter(|time_us| *time_us > now_us)
        };
        let first = items.iter().enumerate().find_map(|(at, item)| Some((at, time_of(item)?)));
        self.waits_until_us = first.map(|(at, time_us)| {
            items.truncate(at);
            time_us
        });
    }

    /// Learns where the projection stands, and refuses to go on where the log does not fit it.
    async fn load(&mut self) -> Result<i64, ApplyError> {
        let (name, topic, partition) = (self.projection.name(), self.topic, self.partition);
        let stored = self
            .store
            .read(move |tx| offsets::load(tx, name, topic, partition))
            .await
            .map_err(|error: StoreError| error)?;
        let oldest = self.log.oldest(topic, partition).await?;
        let tail = self.log.tail(topic, partition).await?;
        let offset = stored.unwrap_or(oldest);
        let projection = name.to_owned();
        let topic = topic.name();
        if offset > tail {
            let error = StoreError::OffsetBeyondTail { projection, topic, partition, offset, tail };
            return Err(error.into());
        }
        if offset < oldest {
            let error =
                StoreError::OffsetTruncated { projection, topic, partition, offset, oldest };
            return Err(error.into());
        }
        self.load_barriers().await?;
        self.next = Some(offset);
        Ok(offset)
    }

    /// After a failure: a pause and a fresh look, or the end.
    fn pause_or_stop(&mut self, error: ApplyError) -> Result<(), WorkerError> {
        let projection = self.projection.name();
        if error.fault() != Fault::Retry {
            tracing::error!(projection, error = ?error, "projection stopped");
            return Err(WorkerError { projection, error });
        }
        self.metrics.retried(error.reason());
        let base = Duration::from_millis(self.config.retry_base_ms);
        let longest = Duration::from_millis(self.config.retry_max_ms);
        let factor = 2_u32.checked_pow(self.failures).unwrap_or(u32::MAX);
        let pause = self.rng.jitter(base.saturating_mul(factor).min(longest));
        tracing::warn!(projection, error = ?error, pause = ?pause, "batch failed, trying again");
        self.failures = self.failures.saturating_add(1);
        self.paused_until = Some(Instant::now() + pause);
        // The commit may have happened although its answer was lost: look again.
        self.next = None;
        self.waits_until_us = None;
        Ok(())
    }

    /// Where the store is shared: one process works on the partition, another takes over.
    async fn keep_lease(&mut self) -> Result<(), ApplyError> {
        let active = self.turn.take().await?;
        if active != self.active {
            let projection = self.projection.name();
            tracing::info!(projection, partition = self.partition, active, "lease changed hands");
            self.active = active;
            self.next = None;
            self.waits_until_us = None;
        }
        Ok(())
    }

    /// How far behind: the entries not yet applied, and the age of the last one applied if there are any
    /// and they do not only wait for their time.
    async fn observe_lag(&self, last: Option<&Item>) -> Result<(), ApplyError> {
        let tail = self.log.tail(self.topic, self.partition).await?;
        let lag = tail - self.next.unwrap_or(tail);
        let is_late = lag > 0 && self.waits_until_us.is_none();
        let age_us = last.filter(|_| is_late).map_or(0, |it| self.clock.now_us() - it.appended_us);
        self.metrics.lag_entries.set(lag);
        self.metrics
            .lag_seconds
            .set_f64(Duration::from_micros(age_us.max(0).unsigned_abs()).as_secs_f64());
        Ok(())
    }
}

impl From<LogError> for ApplyError {
    fn from(error: LogError) -> Self {
        ApplyError::Log(error)
    }
}
