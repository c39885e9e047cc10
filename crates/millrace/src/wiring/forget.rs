//! The task that forgets what `store.retention` lets go: one bounded transaction at a time, with a pause
//! after each, and never what the log still holds.

use std::time::Duration;

use millrace_dataplane::retention::{RetentionConfig, Sweep};
use millrace_log::{Log, LogError, Topic};
use millrace_runtime::clock::SharedClock;
use millrace_runtime::metrics::{CounterVec, Registry};
use millrace_runtime::supervise::{Policy, Supervisor, TaskError};
use millrace_store::{Fault, Store, StoreError};

/// Bytes read to see how old the log's oldest entry is: one is given whatever its size.
const ONE_ENTRY_BYTES: usize = 1;
/// Pause after the store could not be written.
const RETRY: Duration = Duration::from_secs(5);

/// What the task works with.
#[derive(Clone)]
pub(super) struct Forget {
    store: Store,
    log: Log,
    config: RetentionConfig,
    clock: SharedClock,
    forgotten: CounterVec,
}

impl Forget {
    pub(super) fn new(
        config: RetentionConfig,
        store: Store,
        log: Log,
        clock: SharedClock,
        registry: &Registry,
    ) -> Self {
        let forgotten = registry.counter_with(
            "millrace_dataplane_forgotten_rows_total",
            "Records and notifications that were forgotten, by kind",
            &["kind"],
        );
        Self { store, log, config, clock, forgotten }
    }

    /// Starts the task, if anything may be forgotten.
    pub(super) fn start(self, supervisor: &Supervisor) {
        if !self.config.is_on() {
            return;
        }
        supervisor.spawn("store.retention", Policy::restart(), move |shutdown| {
            let forget = self.clone();
            async move {
                let every = Duration::from_millis(forget.config.every_ms.max(1));
                loop {
                    let swept = shutdown.or(forget.sweep()).await;
                    match swept {
                        None => return Ok(()),
                        Some(result) => result?,
                    }
                    if shutdown.or(tokio::time::sleep(every)).await.is_none() {
                        return Ok(());
                    }
                }
            }
        });
    }

    /// Once through the tables.
    async fn sweep(&self) -> Result<(), TaskError> {
        let now_us = self.clock.now_us();
        let oldest_us = self.log_oldest_us().await.map_err(TaskError::diagnosed)?;
        let sweep =
            Sweep::begin(&self.store, &self.config, now_us, oldest_us.unwrap_or(now_us)).await;
        let mut sweep = sweep.map_err(TaskError::diagnosed)?;
        if sweep.is_overwhelmed() {
            tracing::warn!(
                "readers take part in too many threads to know them all: no post is forgotten"
            );
        }
        let pause = Duration::from_millis(self.config.pause_ms);
        loop {
            let before = sweep.forgotten();
            match sweep.step(&self.store).await {
                Ok(more) => {
                    let now = sweep.forgotten();
                    let count = |kind: &str, rows: u64| self.forgotten.with(&[kind]).add(rows);
                    count("post", now.posts - before.posts);
                    count("edge", now.edges - before.edges);
                    count("notification", now.notifications - before.notifications);
                    if !more {
                        break;
                    }
                    tokio::time::sleep(pause).await;
                }
                Err(error) => self.wait_or_fail(error).await?,
            }
        }
        let done = sweep.forgotten();
        if done != millrace_dataplane::retention::Forgotten::default() {
            tracing::info!(
                posts = done.posts,
                edges = done.edges,
                notifications = done.notifications,
                "old rows forgotten"
            );
        }
        Ok(())
    }

    async fn wait_or_fail(&self, error: StoreError) -> Result<(), TaskError> {
        if error.fault() != Fault::Retry {
            return Err(TaskError::diagnosed(error));
        }
        tracing::debug!(%error, "nothing can be forgotten now");
        tokio::time::sleep(RETRY).await;
        Ok(())
    }

    /// When the log took the oldest entry that it still holds; none where it holds none.
    async fn log_oldest_us(&self) -> Result<Option<i64>, LogError> {
        let topic = Topic::NetworkEntries;
        let mut eldest = None;
        for partition in 0..self.log.partitions(topic) {
            let oldest = self.log.oldest(topic, partition).await?;
            let items = match self.log.read(topic, partition, oldest, ONE_ENTRY_BYTES).await {
                // Retention is at work; what it took was older.
                Err(LogError::Truncated { oldest }) => {
                    self.log.read(topic, partition, oldest, ONE_ENTRY_BYTES).await?
                }
                read => read?,
            };
            let appended_us = items.first().map(|item| item.appended_us);
            eldest = [eldest, appended_us].into_iter().flatten().min();
        }
        Ok(eldest)
    }
}
