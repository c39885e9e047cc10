//! Asks directories and hosts on behalf of the lanes, and asks again until there is an answer.

use std::sync::Arc;
use std::time::Duration;

use millrace_atproto::Did;
use millrace_net::{PdsClient, PdsError, ResolveError, Resolver};
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::{Backoff, TaskSet};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::Ask;
use super::queue::{Job, Queue};
use crate::config::IdentityConfig;
use crate::error::IngestError;
use crate::lane::{IdentityAnswer, LaneMsg, Lanes, StatusAnswer};
use crate::metrics::Metrics;

/// How often lanes are told that a question still stands in line.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// How often a host is asked for a status before that is decided without it.
const STATUS_ATTEMPTS_MAX: u32 = 3;

/// Asks the outside.
pub(crate) struct Lookups {
    pub(crate) resolver: Resolver,
    pub(crate) pds: PdsClient,
    pub(crate) asks: UnboundedReceiver<Ask>,
    pub(crate) lanes: Lanes,
    pub(crate) config: IdentityConfig,
    pub(crate) rng: Rng,
    pub(crate) metrics: Arc<Metrics>,
}

/// What one attempt came to.
enum Attempt {
    Identity(IdentityAnswer),
    Status(StatusAnswer),
    /// Try again, not before the time the other side asked for.
    Failed {
        reason: String,
        retry_after: Option<Duration>,
    },
}

impl Lookups {
    /// Runs until nobody asks any more.
    pub(crate) async fn run(mut self) -> Result<(), IngestError> {
        let mut queue = Queue::new(self.config.lookups_max);
        let mut under_way: TaskSet<(Job, Attempt)> = TaskSet::new();
        let mut tell = tokio::time::interval(
            TELL_EVERY.min(Duration::from_millis(self.config.hold_ms.max(1))),
        );
        loop {
            while let Some(job) = queue.next() {
                let (resolver, pds) = (self.resolver.clone(), self.pds.clone());
                under_way.spawn("lookup", async move {
                    let attempt = attempt(&resolver, &pds, &job.ask, job.attempt).await;
                    (job, attempt)
                });
            }
            let waiting = queue.len() + under_way.len();
            self.metrics.lookups_waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
            let due = queue.next_due();
            tokio::select! {
                ask = self.asks.recv() => {
                    let Some(ask) = ask else { return Ok(()) };
                    let now = Instant::now();
                    let pause = match &ask {
                        Ask::Identity { pause, .. } => *pause,
                        Ask::Status { .. } => Duration::ZERO,
                    };
                    let job = Job { ask, attempt: 0, since: now, told: false };
                    if pause.is_zero() { queue.push(job) } else { queue.delay(job, now + pause) }
                }
                Some(done) = under_way.join_next() => match done {
                    Ok((_, (job, attempt))) => {
                        if self.finish(&mut queue, job, attempt).is_err() {
                            return Ok(());
                        }
                    }
                    Err(fault) => {
                        tracing::error!(%fault, "a look-up failed");
                        return Err(IngestError::PartEnded("lookup"));
                    }
                },
                () = at(due) => queue.wake(Instant::now(), None),
                _ = tell.tick() => self.tell_overdue(&mut queue),
            }
        }
    }

    fn finish(
        &self,
        queue: &mut Queue,
        job: Job,
        attempt: Attempt,
    ) -> Result<(), crate::lane::LaneGone> {
        let line = Queue::line(&job.ask);
        queue.finished(line);
        let did = job.ask.did().clone();
        match attempt {
            Attempt::Identity(answer) => {
                if job.attempt > 0 {
                    // It answers again: whoever waits for it need not wait longer.
                    queue.wake(Instant::now(), Some(line));
                }
                self.lanes.send(LaneMsg::Identity { did, answer })
            }
            Attempt::Status(answer) => self.lanes.send(LaneMsg::Status { did, answer }),
            Attempt::Failed { reason, retry_after } => {
                let backoff = Backoff {
                    base: Duration::from_millis(self.config.backoff_first_ms),
                    max: Duration::from_millis(self.config.backoff_max_ms),
                    reset_after: Duration::ZERO,
                };
                let pause = self
                    .rng
                    .jitter(backoff.delay(job.attempt))
                    .max(retry_after.unwrap_or_default());
                queue.delay(
                    Job { attempt: job.attempt.saturating_add(1), ..job },
                    Instant::now() + pause,
                );
                self.lanes.send(LaneMsg::Identity { did, answer: IdentityAnswer::Delayed(reason) })
            }
        }
    }

    /// Those who stand in line behind a dead directory are told too that it takes longer.
    fn tell_overdue(&self, queue: &mut Queue) {
        let age = Duration::from_millis(self.config.hold_ms);
        for did in queue.overdue(Instant::now(), age) {
            let answer = IdentityAnswer::Delayed("the directory is slow".to_owned());
            // A lane that is gone ends the run; the loop sees it by its own queue.
            let _ = self.lanes.send(LaneMsg::Identity { did, answer });
        }
    }
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

async fn attempt(resolver: &Resolver, pds: &PdsClient, ask: &Ask, before: u32) -> Attempt {
    match ask {
        // A failure is remembered by the resolver for a while; asking again means asking anew.
        Ask::Identity { did, anew, .. } => identity(resolver, did, *anew, before > 0).await,
        Ask::Status { did } => match status(resolver, pds, did).await {
            Ok(answer) => Attempt::Status(answer),
            Err(failed) if before + 1 < STATUS_ATTEMPTS_MAX => failed,
            // Whoever asked has to decide without.
            Err(_) => Attempt::Status(StatusAnswer::Unreachable),
        },
    }
}

async fn identity(resolver: &Resolver, did: &Did, anew: bool, again: bool) -> Attempt {
    let answer = if anew {
        super::anew(resolver, did).await
    } else if again {
        resolver.refresh(did).await
    } else {
        resolver.identity(did).await
    };
    match answer {
        Ok(identity) => Attempt::Identity(IdentityAnswer::Found(identity)),
        Err(ResolveError::Tombstoned { .. }) => Attempt::Identity(IdentityAnswer::Tombstoned),
        Err(error) if error.is_transient() => {
            Attempt::Failed { reason: error.to_string(), retry_after: error.retry_after() }
        }
        Err(error) => Attempt::Identity(IdentityAnswer::Unknown(error.to_string())),
    }
}

/// Asks the PDS that the directory names now, not the one remembered: the account may have moved.
async fn status(resolver: &Resolver, pds: &PdsClient, did: &Did) -> Result<StatusAnswer, Attempt> {
    let identity = match super::anew(resolver, did).await {
        Ok(identity) => identity,
        Err(ResolveError::Tombstoned { .. }) => return Ok(StatusAnswer::Tombstoned),
        Err(error) => {
            tracing::debug!(%did, %error, "status not asked: no identity");
            let retry_after = error.retry_after();
            return Err(Attempt::Failed { reason: error.to_string(), retry_after });
        }
    };
    let Some(host) = &identity.pds else { return Ok(StatusAnswer::NotFound) };
    match pds.get_repo_status(host, did).await {
        Ok(status) => Ok(StatusAnswer::Known(status)),
        Err(PdsError::RepoNotFound) => Ok(StatusAnswer::NotFound),
        Err(error) if error.is_retryable() => {
            tracing::debug!(%did, host, %error, "status not told");
            let retry_after = error.retry_after();
            Err(Attempt::Failed { reason: error.to_string(), retry_after })
        }
        Err(error) => {
            tracing::debug!(%did, host, %error, "status not told");
            Ok(StatusAnswer::Unreachable)
        }
    }
}
