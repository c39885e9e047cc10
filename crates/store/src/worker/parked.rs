//! Parked entries, tried again through the same projection when their time has come: the one retry
//! system. Only the head of a key is tried; when it is applied, the next of its key follows.

use std::sync::Arc;

use millrace_log::Item;
use millrace_runtime::supervise::Shutdown;

use super::{ApplyError, Projection, Worker};
use crate::parked::{self, Parked};
use crate::{Fault, StoreError};

/// Parked entries tried at one tick.
const RETRIES_PER_TICK: usize = 256;

impl<P: Projection> Worker<P> {
    pub(super) async fn retry_parked(&mut self, shutdown: &Shutdown) -> Result<(), ApplyError> {
        let (name, topic, partition) = (self.projection.name(), self.topic, self.partition);
        for _ in 0..RETRIES_PER_TICK {
            let now_us = self.clock.now_us();
            let due: Result<_, StoreError> =
                self.store.read(move |tx| parked::due(tx, name, topic, partition, now_us)).await;
            let Some(head) = due?.filter(|_| !shutdown.is_cancelled()) else {
                break;
            };
            if let Err(error) = self.apply_parked(&head).await {
                if error.fault() != Fault::Park {
                    return Err(error);
                }
                self.park_again(&head, &error).await?;
            }
        }
        Ok(())
    }

    async fn apply_parked(&self, head: &Parked) -> Result<(), ApplyError> {
        let item = Item {
            offset: head.offset,
            appended_us: head.appended_us,
            payload: head.entry.clone().into(),
            headers: head.headers.clone(),
        };
        let prepared = self.prepare(&[item]).await?;
        let (projection, id) = (Arc::clone(&self.projection), head.id);
        self.store
            .write(move |tx| {
                projection.write(tx, prepared)?;
                // Removing it wakes the next of its key.
                parked::discard(tx, id).map_err(ApplyError::from)
            })
            .await?;
        tracing::info!(
            projection = self.projection.name(),
            offset = head.offset,
            "parked entry applied"
        );
        self.metrics.entries.inc();
        Ok(())
    }

    async fn park_again(&self, head: &Parked, error: &ApplyError) -> Result<(), ApplyError> {
        let attempts = u32::try_from(head.attempts).unwrap_or(u32::MAX);
        let pause_us = self.parked_pause_us(attempts);
        let next_us = (attempts < self.config.parked_attempts_max)
            .then(|| self.clock.now_us().saturating_add(pause_us));
        let (id, reason, message) = (head.id, error.reason(), error.to_string());
        self.store
            .write(move |tx| parked::failed_again(tx, id, reason, &message, next_us))
            .await
            .map_err(|error: StoreError| error)?;
        Ok(())
    }

    /// Pause before a parked entry is tried again, after so many attempts.
    pub(super) fn parked_pause_us(&self, attempts: u32) -> i64 {
        let factor = 4_u64.checked_pow(attempts).unwrap_or(u64::MAX);
        let pause_ms = self.config.parked_retry_base_ms.saturating_mul(factor);
        let pause_ms = pause_ms.min(self.config.parked_retry_max_ms);
        i64::try_from(pause_ms.saturating_mul(1_000)).unwrap_or(i64::MAX)
    }

    /// Learns which keys are barred: an operator may have discarded what barred them.
    pub(super) async fn load_barriers(&mut self) -> Result<(), ApplyError> {
        let (name, topic, partition) = (self.projection.name(), self.topic, self.partition);
        let limit = self.config.parked_max.saturating_add(1);
        let (keys, parked): (Vec<Vec<u8>>, i64) = self
            .store
            .read(move |tx| {
                let keys = parked::barrier_keys(tx, name, topic, partition, limit)?;
                Ok::<_, StoreError>((keys, parked::count(tx, name, topic, partition)?))
            })
            .await?;
        self.barred = keys.into_iter().collect();
        self.metrics.parked_now.set(parked);
        Ok(())
    }
}
