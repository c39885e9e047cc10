//! How far a consumer of the log has come: what `/ready` judges by, and what retention must not pass.

use millrace_log::{Log, Topic};
use millrace_store::{Store, StoreError, offsets};

use crate::failure::Failure;

/// A projection that reads a topic.
#[derive(Clone)]
pub(super) struct Consumer {
    pub(super) store: Store,
    pub(super) projection: &'static str,
    pub(super) topic: Topic,
}

impl Consumer {
    /// The first entry of each partition that it has yet to apply; of one it never began, the first of all.
    pub(super) async fn next_offsets(&self, partitions: u32) -> Result<Vec<i64>, StoreError> {
        let (projection, topic) = (self.projection, self.topic);
        self.store
            .read(move |tx| {
                let next =
                    |partition| Ok(offsets::load(tx, projection, topic, partition)?.unwrap_or(0));
                (0..partitions).map(next).collect()
            })
            .await
    }

    /// Entries it has yet to apply, over all partitions.
    pub(super) async fn lag(&self, log: &Log) -> Result<u64, Failure> {
        let partitions = log.partitions(self.topic);
        let next = self.next_offsets(partitions).await?;
        let mut lag = 0;
        for (partition, next) in (0..partitions).zip(next) {
            let tail = log.tail(self.topic, partition).await?;
            let oldest = log.oldest(self.topic, partition).await?;
            lag += u64::try_from(tail - next.max(oldest)).unwrap_or(0);
        }
        Ok(lag)
    }
}
