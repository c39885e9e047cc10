//! How many repositories are fetched from one host at once, for hosts that are known only when the
//! DID document is.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Hosts being asked. As many as there are fetches, at most.
#[derive(Debug)]
pub(super) struct Hosts {
    busy: Mutex<HashMap<String, Arc<Semaphore>>>,
    at_once_max: usize,
}

impl Hosts {
    pub(super) fn new(at_once_max: usize) -> Self {
        Self { busy: Mutex::default(), at_once_max }
    }

    /// Waits for a turn at `host`; it lasts until the permit is dropped.
    pub(super) async fn turn(&self, host: &str) -> Option<OwnedSemaphorePermit> {
        let turns = {
            let mut busy = self.busy.lock();
            busy.retain(|_, turns| Arc::strong_count(turns) > 1);
            let turns = busy
                .entry(host.to_owned())
                .or_insert_with(|| Arc::new(Semaphore::new(self.at_once_max)));
            Arc::clone(turns)
        };
        turns.acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_host_is_asked_so_often_at_once_and_forgotten_afterwards() {
        let hosts = Hosts::new(2);
        let first = hosts.turn("https://a.test").await;
        let second = hosts.turn("https://a.test").await;
        assert!(first.is_some() && second.is_some());
        let mut third = Box::pin(hosts.turn("https://a.test"));
        assert!(futures_util::poll!(&mut third).is_pending());
        assert!(hosts.turn("https://b.test").await.is_some(), "another host is not kept waiting");
        drop(first);
        drop(third.await);
        drop(second);
        drop(hosts.turn("https://b.test").await);
        assert_eq!(hosts.busy.lock().len(), 1);
    }
}
