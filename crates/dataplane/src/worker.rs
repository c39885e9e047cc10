//! The projection: what the store's worker loop calls with batches of `network.entries.v1`.

use std::sync::Arc;

use millrace_log::Item;
use millrace_store::dictionary::Dictionary;
use millrace_store::worker::{ApplyError, Projection};
use millrace_store::{StoreError, Tx};

use crate::apply::batch::{self, Batch};
use crate::apply::decode;
use crate::apply::ids::Names;
use crate::metrics::Metrics;

/// Applies network entries to the data-plane's tables.
#[derive(Clone)]
pub struct Dataplane {
    dictionary: Dictionary,
    metrics: Metrics,
    told: Told,
}

/// Told of a partition up to where it is applied.
pub type Told = Arc<dyn Fn(u32, i64) + Send + Sync>;

/// The projection's name in `projection_offset`, in metrics and on the command line.
pub const NAME: &str = "dataplane";

impl Dataplane {
    pub fn new(dictionary: Dictionary, metrics: Metrics) -> Self {
        Self { dictionary, metrics, told: Arc::new(|_, _| {}) }
    }

    /// Tells how far it has come, after each commit.
    #[must_use]
    pub fn telling(self, told: Told) -> Self {
        Self { told, ..self }
    }
}

impl Projection for Dataplane {
    type Prepared = Prepared;

    fn name(&self) -> &'static str {
        NAME
    }

    fn key(&self, item: &Item) -> Option<Vec<u8>> {
        millrace_atproto::entry::Entry::decode(&item.payload)
            .ok()
            .map(|entry| entry.header.did.as_str().as_bytes().to_vec())
    }

    fn trace(&self, item: &Item) -> Option<[u8; 16]> {
        millrace_atproto::entry::trace_of(&item.payload)
    }

    async fn prepare(&self, items: &[Item]) -> Result<Prepared, ApplyError> {
        let mut entries = Vec::with_capacity(items.len());
        let mut names = Names::default();
        for item in items {
            let mut dropped = |reason: &'static str| self.metrics.record_dropped(reason);
            let entry =
                decode::entry(&item.payload, item.appended_us, &mut dropped).map_err(|error| {
                    ApplyError::Entry {
                        code: "undecodable",
                        message: error.to_string(),
                        offset: Some(item.offset),
                    }
                })?;
            entry.names(&mut names);
            entries.push(entry);
        }
        let ids = names.allocate(&self.dictionary).await?;
        Ok(Prepared(Batch { entries, ids }))
    }

    fn write(&self, tx: &mut Tx, prepared: Prepared) -> Result<(), ApplyError> {
        let labels_dropped = batch::apply(tx, &prepared.0)?;
        (0..labels_dropped).for_each(|_| self.metrics.record_dropped("label_values"));
        self.metrics.applied(prepared.0.entries.len());
        Ok(())
    }

    fn committed(&self, partition: u32, next_offset: i64) {
        (self.told)(partition, next_offset);
    }

    fn overflow(&self, tx: &mut Tx, key: &[u8]) -> Result<(), ApplyError> {
        let did = String::from_utf8_lossy(key);
        tracing::warn!(%did, "too many entries are parked behind this account: it is fetched anew");
        Ok(crate::resync::want(tx, &did)?)
    }
}

/// A batch ready to be written.
pub struct Prepared(Batch);

/// Keeps workers out of the tables until the transaction ends. Where writers are several, a worker moves its
/// offset first in each of its transactions: holding the offsets' rows, this one sees all that workers have
/// written, and none writes until it is done.
pub(crate) fn keep_out(tx: &mut Tx) -> Result<(), StoreError> {
    tx.execute("UPDATE projection_offset SET next_offset = next_offset", &[]).map(drop)
}
