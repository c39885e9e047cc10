//! What makes homes right, beside the worker: one task each, and of several processes one at a time.
//!
//! | task | takes | does |
//! | --- | --- | --- |
//! | `fan_out` | `fanout_job` | writes items into the homes of who follows whoever brought them |
//! | `build` | `feed_state` without `built_at_us` | makes a home from all there is |
//! | `settle` | `settle_job` | makes right what a home shows of somebody after a follow, a block, a mute |
//! | `rescore` | `post_stats.due_us` | scores lines again after something was done with their post |
//! | `trim` | everything, slowly | keeps homes within their bounds, forgets who reads here no more |

pub mod build;
pub mod fan_out;
pub mod rescore;
pub mod settle;
pub mod trim;

pub(crate) mod scored;

use std::sync::Arc;
use std::time::Duration;

use millrace_runtime::supervise::{Backoff, Policy, Shutdown, Supervisor};
use millrace_store::lease::Turn;
use tokio::sync::Notify;

use crate::deps::Deps;
use crate::error::FeedsError;

/// How often a task looks for work without having been woken.
const POLL: Duration = Duration::from_millis(500);
/// How long a task that fell silent keeps its lease.
const LEASE_TTL: Duration = Duration::from_secs(15);
const BACKOFF: Backoff = Backoff {
    base: Duration::from_millis(100),
    max: Duration::from_secs(30),
    reset_after: Duration::from_secs(60),
};

/// Says that there is work.
#[derive(Debug, Default)]
pub struct Wakes {
    fan_out: Notify,
    build: Notify,
    settle: Notify,
}

impl Wakes {
    /// Whatever a batch of facts may have brought.
    pub(crate) fn all(&self) {
        self.fan_out.notify_one();
        self.settle.notify_one();
    }

    pub(crate) fn build(&self) {
        self.build.notify_one();
    }
}

/// The tasks.
#[derive(Clone)]
pub struct Jobs {
    pub(crate) deps: Deps,
    pub(crate) round: Arc<trim::Round>,
}

impl Jobs {
    pub fn new(deps: Deps) -> Self {
        Self { deps, round: Arc::default() }
    }

    /// Starts every task.
    pub fn start(&self, supervisor: &Supervisor) {
        self.spawn(
            supervisor,
            "fan_out",
            |jobs| Box::pin(jobs.fan_out_step()),
            |wakes| Some(&wakes.fan_out),
        );
        self.spawn(
            supervisor,
            "build",
            |jobs| Box::pin(jobs.build_step()),
            |wakes| Some(&wakes.build),
        );
        self.spawn(
            supervisor,
            "settle",
            |jobs| Box::pin(jobs.settle_step()),
            |wakes| Some(&wakes.settle),
        );
        self.spawn(supervisor, "rescore", |jobs| Box::pin(jobs.rescore_step()), |_| None);
        self.spawn(supervisor, "trim", |jobs| Box::pin(jobs.trim_step()), |_| None);
    }

    pub(crate) fn push_max(&self) -> i64 {
        self.deps.config.push_followers_max.into()
    }
}

impl Jobs {
    /// Runs a task: step after step while there is work, then until it is woken.
    fn spawn<F>(
        &self,
        supervisor: &Supervisor,
        name: &'static str,
        step: F,
        wake: fn(&Wakes) -> Option<&Notify>,
    ) where
        F: for<'j> Fn(&'j Jobs) -> futures_util::future::BoxFuture<'j, Result<bool, FeedsError>>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        let jobs = self.clone();
        supervisor.spawn(format!("feeds.{name}"), Policy::restart(), move |shutdown| {
            let (jobs, step) = (jobs.clone(), step.clone());
            async move {
                jobs.run(name, &step, wake, &shutdown).await;
                Ok(())
            }
        });
    }

    async fn run<F>(
        &self,
        name: &'static str,
        step: &F,
        wake: fn(&Wakes) -> Option<&Notify>,
        shutdown: &Shutdown,
    ) where
        F: for<'j> Fn(&'j Jobs) -> futures_util::future::BoxFuture<'j, Result<bool, FeedsError>>,
    {
        let lease = format!("feeds:{name}");
        let turn = Turn::new(&self.deps.store, &self.deps.rng, lease, LEASE_TTL);
        let mut failures = 0;
        while !shutdown.is_cancelled() {
            let pause = match self.take_turn(&turn, step).await {
                Ok(true) => {
                    failures = 0;
                    continue;
                }
                Ok(false) => {
                    failures = 0;
                    POLL
                }
                Err(error) => {
                    self.deps.metrics.job_failed(name);
                    tracing::warn!(job = name, %error, "homes are not made right, trying again");
                    failures += 1;
                    self.deps.rng.jitter(BACKOFF.delay(failures - 1))
                }
            };
            let woken = async {
                match wake(&self.deps.wakes) {
                    Some(notify) if failures == 0 => notify.notified().await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = woken => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        turn.give_up().await;
    }

    async fn take_turn<F>(&self, turn: &Turn, step: &F) -> Result<bool, FeedsError>
    where
        F: for<'j> Fn(&'j Jobs) -> futures_util::future::BoxFuture<'j, Result<bool, FeedsError>>,
    {
        match turn.take().await? {
            true => step(self).await,
            false => Ok(false),
        }
    }
}
