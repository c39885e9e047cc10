//! One batch: applied whole if it can be; otherwise halved until the entry at fault stands alone
//! and is parked. Each part commits with its own offset, so nothing is done twice and the entries
//! around a poisoned one are in the tables before the next batch is read.

use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};
use futures_util::FutureExt as _;
use millrace_log::{Item, Topic};
use millrace_runtime::clock::Stopwatch;
use millrace_runtime::supervise::Shutdown;
use millrace_runtime::telemetry::journey;

use super::{ApplyError, Projection, Worker};
use crate::parked::{self, BEHIND, ParkedEntry, Place};
use crate::{Fault, StoreError, Tx, offsets};

/// Time-outs in a row after which the batch is taken to be at fault, not the database.
const TIMEOUTS_MAX: u32 = 5;

/// Where a transaction of the worker stands: whose it is, and which entries it covers.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub(super) projection: &'static str,
    pub(super) topic: Topic,
    pub(super) partition: u32,
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Span {
    fn advance(&self, tx: &mut Tx) -> Result<(), StoreError> {
        offsets::advance(tx, self.projection, self.topic, self.partition, self.from, self.to)
    }

    fn place(&self, key: &[u8]) -> Place {
        Place {
            projection: self.projection.to_owned(),
            topic: self.topic.name().to_owned(),
            partition: self.partition,
            barrier_key: Some(key.to_vec()),
        }
    }

    /// `item` as it is parked.
    fn entry<'a>(
        &self,
        item: &'a Item,
        key: Option<&'a [u8]>,
        reason: &'a str,
        error: &'a str,
        next_us: Option<i64>,
    ) -> ParkedEntry<'a> {
        ParkedEntry {
            projection: self.projection,
            topic: self.topic,
            partition: self.partition,
            offset: item.offset,
            appended_us: item.appended_us,
            barrier_key: key,
            reason,
            error,
            entry: &item.payload,
            headers: &item.headers,
            next_us,
        }
    }
}

impl<P: Projection> Worker<P> {
    /// Applies `items`, parking what cannot be applied.
    pub(super) async fn apply_batch(
        &mut self,
        items: &[Item],
        shutdown: &Shutdown,
    ) -> Result<(), ApplyError> {
        let mut todo = Vec::from([Range { start: 0, end: items.len() }]);
        while let Some(range) = todo.pop() {
            if shutdown.is_cancelled() {
                return Ok(());
            }
            let part = items.get(range.clone()).unwrap_or_default();
            let (Some(first), Some(last)) = (part.first(), part.last()) else {
                continue;
            };
            let Err(error) = self.apply(part, last.offset + 1).await else {
                continue;
            };
            if self.fault_of(&error) != Fault::Park {
                return Err(error);
            }
            if part.len() == 1 {
                self.park(first, &error).await?;
            } else {
                let culprit = error.culprit();
                let at = part.iter().position(|item| Some(item.offset) == culprit);
                todo.extend(split(range, at).into_iter().rev());
            }
        }
        Ok(())
    }

    fn fault_of(&self, error: &ApplyError) -> Fault {
        match error {
            ApplyError::Store(StoreError::Timeout { .. }) if self.failures >= TIMEOUTS_MAX => {
                Fault::Park
            }
            other => other.fault(),
        }
    }

    /// One transaction: offset, rows, and entries that park behind one of their key.
    async fn apply(&mut self, items: &[Item], to: i64) -> Result<(), ApplyError> {
        let (started, step) = (Stopwatch::start(), journey::begin());
        let (behind, fresh) = self.set_aside(items);
        let prepared = match fresh.as_slice() {
            [] => None,
            fresh => Some(self.prepare(fresh).await?),
        };
        millrace_runtime::crash::point("projection.apply.prepared");
        let span = self.span(to);
        let (projection, per_key_max) =
            (Arc::clone(&self.projection), self.config.parked_per_key_max);
        let parked_behind = behind.len();
        let lifted = self
            .store
            .write(move |tx| {
                span.advance(tx)?;
                millrace_runtime::crash::point("projection.apply.offset_moved");
                if let Some(prepared) = prepared {
                    projection.write(tx, prepared)?;
                }
                let lifted = park_behind(tx, &span, &*projection, &behind, per_key_max)?;
                millrace_runtime::crash::point("projection.apply.before_commit");
                Ok::<_, ApplyError>(lifted)
            })
            .await?;
        millrace_runtime::crash::point("projection.apply.after_commit");
        if let Some(step) = step {
            let traces = fresh.iter().filter_map(|item| self.projection.trace(item));
            step.end("apply", traces, &[("entries", fresh.len() as i64)]);
        }
        for key in lifted {
            self.barred.remove(&key);
        }
        (0..parked_behind).for_each(|_| self.metrics.parked(BEHIND));
        self.metrics.entries.add(fresh.len() as u64);
        self.metrics.batch_entries.observe(items.len() as f64);
        self.metrics.batch_seconds.observe_duration(started.elapsed());
        self.moved(to);
        Ok(())
    }

