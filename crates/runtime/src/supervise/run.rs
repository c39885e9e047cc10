//! One supervised task from its start to its end: run, judge the end, wait, run again.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::time::Instant;

use super::spawn::panic_message;
use super::{Inner, Policy, Shutdown, TaskError};
use crate::alert::{self, Kind};

/// Runs a task until it needs no restart.
pub(super) async fn supervised<F, Fut>(inner: Arc<Inner>, id: u64, policy: Policy, start: F)
where
    F: Fn(Shutdown) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), TaskError>> + Send + 'static,
{
    let _leave = Leave { inner: Arc::clone(&inner), id };
    let mut attempt = 0;
    loop {
        let started = Instant::now();
        // Inside, so that a panic while the task is made counts as one of the task.
        let ended = caught(async { start(inner.shutdown.clone()).await }).await;
        let Verdict::Restart(backoff) = inner.judge(id, policy, ended) else {
            return;
        };
        if started.elapsed() >= backoff.reset_after {
            attempt = 0;
        }
        let delay = inner.rng.jitter(backoff.delay(attempt));
        attempt = attempt.saturating_add(1);
        if inner.shutdown.or(tokio::time::sleep(delay)).await.is_none() {
            return;
        }
        inner.restarting(id);
    }
}

/// Runs a task once.
pub(super) async fn single(
    inner: Arc<Inner>,
    id: u64,
    policy: Policy,
    task: impl Future<Output = Result<(), TaskError>> + Send + 'static,
) {
    let _leave = Leave { inner: Arc::clone(&inner), id };
    let ended = caught(task).await;
    inner.judge(id, policy, ended);
}

/// Takes the task off the list however it ends, aborted or not.
struct Leave {
    inner: Arc<Inner>,
    id: u64,
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.inner.leave(self.id);
    }
}

/// A panic is an error like any other.
async fn caught(task: impl Future<Output = Result<(), TaskError>>) -> Result<(), TaskError> {
    AssertUnwindSafe(task).catch_unwind().await.unwrap_or_else(|panic| {
        Err(TaskError::from(format!("panicked: {}", panic_message(&*panic))))
    })
}

enum Verdict {
    Ended,
    Restart(super::Backoff),
}

impl Inner {
    /// What the end of a task means.
    fn judge(&self, id: u64, policy: Policy, ended: Result<(), TaskError>) -> Verdict {
        let name = self.with_entry(id, |entry| entry.status.name.clone()).unwrap_or_default();
        let draining = self.shutdown.is_cancelled();
        let error = match ended {
            Ok(()) if policy == Policy::Critical && !draining => {
                TaskError::from("ended although nobody asked it to")
            }
            Ok(()) => return Verdict::Ended,
            Err(error) => error,
        };
        self.metrics.failures.with(&[&name]).inc();
        if error.is_fatal() || (policy == Policy::Critical) {
            let text = format_args!("essential task failed: {}", error.chain());
            alert::raise(Kind::TaskFailed, &name, text);
            self.fail(name, error);
            return Verdict::Ended;
        }
        match policy {
            Policy::Restart(backoff) if !draining => {
                let text = format_args!("task failed; starting it again: {}", error.chain());
                alert::raise(Kind::TaskFailed, &name, text);
                self.with_entry(id, |entry| {
                    entry.status.last_error = Some(error.chain());
                    entry.status.waiting = true;
                });
                Verdict::Restart(backoff)
            }
            _ => {
                let text = format_args!("task failed: {}", error.chain());
                alert::raise(Kind::TaskFailed, &name, text);
                Verdict::Ended
            }
        }
    }

    fn restarting(&self, id: u64) {
        let name = self.with_entry(id, |entry| {
            entry.status.waiting = false;
            entry.status.restarts += 1;
            entry.status.name.clone()
        });
        if let Some(name) = name {
            self.metrics.restarts.with(&[&name]).inc();
        }
    }
}
