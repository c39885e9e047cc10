//! How a process lives and ends: every task has a name, is joined, and fails in a way chosen when
//! it was started ([`Policy`]).
//!
//! What must stay true: a task's *normal* end never stops the process unless the task is
//! [`Policy::Critical`]; a failed critical task, or a [`TaskError::fatal`] from any task, drains
//! the process and is its exit error; nothing outlives [`Supervisor::join`].

mod metrics;
mod policy;
mod run;
mod shutdown;
mod signals;
mod spawn;

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::error::{Diagnose, Diagnosis, codes};
use crate::metrics::Registry;
use crate::rng::Rng;

pub use policy::{Backoff, Policy, TaskError};
pub use shutdown::Shutdown;
pub use signals::Signals;
pub use spawn::{TaskFault, TaskSet, spawn_detached_named, spawn_thread};

/// Starts, watches, restarts and joins the tasks of a process. Clones are the same supervisor.
#[derive(Clone)]
pub struct Supervisor {
    inner: Arc<Inner>,
}

struct Inner {
    shutdown: Shutdown,
    rng: Rng,
    metrics: metrics::Metrics,
    next_id: AtomicU64,
    tasks: Mutex<BTreeMap<u64, Entry>>,
    ended: Notify,
    fatal: Mutex<Option<Fatal>>,
}

struct Entry {
    status: TaskStatus,
    abort: Option<AbortHandle>,
}

struct Fatal {
    task: String,
    error: TaskError,
}

/// A task that has not ended, as `/status` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskStatus {
    /// The name it was started under.
    pub name: String,
    /// How often it was started again.
    pub restarts: u64,
    /// Why it last failed.
    pub last_error: Option<String>,
    /// Failed, and waiting to be started again.
    pub waiting: bool,
}

/// Why a process ends other than as asked.
#[derive(Debug, thiserror::Error)]
pub enum SuperviseError {
    /// A task on which everything depends failed.
    #[error("task {task} failed")]
    TaskFailed {
        /// The task's name.
        task: String,
        /// What the operator should know, where the task said so.
        diagnosis: Option<Diagnosis>,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Tasks did not end within the time to drain and were aborted.
    #[error("not drained after {deadline_ms} ms: {}", tasks.join(", "))]
    DrainTimeout {
        /// Names of the tasks aborted.
        tasks: Vec<String>,
        /// The time they had.
        deadline_ms: u128,
    },
    /// A second signal asked to stop at once.
    #[error("stopped by a second signal before draining: {}", tasks.join(", "))]
    Interrupted {
        /// Names of the tasks aborted.
        tasks: Vec<String>,
    },
}

impl Diagnose for SuperviseError {
    fn diagnosis(&self) -> Diagnosis {
        match self {
            Self::TaskFailed { diagnosis: Some(diagnosis), .. } => diagnosis.clone(),
            Self::TaskFailed { .. } => codes::TASK_FAILED.diagnosis(self.to_string()),
            Self::DrainTimeout { .. } | Self::Interrupted { .. } => {
                codes::DRAIN_TIMEOUT.diagnosis(self.to_string())
            }
        }
    }
}

impl Supervisor {
    /// A supervisor without tasks, its restarts spread by entropy.
    pub fn new(registry: &Registry) -> Self {
        Self::with_rng(registry, Rng::from_entropy())
    }

    /// As [`Supervisor::new`], with the jitter of restarts drawn from `rng`.
    pub fn with_rng(registry: &Registry, rng: Rng) -> Self {
        Self {
            inner: Arc::new(Inner {
                shutdown: Shutdown::new(),
                rng,
                metrics: metrics::Metrics::new(registry),
                next_id: AtomicU64::new(0),
                tasks: Mutex::default(),
                ended: Notify::new(),
                fatal: Mutex::default(),
            }),
        }
    }

    /// Starts a task. `start` is called again for each restart, each time with the token that is
    /// cancelled when the process drains: the task then finishes what it holds and returns.
    pub fn spawn<F, Fut>(&self, name: impl Into<String>, policy: Policy, start: F)
    where
        F: Fn(Shutdown) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), TaskError>> + Send + 'static,
    {
        let id = self.inner.enter(name.into());
        let task = run::supervised(Arc::clone(&self.inner), id, policy, start);
        self.launch(id, task);
    }

