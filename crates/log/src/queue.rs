//! The door of an engine: appends are measured, and wait in order while the queue has no room for them.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Append, LogError, PAYLOAD_BYTES_MAX};

/// Bytes of appends that may wait to be durable. Fair, so that nobody is overtaken for ever.
pub(crate) struct Queue {
    room: Arc<Semaphore>,
    bytes_max: usize,
}

impl Queue {
    /// `bytes_max` is at most 1 GiB, so that bytes count as permits.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { room: Arc::new(Semaphore::new(bytes_max)), bytes_max }
    }

    /// Bytes of an append, or the bound it breaks.
    pub(crate) fn measure(&self, items: &[Append]) -> Result<usize, LogError> {
        let max = PAYLOAD_BYTES_MAX;
        if let Some(item) = items.iter().find(|item| item.payload.len() > max) {
            let bytes = item.payload.len();
            return Err(LogError::PayloadTooLarge { bytes, max });
        }
        let bytes: usize = items.iter().map(Append::cost).sum();
        let max = self.bytes_max;
        if bytes > max {
            return Err(LogError::BatchTooLarge { bytes, max });
        }
        Ok(bytes)
    }

    /// Waits until there is room; it is given back when the permit is dropped.
    pub(crate) async fn admit(&self, bytes: usize) -> Result<OwnedSemaphorePermit, LogError> {
        let permits = u32::try_from(bytes.min(self.bytes_max)).unwrap_or(u32::MAX);
        Arc::clone(&self.room).acquire_many_owned(permits).await.map_err(|_| LogError::Closed)
    }

    /// Refuses whoever waits and whoever comes.
    pub(crate) fn close(&self) {
        self.room.close();
    }
}
