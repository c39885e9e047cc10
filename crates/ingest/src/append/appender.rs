//! Puts entries into the log, in the order received, many with one fsync. While the log takes none,
//! nothing moves: the bytes in flight run out and reading stops.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use millrace_atproto::entry::trace_of;
use millrace_log::{Append, Log, LogError, Position, Topic};
use millrace_runtime::clock::Stopwatch;
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::Backoff;
use millrace_runtime::telemetry::journey;
use tokio::sync::mpsc;

use super::Item;
use crate::ahead::Ahead;
use crate::error::IngestError;
use crate::metrics::Metrics;

/// Items taken at once.
const BATCH_ITEMS_MAX: usize = 1_024;
/// Bytes of one append; one entry may be larger.
const BATCH_BYTES_MAX: usize = 4 << 20;

const RETRY: Backoff = Backoff {
    base: Duration::from_millis(100),
    max: Duration::from_secs(10),
    reset_after: Duration::from_secs(60),
};

/// The one writer of `network.entries.v1`.
pub(crate) struct Appender {
    pub(crate) log: Log,
    pub(crate) items: mpsc::Receiver<Item>,
    pub(crate) durable: mpsc::Sender<Item>,
    pub(crate) ahead: Option<Ahead>,
    pub(crate) rng: Rng,
    pub(crate) metrics: Arc<Metrics>,
}

impl Appender {
    /// Runs until no one sends any more.
    pub(crate) async fn run(mut self) -> Result<(), IngestError> {
        let mut batch = Vec::with_capacity(BATCH_ITEMS_MAX);
        while self.items.recv_many(&mut batch, BATCH_ITEMS_MAX).await > 0 {
            while !batch.is_empty() {
                let rest = batch.split_off(group_len(&batch));
                let group = std::mem::replace(&mut batch, rest);
                if !self.append(group).await? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Appends a group and passes it on; false when nobody takes it any more.
    async fn append(&self, group: Vec<Item>) -> Result<bool, IngestError> {
        let mut places = self.make_durable(&group).await?.into_iter();
        for mut item in group {
            let place = item.entry.as_ref().and_then(|_| places.next());
            if let (Some(ahead), Some(place), Some(room)) = (&self.ahead, place, item.room.take()) {
                ahead.appended(place, room);
            }
            // A rejected event's sample is in memory until it is saved.
            if item.changes.is_empty() {
                item.permit = None;
            }
            if let Some((source, seq)) = item.entry_of.take() {
                source.appended(seq);
            }
            item.entry = None;
            if self.durable.send(item).await.is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Appends the entries of a group, each of which has a place then, in order.
    async fn make_durable(&self, group: &[Item]) -> Result<Vec<Position>, IngestError> {
        let entries: Vec<&(millrace_atproto::Did, Bytes)> =
            group.iter().filter_map(|item| item.entry.as_ref()).collect();
        let mut places = Vec::with_capacity(entries.len());
        // A log that is nearly full may have room for a part of them.
        let (mut done, mut step, mut attempt) = (0, entries.len(), 0);
        while let Some(part) = entries.get(done..(done + step).min(entries.len()))
            && !part.is_empty()
        {
            let appends = part
                .iter()
                .map(|(did, entry)| Append::new(did.as_str().as_bytes(), entry.clone()))
                .collect();
            let (watch, traced) = (Stopwatch::start(), journey::begin());
            millrace_runtime::crash::point("ingest.append.before_log");
            match self.log.append(Topic::NetworkEntries, appends).await {
                Ok(appended) => {
                    places.extend(appended.offsets);
                    millrace_runtime::crash::point("ingest.append.after_log");
                    let bytes = part.iter().map(|(_, entry)| entry.len()).sum();
                    self.metrics.appended(part.len(), bytes, watch.elapsed());
                    if let Some(traced) = traced {
                        let traces = part.iter().filter_map(|(_, entry)| trace_of(entry));
                        traced.end("log.append", traces, &[("entries", part.len() as i64)]);
                    }
                    done += part.len();
                    attempt = 0;
                }
                Err(error) => {
                    step = (step / 2).max(1);
                    self.wait_or_fail(error, attempt).await?;
                    attempt += 1;
                }
            }
        }
        Ok(places)
    }

    async fn wait_or_fail(&self, error: LogError, attempt: u32) -> Result<(), IngestError> {
        if !error.is_transient() {
            return Err(IngestError::Log(error));
        }
        if attempt == 0 {
            tracing::warn!(%error, "the log takes no entries; reading waits");
        }
        self.metrics.append_retries.inc();
        tokio::time::sleep(self.rng.jitter(RETRY.delay(attempt))).await;
        Ok(())
    }
}

/// How many of the first items fit into one append: at least one.
fn group_len(items: &[Item]) -> usize {
    let mut bytes = 0_usize;
    for (at, item) in items.iter().enumerate() {
        bytes = bytes.saturating_add(item.entry.as_ref().map_or(0, |(_, entry)| entry.len()));
        if bytes > BATCH_BYTES_MAX && at > 0 {
            return at;
        }
    }
    items.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(bytes: usize) -> Item {
        let did = millrace_atproto::Did::parse("did:plc:abc").expect("a DID");
        Item { entry: (bytes > 0).then(|| (did, Bytes::from(vec![0; bytes]))), ..Item::default() }
    }

    #[test]
    fn groups_are_bounded_in_bytes_and_never_empty() {
        let check = |sizes: &[usize], expected: usize| {
            let items: Vec<Item> = sizes.iter().map(|bytes| item(*bytes)).collect();
            assert_eq!(group_len(&items), expected, "{sizes:?}");
        };
        check(&[0, 0, 0], 3);
        check(&[BATCH_BYTES_MAX + 1, 0], 1);
        check(&[0, BATCH_BYTES_MAX, 1, 5], 2);
        check(&[10, 20, 30], 3);
    }
}