    /// The projection's first step. A panic there is the entry's fault, like any other.
    pub(super) async fn prepare(&self, items: &[Item]) -> Result<P::Prepared, ApplyError> {
        let prepared = AssertUnwindSafe(self.projection.prepare(items)).catch_unwind().await;
        prepared.unwrap_or_else(|_| {
            let message = "preparing panicked".to_owned();
            Err(StoreError::Panicked { message }.into())
        })
    }

    /// Parks the one entry that cannot be applied, and moves the offset past it.
    async fn park(&mut self, item: &Item, error: &ApplyError) -> Result<(), ApplyError> {
        let key = self.key_of(item);
        let (reason, message) = (error.reason(), error.to_string());
        let next_us = self.clock.now_us().saturating_add(self.parked_pause_us(0));
        let parked_max = i64::from(self.config.parked_max);
        let span = self.span(item.offset + 1);
        let (poisoned, barrier_key) = (item.clone(), key.clone());
        self.store
            .write(move |tx| {
                span.advance(tx)?;
                let key = barrier_key.as_deref();
                parked::park(tx, &span.entry(&poisoned, key, reason, &message, Some(next_us)))?;
                let parked = parked::count(tx, span.projection, span.topic, span.partition)?;
                if parked > parked_max {
                    let (projection, reason) = (span.projection, message.clone());
                    return Err(ApplyError::ParkedTooMany { projection, parked, reason });
                }
                Ok(())
            })
            .await?;
        tracing::warn!(projection = self.projection.name(), offset = item.offset, reason, %error, "entry parked");
        self.metrics.parked(reason);
        self.barred.extend(key);
        self.moved(item.offset + 1);
        Ok(())
    }

    /// Entries whose key has something parked, with the key; and the others.
    fn set_aside(&self, items: &[Item]) -> (Vec<(Item, Vec<u8>)>, Vec<Item>) {
        if self.barred.is_empty() {
            return (Vec::new(), items.to_vec());
        }
        let (mut behind, mut fresh) = (Vec::new(), Vec::new());
        for item in items {
            match self.key_of(item).filter(|key| self.barred.contains(key)) {
                Some(key) => behind.push((item.clone(), key)),
                None => fresh.push(item.clone()),
            }
        }
        (behind, fresh)
    }

    fn key_of(&self, item: &Item) -> Option<Vec<u8>> {
        std::panic::catch_unwind(AssertUnwindSafe(|| self.projection.key(item))).ok().flatten()
    }

    fn span(&self, to: i64) -> Span {
        Span {
            projection: self.projection.name(),
            topic: self.topic,
            partition: self.partition,
            from: self.next.unwrap_or_default(),
            to,
        }
    }

    fn moved(&mut self, to: i64) {
        self.next = Some(to);
        self.metrics.batches.inc();
        self.projection.committed(self.partition, to);
    }
}

/// The parts to try instead of `range`, in order: around the culprit where it is known, else halves.
fn split(range: Range<usize>, culprit: Option<usize>) -> Vec<Range<usize>> {
    let parts = match culprit {
        Some(at) => {
            let at = range.start + at;
            vec![range.start..at, at..at + 1, at + 1..range.end]
        }
        None => {
            let middle = range.start + range.len() / 2;
            vec![range.start..middle, middle..range.end]
        }
    };
    parts.into_iter().filter(|part| !part.is_empty()).collect()
}

/// Parks entries behind the head of their key; the keys that overflowed and are free again.
fn park_behind<P: Projection>(
    tx: &mut Tx,
    span: &Span,
    projection: &P,
    behind: &[(Item, Vec<u8>)],
    per_key_max: u32,
) -> Result<Vec<Vec<u8>>, ApplyError> {
    let mut depths: HashMap<&[u8], i64> = HashMap::new();
    let mut lifted: HashSet<&[u8]> = HashSet::new();
    for (item, key) in behind {
        if lifted.contains(key.as_slice()) {
            continue;
        }
        let place = span.place(key);
        let depth = match depths.get(key.as_slice()) {
            Some(depth) => *depth,
            None => place.depth(tx)?,
        };
        if depth >= i64::from(per_key_max) {
            projection.overflow(tx, key)?;
            let dropped = place.lift(tx)?;
            tracing::error!(
                projection = span.projection,
                key = %String::from_utf8_lossy(key),
                dropped,
                "too much parked behind one key: dropped, the key is fetched anew"
            );
            lifted.insert(key);
            continue;
        }
        // If an operator has discarded the head meanwhile, this one is the head and tried soon.
        let next_us = (depth == 0).then(|| tx.now_us());
        parked::park(tx, &span.entry(item, Some(key), BEHIND, "", next_us))?;
        depths.insert(key, depth + 1);
    }
    Ok(lifted.into_iter().map(<[u8]>::to_vec).collect())
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_failed_range_is_halved_or_cut_around_its_culprit() {
        assert_eq!(split(4..8, None), [4..6, 6..8]);
        assert_eq!(split(4..7, None), [4..5, 5..7]);
        assert_eq!(split(4..8, Some(0)), [4..5, 5..8]);
        assert_eq!(split(4..8, Some(2)), [4..6, 6..7, 7..8]);
        assert_eq!(split(4..8, Some(3)), [4..7, 7..8]);
    }
}
