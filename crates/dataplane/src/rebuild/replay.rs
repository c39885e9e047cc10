//! The new tables catch up with the old ones: the entries from the copied offset on are applied by the
//! worker that applies all others, quietly.
//!
//! What must stay true: a fact is told once. What the new tables' entries bring about was told, or will
//! be, from the old tables' outbox; so nothing stays in the new one. An entry that the old tables have
//! parked, and so told nothing of, is parked here too.

use std::collections::BTreeMap;
use std::sync::Arc;

use foldhash::HashSet;
use millrace_log::{Hold, Item, Log, Topic};
use millrace_runtime::crash;
use millrace_runtime::supervise::Shutdown;
use millrace_store::worker::{ApplyError, Projection, Worker, WorkerConfig, WorkerDeps};
use millrace_store::{Param, Store, StoreError, Tx};

use super::RebuildError;
use crate::progress::Progress;
use crate::worker::{Dataplane, NAME, Prepared};

/// Where the old tables stand, by partition.
pub(super) type Offsets = BTreeMap<u32, i64>;

const TOPIC: Topic = Topic::NetworkEntries;

/// The old tables' offsets, and the entries that they have parked.
pub(super) async fn stands(store: &Store) -> Result<(Offsets, HashSet<(u32, i64)>), StoreError> {
    store
        .read(|tx| {
            let whose = [Param::Text(NAME), Param::Text(TOPIC.name())];
            let offsets = tx.query(
                "SELECT partition, next_offset FROM projection_offset WHERE projection = $1 AND topic = $2",
                &whose,
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            let parked = tx.query(
                "SELECT partition, log_offset FROM parked WHERE projection = $1 AND topic = $2",
                &whose,
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            Ok((offsets.into_iter().collect(), parked.into_iter().collect()))
        })
        .await
}

/// Keeps what the old tables have yet to apply in the log; it is applied to the new ones too.
pub(super) async fn hold(store: &Store, log: &Log) -> Result<Hold, RebuildError> {
    let (offsets, _) = stands(store).await?;
    let partitions = 0..log.partitions(TOPIC);
    let next = |partition| offsets.get(&partition).copied().unwrap_or(0);
    Ok(log.hold(TOPIC, partitions.map(next).collect())?)
}

/// The projection as it catches up.
struct Quiet {
    inner: Dataplane,
    /// Offsets of the partition that the old tables have parked.
    parked: HashSet<i64>,
    progress: Progress,
}

impl Projection for Quiet {
    type Prepared = (Prepared, usize);

    fn name(&self) -> &'static str {
        NAME
    }

    fn key(&self, item: &Item) -> Option<Vec<u8>> {
        self.inner.key(item)
    }

    async fn prepare(&self, items: &[Item]) -> Result<Self::Prepared, ApplyError> {
        if let Some(item) = items.iter().find(|item| self.parked.contains(&item.offset)) {
            let message = "it was parked before the rebuild";
            return Err(ApplyError::entry("parked-before", message, item.offset));
        }
        Ok((self.inner.prepare(items).await?, items.len()))
    }

    fn write(&self, tx: &mut Tx, (prepared, entries): Self::Prepared) -> Result<(), ApplyError> {
        self.inner.write(tx, prepared)?;
        tx.execute("DELETE FROM outbox", &[])?;
        self.progress.add(entries as u64);
        Ok(())
    }

    fn overflow(&self, tx: &mut Tx, key: &[u8]) -> Result<(), ApplyError> {
        self.inner.overflow(tx, key)
    }

    fn committed(&self, _: u32, _: i64) {
        crash::point("rebuild.replay.within");
    }
}

/// Applies to `deps.store` what lies between its own offsets and those of the old tables.
pub(super) async fn until(
    projection: &Dataplane,
    deps: &WorkerDeps,
    offsets: &Offsets,
    parked: &HashSet<(u32, i64)>,
    progress: &Progress,
    shutdown: &Shutdown,
) -> Result<(), RebuildError> {
    // Leases that were copied are of those who work on the old tables; these are nobody else's.
    deps.store.write(|tx| tx.execute("DELETE FROM lease", &[])).await?;
    for (partition, offset) in offsets {
        let quiet = Quiet {
            inner: projection.clone(),
            parked: parked.iter().filter(|it| it.0 == *partition).map(|it| it.1).collect(),
            progress: progress.clone(),
        };
        let config = WorkerConfig { tick_ms: 200, ..WorkerConfig::default() };
        let worker = Worker::new(Arc::new(quiet), deps.clone(), TOPIC, *partition, config);
        worker.until(*offset).run(shutdown).await?;
        if shutdown.is_cancelled() {
            return Err(RebuildError::Stopped);
        }
    }
    Ok(())
}
