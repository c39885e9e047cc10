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
}

impl Local {
    pub fn new(deps: Deps) -> Self {
        let lag = Lag::new(deps.config.lag_ms_max);
        Self { deps, lag }
    }

    /// Looks again and again how old the oldest fact is that homes do not show yet.
    pub async fn watch_lag(&self, log: &Log, shutdown: &Shutdown) {
        while shutdown.or(tokio::time::sleep(LAG_EVERY)).await.is_some() {
            match self.lag_us(log).await {
                Ok(lag_us) => self.lag.set(lag_us),
                Err(error) => tracing::debug!(%error, "how far homes lag cannot be read now"),
            }
        }
    }

    async fn lag_us(&self, log: &Log) -> Result<i64, FeedsError> {
        let topic = Topic::DataplaneChanges;
        let unavailable =
            |error: millrace_log::LogError| FeedsError::Unavailable(error.to_string());
        let mut oldest_us = None;
        for partition in 0..log.partitions(topic) {
            let load = move |tx: &mut millrace_store::Tx| {
                offsets::load(tx, worker::NAME, topic, partition)
            };
            let next: Result<Option<i64>, StoreError> = self.deps.store.read(load).await;
            let next =
                next?.unwrap_or(0).max(log.oldest(topic, partition).await.map_err(unavailable)?);
            if next >= log.tail(topic, partition).await.map_err(unavailable)? {
                continue;
            }
            let items = log.read(topic, partition, next, 1).await.map_err(unavailable)?;
            let at_us = items.first().map(|item| item.appended_us);
            oldest_us = oldest_us.into_iter().chain(at_us).min();
        }
        Ok(oldest_us.map_or(0, |at_us: i64| self.deps.clock.now_us().saturating_sub(at_us).max(0)))
    }
}

/// How often the lag is looked at.
const LAG_EVERY: Duration = Duration::from_secs(1);

/// How old the oldest fact is that homes do not show yet.
pub(crate) struct Lag {
    us: AtomicI64,
    us_max: i64,
}

impl Lag {
    fn new(ms_max: u64) -> Self {
        let us_max = i64::try_from(ms_max).unwrap_or(i64::MAX).saturating_mul(1_000);
        Self { us: AtomicI64::new(0), us_max }
    }

    fn set(&self, us: i64) {
        self.us.store(us, Ordering::Relaxed);
    }

    pub(crate) fn is_too_long(&self) -> bool {
        self.us.load(Ordering::Relaxed) > self.us_max
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
