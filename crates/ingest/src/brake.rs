//! The brake: while it is on, nothing is read from outside. Sources disconnect with their cursors kept
//! and connect again when it is let go; what was read before is finished.

use std::sync::Arc;

use tokio::sync::watch;

/// Shared by all that reads from outside. Clones are the same brake.
#[derive(Debug, Clone)]
pub(crate) struct Brake(Arc<watch::Sender<Option<String>>>);

impl Default for Brake {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Brake {
    /// Puts it on, or lets it go; `why` is told to whoever asks.
    pub(crate) fn set(&self, why: Option<String>) {
        self.0.send_if_modified(|now| {
            let changed = *now != why;
            *now = why;
            changed
        });
    }

    /// Why nothing is read, if so.
    pub(crate) fn why(&self) -> Option<String> {
        self.0.borrow().clone()
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Returns once it is on.
    pub(crate) async fn on(&self) {
        self.until(true).await;
    }

    /// Returns once it is off.
    pub(crate) async fn off(&self) {
        self.until(false).await;
    }

    async fn until(&self, on: bool) {
        // The sender lives as long as `self`.
        let _ = self.0.subscribe().wait_for(|now| now.is_some() == on).await;
    }
}