    /// Starts a task that runs once: its normal end is fine, its failure is logged and counted.
    pub fn spawn_once<F, Fut>(&self, name: impl Into<String>, start: F)
    where
        F: FnOnce(Shutdown) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), TaskError>> + Send + 'static,
    {
        self.spawn_single(name.into(), Policy::Once, start);
    }

    /// Starts a task without which the process is useless: whatever way it ends before the drain,
    /// the process drains and fails with it.
    pub fn spawn_critical<F, Fut>(&self, name: impl Into<String>, start: F)
    where
        F: FnOnce(Shutdown) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), TaskError>> + Send + 'static,
    {
        self.spawn_single(name.into(), Policy::Critical, start);
    }

    fn spawn_single<F, Fut>(&self, name: String, policy: Policy, start: F)
    where
        F: FnOnce(Shutdown) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), TaskError>> + Send + 'static,
    {
        let id = self.inner.enter(name);
        let first = start(self.inner.shutdown.clone());
        let task = run::single(Arc::clone(&self.inner), id, policy, first);
        self.launch(id, task);
    }

    fn launch(&self, id: u64, task: impl Future<Output = ()> + Send + 'static) {
        let Some(name) = self.inner.with_entry(id, |entry| entry.status.name.clone()) else {
            return;
        };
        let abort = spawn_detached_named(&name, task).abort_handle();
        self.inner.with_entry(id, |entry| entry.abort = Some(abort));
    }

    /// The token every task received.
    pub fn shutdown_token(&self) -> Shutdown {
        self.inner.shutdown.clone()
    }

    /// Asks every task to finish. Returns at once; [`Supervisor::join`] waits.
    pub fn shutdown(&self) {
        self.inner.shutdown.cancel();
    }

    /// Tasks that have not ended, by order of start.
    pub fn tasks(&self) -> Vec<TaskStatus> {
        self.inner.tasks.lock().values().map(|entry| entry.status.clone()).collect()
    }

    /// Waits until the process is asked to stop (by [`Supervisor::shutdown`] or by a failed
    /// critical task), then until every task has ended, at most `drain` long; those that have not
    /// are aborted.
    ///
    /// # Errors
    /// The failed task's error; else the names of those aborted.
    pub async fn join(&self, drain: Duration) -> Result<(), SuperviseError> {
        self.inner.shutdown.cancelled().await;
        let drained = tokio::time::timeout(drain, self.inner.all_ended()).await.is_ok();
        let late = if drained { Vec::new() } else { self.abort_all().await };
        self.inner.take_fatal()?;
        if late.is_empty() {
            return Ok(());
        }
        Err(SuperviseError::DrainTimeout { tasks: late, deadline_ms: drain.as_millis() })
    }

    /// Runs the process: the first signal drains it, a second one ends it at once.
    ///
    /// # Errors
    /// As [`Supervisor::join`], or [`SuperviseError::Interrupted`].
    pub async fn run(&self, mut signals: Signals, drain: Duration) -> Result<(), SuperviseError> {
        tokio::select! {
            signal = signals.next() => {
                tracing::info!(signal, "draining; a second signal stops at once");
                self.shutdown();
            }
            () = self.inner.shutdown.cancelled() => {}
        }
        tokio::select! {
            ended = self.join(drain) => ended,
            _ = signals.next() => Err(SuperviseError::Interrupted { tasks: self.abort_all().await }),
        }
    }

    /// Aborts what still runs and waits until it is gone; the names of what was aborted.
    async fn abort_all(&self) -> Vec<String> {
        let late: Vec<(String, Option<AbortHandle>)> = self
            .inner
            .tasks
            .lock()
            .values()
            .map(|entry| (entry.status.name.clone(), entry.abort.clone()))
            .collect();
        for abort in late.iter().filter_map(|(_, abort)| abort.as_ref()) {
            abort.abort();
        }
        // A task that blocks its thread cannot be aborted; the process must end all the same.
        let _ = tokio::time::timeout(ABORT_WAIT, self.inner.all_ended()).await;
        late.into_iter().map(|(name, _)| name).collect()
    }
}

/// How long an aborted task may take to be dropped.
const ABORT_WAIT: Duration = Duration::from_millis(500);

impl Inner {
    fn enter(&self, name: String) -> u64 {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let status = TaskStatus { name, restarts: 0, last_error: None, waiting: false };
        self.tasks.lock().insert(id, Entry { status, abort: None });
        self.metrics.running.inc();
        id
    }

    fn leave(&self, id: u64) {
        if self.tasks.lock().remove(&id).is_some() {
            self.metrics.running.dec();
        }
        self.ended.notify_waiters();
    }

    fn with_entry<T>(&self, id: u64, then: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        self.tasks.lock().get_mut(&id).map(then)
    }

    /// Keeps the first fatal error and starts the drain.
    fn fail(&self, task: String, error: TaskError) {
        self.fatal.lock().get_or_insert(Fatal { task, error });
        self.shutdown.cancel();
    }

    fn take_fatal(&self) -> Result<(), SuperviseError> {
        match self.fatal.lock().take() {
            None => Ok(()),
            Some(Fatal { task, error }) => {
                let (source, diagnosis) = error.into_parts();
                Err(SuperviseError::TaskFailed { task, diagnosis, source })
            }
        }
    }

    async fn all_ended(&self) {
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if self.tasks.lock().is_empty() {
                return;
            }
            ended.await;
        }
    }
}

#[cfg(test)]
mod tests;
