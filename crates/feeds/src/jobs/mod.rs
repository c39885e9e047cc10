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

use millrace_dataplane::Client as Dataplane;
use millrace_runtime::clock::SharedClock;
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::{Backoff, Policy, Shutdown, Supervisor};
use millrace_store::{Dictionary, Store, StoreError, lease};
use tokio::sync::Notify;

use crate::config::FeedsConfig;
use crate::error::FeedsError;
use crate::metrics::Metrics;
use crate::query::session::Sessions;
use crate::score::Profile;

/// How often a task looks for work without having been woken.
const POLL: Duration = Duration::from_millis(500);
/// How long a task that fell silent keeps its lease, and how often it is renewed.
const LEASE_TTL_US: i64 = 15_000_000;
const LEASE_RENEW_US: i64 = 5_000_000;
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

/// What the tasks work with.
#[derive(Clone)]
pub struct Jobs {
    pub store: Store,
    pub dictionary: Dictionary,
    pub dataplane: Dataplane,
    pub config: Arc<FeedsConfig>,
    pub clock: SharedClock,
    pub rng: Rng,
    pub wakes: Arc<Wakes>,
    pub sessions: Sessions,
    pub metrics: Metrics,
    pub(crate) round: Arc<trim::Round>,
}

/// What [`Jobs`] is made of.
pub struct JobsDeps {
    pub store: Store,
    pub dictionary: Dictionary,
    pub dataplane: Dataplane,
    pub config: Arc<FeedsConfig>,
    pub clock: SharedClock,
    pub rng: Rng,
    pub wakes: Arc<Wakes>,
    /// Whose homes change by what their readers did is told to these.
    pub sessions: Sessions,
    pub metrics: Metrics,
}

impl Jobs {
    pub fn new(deps: JobsDeps) -> Self {
        let JobsDeps { store, dictionary, dataplane, config, clock, rng, wakes, sessions, metrics } =
            deps;
        let round = Arc::default();
        Self { store, dictionary, dataplane, config, clock, rng, wakes, sessions, metrics, round }
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

    pub(crate) fn profile(&self) -> Profile {
        self.config.profile()
    }

    pub(crate) fn push_max(&self) -> i64 {
        self.config.push_followers_max.into()
    }
}

/// The lease of a task, where several processes share the tables.
struct Turn {
    name: String,
    holder: String,
    renewed_us: i64,
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
        let holder = format!("{:016x}", self.rng.next_u64());
        let mut turn = Turn { name: format!("feeds:{name}"), holder, renewed_us: i64::MIN };
        let mut failures = 0;
        while !shutdown.is_cancelled() {
            let pause = match self.take_turn(&mut turn, step).await {
                Ok(true) => {
                    failures = 0;
                    continue;
                }
                Ok(false) => {
                    failures = 0;
                    POLL
                }
                Err(error) => {
                    self.metrics.job_failed(name);
                    tracing::warn!(job = name, %error, "homes are not made right, trying again");
                    failures += 1;
                    self.rng.jitter(BACKOFF.delay(failures - 1))
                }
            };
            let woken = async {
                match wake(&self.wakes) {
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
        self.give_up(&turn).await;
    }

    async fn take_turn<F>(&self, turn: &mut Turn, step: &F) -> Result<bool, FeedsError>
    where
        F: for<'j> Fn(&'j Jobs) -> futures_util::future::BoxFuture<'j, Result<bool, FeedsError>>,
    {
        if self.store.is_shared()
            && self.clock.now_us().saturating_sub(turn.renewed_us) >= LEASE_RENEW_US
        {
            let (name, holder) = (turn.name.clone(), turn.holder.clone());
            let acquire =
                move |tx: &mut millrace_store::Tx| lease::acquire(tx, &name, &holder, LEASE_TTL_US);
            let held: Result<_, StoreError> = self.store.write(acquire).await;
            if held?.is_none() {
                return Ok(false);
            }
            turn.renewed_us = self.clock.now_us();
        }
        step(self).await
    }

    async fn give_up(&self, turn: &Turn) {
        if !self.store.is_shared() {
            return;
        }
        let (name, holder) = (turn.name.clone(), turn.holder.clone());
        let release = move |tx: &mut millrace_store::Tx| {
            if let Some(held) = lease::acquire(tx, &name, &holder, LEASE_TTL_US)? {
                lease::release(tx, &held)?;
            }
            Ok(())
        };
        let released: Result<(), StoreError> = self.store.write(release).await;
        if let Err(error) = released {
            tracing::debug!(%error, "the task's lease runs out by itself");
        }
    }
}
