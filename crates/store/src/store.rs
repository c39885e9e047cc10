//! The handle on one domain: questions and writes as closures on database threads.
//!
//! What must stay true: one hop per question; a dropped future never leaves half a write (a job
//! that has begun is finished, one that has not is skipped); every queue is bounded and refuses
//! rather than grows; closing waits for what was begun.

mod swap;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use millrace_runtime::clock::{SharedClock, Stopwatch};
use millrace_runtime::metrics::Registry;
use millrace_runtime::supervise::spawn_thread;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use crate::engine::checkpoint::Stop;
use crate::engine::link::Link;
use crate::engine::queue::{Job, Next, Queue, Refused};
use crate::engine::rest::Rest;
use crate::engine::{Connector, Mode};
use crate::metrics::StoreMetrics;
use crate::migrate::{self, Migration};
use crate::{Domain, StoreConfig, StoreError, Tx};

pub use swap::{Hold, clear_rebuild};

/// One domain's tables. Cheap to clone; clones are the same store.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    domain: Domain,
    connector: Connector,
    readers: Arc<Queue>,
    writers: Arc<Queue>,
    upkeep: Arc<Stop>,
    /// Database threads that read, and that write.
    pool_sizes: [usize; 2],
    threads: Mutex<Vec<JoinHandle<()>>>,
    outbox_ready: Arc<Notify>,
    clock: SharedClock,
    metrics: StoreMetrics,
}

impl Store {
    /// Opens `domain`: brings its schema to `migrations` (or waits until somebody has, see
    /// [`StoreConfig::run_migrations`]) and starts its threads. The domains in `attach` must have
    /// been opened before; their tables are read as `<domain>.<table>`.
    pub async fn open(
        config: &StoreConfig,
        domain: Domain,
        migrations: &'static [Migration],
        attach: &[Domain],
        clock: &SharedClock,
        registry: &Registry,
    ) -> Result<Store, StoreError> {
        config.check()?;
        let connector = Connector::new(config, domain, attach)?;
        if config.run_migrations {
            migrate::apply(config, domain, migrations, clock).await?;
        } else {
            migrate::wait(config, domain, migrations, clock).await?;
        }
        let store = Store::start(config, connector, domain, clock, registry)?;
        // The first question shows what is wrong with the file, or with one of those attached.
        if let Err(error) = store.read(|_| Ok::<(), StoreError>(())).await {
            store.close().await;
            return Err(error);
        }
        Ok(store)
    }

    fn start(
        config: &StoreConfig,
        connector: Connector,
        domain: Domain,
        clock: &SharedClock,
        registry: &Registry,
    ) -> Result<Store, StoreError> {
        let writers = connector.writers(config);
        let store = Store {
            inner: Arc::new(Inner {
                domain,
                pool_sizes: [config.reader_threads(), writers],
                connector: connector.clone(),
                readers: Arc::new(Queue::new(config.queue_jobs)),
                writers: Arc::new(Queue::new(config.queue_jobs)),
                upkeep: Arc::default(),
                threads: Mutex::default(),
                outbox_ready: Arc::default(),
                clock: clock.clone(),
                metrics: StoreMetrics::new(registry, domain),
            }),
        };
        for (mode, threads) in [(Mode::Read, config.reader_threads()), (Mode::Write, writers)] {
            for number in 0..threads {
                store.spawn_server(config, &connector, mode, number, clock)?;
            }
        }
        store.inner.metrics.watch(registry, &store.inner.readers, &store.inner.writers);
        if let Some(upkeep) = connector.upkeep(config, Arc::clone(&store.inner.upkeep)) {
            store.spawn(format!("{domain}-upkeep"), upkeep)?;
        }
        Ok(store)
    }

    fn spawn_server(
        &self,
        config: &StoreConfig,
        connector: &Connector,
        mode: Mode,
        number: usize,
        clock: &SharedClock,
    ) -> Result<(), StoreError> {
        let domain = self.inner.domain;
        let (letter, queue, limit_ms) = match mode {
            Mode::Read => ('r', &self.inner.readers, config.read_timeout_ms),
            Mode::Write => ('w', &self.inner.writers, config.write_timeout_ms),
        };
        let queue = Arc::clone(queue);
        let (connector, clock) = (connector.clone(), clock.clone());
        let limit = Duration::from_millis(limit_ms);
        self.spawn(format!("{domain}-{letter}{number}"), move || {
            let mut link = Link::new(connector, domain, mode, limit, clock);
            let mut rest = Rest::new();
            loop {
                match queue.pop(rest.patience()) {
                    Next::Job(job) => {
                        job(&mut link);
                        rest.worked();
                    }
                    Next::Quiet => {}
                    Next::Closed => break,
                }
                if rest.is_due() {
                    link.rest();
                }
            }
        })
    }

