//! Asking about homes, in process or over `/internal`: the caller does not see which.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use millrace_log::{Log, Topic};
use millrace_runtime::config::Secret;
use millrace_runtime::internal::Caller;
use millrace_runtime::supervise::Shutdown;
use millrace_store::{StoreError, offsets};
use tracing::Instrument as _;

use crate::deps::Deps;
use crate::error::FeedsError;
use crate::query::Question;
use crate::worker;

/// Homes as their callers see them.
#[derive(Clone)]
pub enum Client {
    /// In this process.
    Local(Arc<Local>),
    /// Another process, by HTTP.
    Remote(Arc<Remote>),
}

impl Client {
    pub async fn ask<Q: Question>(&self, question: Q) -> Result<Q::Answer, FeedsError> {
        let asked = async {
            match self {
                Self::Local(local) => question.answer(local).await,
                Self::Remote(remote) => Ok(remote.caller.call(Q::NAME, &question).await?),
            }
        };
        asked.instrument(tracing::info_span!("feeds", question = Q::NAME)).await
    }
}

/// The handles of homes.
pub struct Local {
    pub(crate) deps: Deps,
    pub(crate) lag: Lag,
    /// Since when this process counts.
    pub(crate) started_us: i64,
}

impl Local {
    pub fn new(deps: Deps) -> Self {
        let lag = Lag::new(deps.config.lag_ms_max);
        let started_us = deps.clock.now_us();
        Self { deps, lag, started_us }
    }

    /// Looks again and again how old the oldest fact is that homes do not show yet.
    pub async fn watch_lag(&self, log: &Log, shutdown: &Shutdown) {
        while shutdown.or(tokio::time::sleep(LAG_EVERY)).await.is_some() {
            match self.look(log).await {
                Ok(behind) => self.lag.set(behind),
                Err(error) => tracing::debug!(%error, "how far homes lag cannot be read now"),
            }
        }
    }

    async fn look(&self, log: &Log) -> Result<Behind, FeedsError> {
        let topic = Topic::DataplaneChanges;
        let unavailable =
            |error: millrace_log::LogError| FeedsError::Unavailable(error.to_string());
        let (mut oldest_us, mut entries) = (None, 0);
        for partition in 0..log.partitions(topic) {
            let load = move |tx: &mut millrace_store::Tx| {
                offsets::load(tx, worker::NAME, topic, partition)
            };
            let next: Result<Option<i64>, StoreError> = self.deps.store.read(load).await;
            let next =
                next?.unwrap_or(0).max(log.oldest(topic, partition).await.map_err(unavailable)?);
            let tail = log.tail(topic, partition).await.map_err(unavailable)?;
            if next >= tail {
                continue;
            }
            entries += tail - next;
            let items = log.read(topic, partition, next, 1).await.map_err(unavailable)?;
            let at_us = items.first().map(|item| item.appended_us);
            oldest_us = oldest_us.into_iter().chain(at_us).min();
        }
        let now_us = self.deps.clock.now_us();
        let us = oldest_us.map_or(0, |at_us: i64| now_us.saturating_sub(at_us).max(0));
        Ok(Behind { us, entries })
    }
}

/// How often the lag is looked at.
const LAG_EVERY: Duration = Duration::from_secs(1);

/// Facts that homes do not show yet: how old the oldest is, and how many entries there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Behind {
    pub(crate) us: i64,
    pub(crate) entries: i64,
}

/// How far behind the facts homes were at the last look.
pub(crate) struct Lag {
    us: AtomicI64,
    entries: AtomicI64,
    pub(crate) us_max: i64,
}

impl Lag {
    fn new(ms_max: u64) -> Self {
        let us_max = i64::try_from(ms_max).unwrap_or(i64::MAX).saturating_mul(1_000);
        Self { us: AtomicI64::new(0), entries: AtomicI64::new(0), us_max }
    }

    fn set(&self, behind: Behind) {
        self.us.store(behind.us, Ordering::Relaxed);
        self.entries.store(behind.entries, Ordering::Relaxed);
    }

    pub(crate) fn behind(&self) -> Behind {
        let us = self.us.load(Ordering::Relaxed);
        Behind { us, entries: self.entries.load(Ordering::Relaxed) }
    }

    pub(crate) fn is_too_long(&self) -> bool {
        self.behind().us > self.us_max
    }
}

/// Where another process answers `/internal/*`.
pub struct Remote {
    caller: Caller,
}

impl Remote {
    /// # Errors
    /// The HTTP client cannot be built.
    pub fn new(
        base: url::Url,
        secret: Option<Secret>,
        timeout: Duration,
    ) -> Result<Self, FeedsError> {
        Ok(Self { caller: Caller::new(base, secret, timeout)? })
    }
}
