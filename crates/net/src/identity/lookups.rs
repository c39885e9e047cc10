//! Answers kept for a while: bounded in bytes, asked for once however many want them, and never
//! older than they may be.
//!
//! What must stay true: an answer whose question was asked before a [`Lookups::forget`] or a
//! [`Lookups::renew`] never replaces a later one (each lookup takes a number when it starts);
//! a failure never replaces a good answer that may still be used.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use millrace_runtime::caches::{Hits, Usage};
use millrace_runtime::clock::SharedClock;
use moka::future::Cache;

use super::ResolveError;
use super::flights::Flights;
use crate::metrics::LookupMetrics;

/// How long answers are kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ttls {
    /// A good answer.
    pub(super) hit: Duration,
    /// A good answer beyond `hit`, while asking again fails.
    pub(super) stale: Duration,
    /// The answer that there is nothing.
    pub(super) absent: Duration,
    /// No answer.
    pub(super) error: Duration,
    /// Between two forced renewals.
    pub(super) renewal: Duration,
}

/// Kept answers by key.
pub(super) struct Lookups<K, V> {
    kept: Cache<K, Arc<Kept<V>>>,
    flights: Flights<K>,
    started: AtomicU64,
    /// What an earlier lookup gave is not kept any more.
    cleared: AtomicU64,
    ttls: Ttls,
    clock: SharedClock,
    metrics: LookupMetrics,
    hits: Hits,
}

#[derive(Debug, Clone)]
struct Kept<V> {
    /// `None` once forgotten: nothing but its number is of use.
    answer: Option<Result<V, ResolveError>>,
    /// The number of the lookup that gave it.
    started: u64,
    /// Answered from here without asking, until then.
    fresh_until_us: i64,
    /// A good answer is used while asking fails, until then.
    usable_until_us: i64,
    /// When a renewal was last forced.
    renewed_us: Option<i64>,
}

/// Bytes a kept answer has beside what the caller weighs.
const OVERHEAD_BYTES: u32 = 160;