    fn spawn(&self, name: String, body: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
        let domain = self.inner.domain;
        let thread = spawn_thread(name, body).map_err(|error| StoreError::Unavailable {
            domain,
            reason: format!("no thread for the database: {error}"),
        })?;
        self.inner.threads.lock().push(thread);
        Ok(())
    }

    /// Asks one question: `ask` runs on a reader and sees one snapshot; it cannot write.
    pub async fn read<T, E, F>(&self, ask: F) -> Result<T, E>
    where
        F: FnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.run(Mode::Read, ask).await
    }

    /// One write transaction: committed when `change` returns `Ok`, undone when it fails or panics.
    ///
    /// Dropping the future does not undo it: a transaction that has begun is finished.
    pub async fn write<T, E, F>(&self, change: F) -> Result<T, E>
    where
        F: FnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.run(Mode::Write, change).await
    }

    /// Whose tables these are.
    pub fn domain(&self) -> Domain {
        self.inner.domain
    }

    /// Whether other processes may write here at the same time, so that work is divided by leases.
    pub fn is_shared(&self) -> bool {
        self.inner.connector.is_shared()
    }

    /// The time as its transactions see it.
    pub(crate) fn now_us(&self) -> i64 {
        self.inner.clock.now_us()
    }

    /// What keeps the tables, for people.
    pub fn engine_name(&self) -> &'static str {
        self.inner.connector.name()
    }

    /// Returns after a commit that wrote to the outbox.
    pub async fn outbox_ready(&self) {
        self.inner.outbox_ready.notified().await;
    }

    /// Takes no more questions, finishes those taken, closes every connection, and leaves nothing
    /// beside the domain's file that the next start would have to read.
    pub async fn close(&self) {
        let inner = Arc::clone(&self.inner);
        // Waiting for threads blocks, at most for the questions they have taken.
        if tokio::task::spawn_blocking(move || inner.end()).await.is_err() {
            tracing::error!(store.domain = %self.inner.domain, "closing ended with a panic");
        }
    }

    async fn run<T, E, F>(&self, mode: Mode, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let inner = &self.inner;
        let (queue, metrics) = match mode {
            Mode::Read => (&inner.readers, inner.metrics.read.clone()),
            Mode::Write => (&inner.writers, inner.metrics.write.clone()),
        };
        let (reply, answer) = oneshot::channel();
        let asked = Stopwatch::start();
        let (seen, outbox_ready) = (metrics.clone(), Arc::clone(&inner.outbox_ready));
        let job: Job = Box::new(move |link| {
            seen.wait_seconds.observe_duration(asked.elapsed());
            if reply.is_closed() {
                return;
            }
            let started = Stopwatch::start();
            let result = link.run(work);
            seen.run_seconds.observe_duration(started.elapsed());
            if let Ok((_, true)) = &result {
                outbox_ready.notify_one();
            }
            // The asker may have left meanwhile; what was committed stays committed.
            let _ = reply.send(result.map(|(value, _)| value));
        });
        if let Err(refused) = queue.push(job) {
            metrics.refused.inc();
            return Err(self.refusal(refused).into());
        }
        let answer = answer.await;
        answer
            .unwrap_or_else(|_| Err(StoreError::Closed { domain: inner.domain }.into()))
            .inspect_err(|_| metrics.failed.inc())
    }

    fn refusal(&self, refused: Refused) -> StoreError {
        let domain = self.inner.domain;
        match refused {
            Refused::Full { waiting } => StoreError::QueueFull { domain, waiting },
            Refused::Closed => StoreError::Closed { domain },
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("domain", &self.inner.domain).finish_non_exhaustive()
    }
}

impl Inner {
    fn stop(&self) {
        self.readers.close();
        self.writers.close();
        self.upkeep.stop();
    }

    /// Waits for the threads. Whoever comes second waits for the first.
    fn end(&self) {
        self.stop();
        let mut threads = self.threads.lock();
        if threads.is_empty() {
            return;
        }
        for thread in threads.drain(..) {
            let name = thread.thread().name().unwrap_or_default().to_owned();
            if thread.join().is_err() {
                tracing::error!(store.domain = %self.domain, name, "a database thread had ended with a panic");
            }
        }
        millrace_runtime::crash::point("store.close.before_finish");
        if let Err(error) = self.connector.finish() {
            tracing::warn!(store.domain = %self.domain, %error, "the write-ahead log stays for the next start to read");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop();
    }
}
