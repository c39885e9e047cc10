//! How far a long task has come, for whoever watches: the task writes, others read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// Shared by a task and those who watch it.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    phase: Mutex<String>,
    done: AtomicU64,
    total: AtomicU64,
    drift: AtomicU64,
}

/// A moment of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressSeen {
    /// What is being done, in a few words.
    pub phase: String,
    /// Rows or entries done in this phase …
    pub done: u64,
    /// … of so many; 0 where that is not known.
    pub total: u64,
    /// Drift found so far.
    pub drift: u64,
}

impl Progress {
    /// A phase begins.
    pub fn enter(&self, phase: &str) {
        phase.clone_into(&mut self.inner.phase.lock());
        self.inner.done.store(0, Ordering::Relaxed);
        self.inner.total.store(0, Ordering::Relaxed);
    }

    /// How much the phase has to do.
    pub fn expect(&self, total: u64) {
        self.inner.total.store(total, Ordering::Relaxed);
    }

    /// So much more is done.
    pub fn add(&self, done: u64) {
        self.inner.done.fetch_add(done, Ordering::Relaxed);
    }

    pub(crate) fn drift(&self, drift: u64) {
        self.inner.drift.store(drift, Ordering::Relaxed);
    }

    /// Where it stands now.
    pub fn seen(&self) -> ProgressSeen {
        ProgressSeen {
            phase: self.inner.phase.lock().clone(),
            done: self.inner.done.load(Ordering::Relaxed),
            total: self.inner.total.load(Ordering::Relaxed),
            drift: self.inner.drift.load(Ordering::Relaxed),
        }
    }
}
