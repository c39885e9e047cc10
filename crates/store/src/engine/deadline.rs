//! The moment at which a question is given up. Shared between the thread that asks and the
//! callback with which SQLite asks back while it works.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::{Domain, StoreError};

/// No limit.
const NEVER: u64 = u64::MAX;

#[derive(Debug, Clone)]
pub(crate) struct Deadline {
    base: Instant,
    at_us: Arc<AtomicU64>,
    limit_ms: Arc<AtomicU64>,
}

impl Deadline {
    pub(crate) fn new() -> Deadline {
        Deadline {
            base: Instant::now(),
            at_us: Arc::new(AtomicU64::new(NEVER)),
            limit_ms: Arc::new(AtomicU64::new(NEVER)),
        }
    }

    /// The question that starts now has `limit`.
    pub(crate) fn start(&self, limit: Duration) {
        let at = self.elapsed_us().saturating_add(micros(limit));
        self.limit_ms.store(micros(limit) / 1_000, Ordering::Relaxed);
        self.at_us.store(at, Ordering::Relaxed);
    }

    /// No question runs.
    pub(crate) fn clear(&self) {
        self.at_us.store(NEVER, Ordering::Relaxed);
    }

    pub(crate) fn passed(&self) -> bool {
        let at_us = self.at_us.load(Ordering::Relaxed);
        at_us != NEVER && self.elapsed_us() >= at_us
    }

    /// What the asker is told when the time is over.
    pub(crate) fn error(&self, domain: Domain) -> StoreError {
        StoreError::Timeout { domain, limit_ms: self.limit_ms.load(Ordering::Relaxed) }
    }

    fn elapsed_us(&self) -> u64 {
        micros(self.base.elapsed())
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(NEVER - 1)
}