impl<K, V> Lookups<K, V>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(super) fn new(
        bytes_max: u64,
        weigh: fn(&K, Option<&V>) -> usize,
        ttls: Ttls,
        clock: SharedClock,
        metrics: LookupMetrics,
    ) -> Self {
        let weigher = move |key: &K, kept: &Arc<Kept<V>>| {
            let value = kept.answer.as_ref().and_then(|answer| answer.as_ref().ok());
            let bytes = u32::try_from(weigh(key, value)).unwrap_or(u32::MAX);
            bytes.saturating_add(OVERHEAD_BYTES)
        };
        Self {
            kept: Cache::builder().max_capacity(bytes_max).weigher(weigher).build(),
            flights: Flights::new(),
            started: AtomicU64::new(0),
            cleared: AtomicU64::new(0),
            ttls,
            clock,
            metrics,
            hits: Hits::default(),
        }
    }

    /// How often kept answers were of use.
    pub(super) fn hits(&self) -> Hits {
        self.hits.clone()
    }

    /// How much is kept.
    pub(super) async fn usage(&self) -> Usage {
        self.kept.run_pending_tasks().await;
        Usage { entries: self.kept.entry_count(), bytes: self.kept.weighted_size() }
    }

    /// Whether anything is kept for `key`.
    pub(super) async fn keeps(&self, key: &K) -> bool {
        self.kept.get(key).await.is_some_and(|kept| kept.answer.is_some())
    }

    /// Drops everything that is kept, and what lookups under way will bring.
    pub(super) fn clear(&self) {
        let started = self.started.fetch_add(1, Ordering::SeqCst);
        self.cleared.fetch_max(started, Ordering::SeqCst);
        self.kept.invalidate_all();
    }

    /// The answer for `key`: a kept one, or that of `ask`.
    pub(super) async fn get(
        &self,
        key: &K,
        ask: impl Future<Output = Result<V, ResolveError>>,
    ) -> Result<V, ResolveError> {
        if let Some(answer) = self.fresh(key).await {
            return answer;
        }
        let _flight = self.flights.enter(key).await;
        if let Some(answer) = self.fresh(key).await {
            return answer;
        }
        self.hits.miss(1);
        let (answer, usable) = self.ask(key, ask, None).await;
        match (answer, usable) {
            (Err(_), Some(usable)) => {
                self.metrics.count("stale");
                Ok(usable)
            }
            (answer, _) => answer,
        }
    }

    /// The answer of a question asked from now on. Forced at most once in the renewal time; then
    /// the kept answer is returned, and soon no longer fresh.
    pub(super) async fn renew(
        &self,
        key: &K,
        ask: impl Future<Output = Result<V, ResolveError>>,
    ) -> Result<V, ResolveError> {
        let asked = self.started.load(Ordering::SeqCst);
        let _flight = self.flights.enter(key).await;
        let now_us = self.clock.now_us();
        if let Some(kept) = self.kept.get(key).await
            && let Some(answer) = &kept.answer
        {
            if kept.started >= asked {
                return answer.clone();
            }
            let again_us = kept.renewed_us.map(|at| at.saturating_add(micros(self.ttls.renewal)));
            if let Some(again_us) = again_us.filter(|again_us| *again_us > now_us) {
                self.metrics.count("throttled");
                let fresh_until_us = kept.fresh_until_us.min(again_us);
                self.keep(key, Kept { fresh_until_us, ..Kept::clone(&kept) }).await;
                return answer.clone();
            }
        }
        self.ask(key, ask, Some(now_us)).await.0
    }

    /// Drops what is kept; the next [`Lookups::get`] asks.
    pub(super) async fn forget(&self, key: &K) {
        let started = self.started.fetch_add(1, Ordering::SeqCst);
        let nothing = Kept {
            answer: None,
            started,
            fresh_until_us: i64::MIN,
            usable_until_us: i64::MIN,
            renewed_us: None,
        };
        self.keep(key, nothing).await;
    }

    /// The good answer kept for `key`, however old.
    pub(super) async fn known(&self, key: &K) -> Option<V> {
        self.kept.get(key).await?.answer.clone()?.ok()
    }

    async fn fresh(&self, key: &K) -> Option<Result<V, ResolveError>> {
        let kept = self.kept.get(key).await?;
        if kept.fresh_until_us <= self.clock.now_us() {
            return None;
        }
        let answer = kept.answer.clone()?;
        self.hits.hit(1);
        self.metrics.count(if answer.is_ok() { "hit" } else { "negative" });
        Some(answer)
    }

    /// Asks and keeps the answer. Also returns the old answer, where asking failed and it may
    /// still be used.
    async fn ask(
        &self,
        key: &K,
        ask: impl Future<Output = Result<V, ResolveError>>,
        renewed_us: Option<i64>,
    ) -> (Result<V, ResolveError>, Option<V>) {
        let started = self.started.fetch_add(1, Ordering::SeqCst);
        let answer = ask.await;
        self.metrics.count(answer.as_ref().map_or_else(ResolveError::outcome, |_| "resolved"));
        let now_us = self.clock.now_us();
        let after = |time: Duration| now_us.saturating_add(micros(time));
        let mut kept = Kept {
            answer: Some(answer.clone()),
            started,
            fresh_until_us: after(match &answer {
                Ok(_) => self.ttls.hit,
                Err(error) if error.is_transient() => self.ttls.error,
                Err(_) => self.ttls.absent,
            }),
            usable_until_us: after(self.ttls.hit.saturating_add(self.ttls.stale)),
            renewed_us,
        };
        let mut usable = None;
        if answer.as_ref().is_err_and(ResolveError::is_transient)
            && let Some(before) = self.kept.get(key).await
            && let Some(Ok(value)) = &before.answer
            && before.usable_until_us > now_us
        {
            usable = Some(value.clone());
            kept.answer = Some(Ok(value.clone()));
            kept.usable_until_us = before.usable_until_us;
        }
        self.keep(key, kept).await;
        (answer, usable)
    }

    async fn keep(&self, key: &K, kept: Kept<V>) {
        if kept.started < self.cleared.load(Ordering::SeqCst) {
            return;
        }
        let kept = Arc::new(kept);
        let entry = self.kept.entry(key.clone());
        entry
            .and_upsert_with(|before| {
                let later = before
                    .map(moka::Entry::into_value)
                    .filter(|other| other.started > kept.started);
                std::future::ready(later.unwrap_or(kept))
            })
            .await;
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
