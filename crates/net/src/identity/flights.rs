//! One lookup of a key at a time; others who want the same wait for it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Mutex as Turns, OwnedMutexGuard};

type Keys<K> = Arc<Mutex<HashMap<K, Arc<Turns<()>>>>>;

/// The keys being looked up. Holds as many as there are callers.
#[derive(Debug)]
pub(super) struct Flights<K> {
    keys: Keys<K>,
}

/// The turn of one caller for one key.
pub(super) struct Flight<K: Eq + Hash> {
    keys: Keys<K>,
    key: K,
    turns: Arc<Turns<()>>,
    turn: Option<OwnedMutexGuard<()>>,
}

impl<K: Eq + Hash + Clone> Flights<K> {
    pub(super) fn new() -> Self {
        Self { keys: Arc::default() }
    }

    /// Waits until nobody else looks `key` up.
    pub(super) async fn enter(&self, key: &K) -> Flight<K> {
        let turns = Arc::clone(self.keys.lock().entry(key.clone()).or_default());
        // Made before the wait, so that a caller who gives up waiting tidies up too.
        let mut flight =
            Flight { keys: Arc::clone(&self.keys), key: key.clone(), turns, turn: None };
        flight.turn = Some(Arc::clone(&flight.turns).lock_owned().await);
        flight
    }
}

impl<K: Eq + Hash> Drop for Flight<K> {
    fn drop(&mut self) {
        self.turn = None;
        let mut keys = self.keys.lock();
        // The map's and this one: nobody waits.
        if Arc::strong_count(&self.turns) == 2 {
            keys.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn callers_of_one_key_take_turns_and_leave_nothing() {
        let flights = Flights::new();
        let first = flights.enter(&"a").await;
        let _other = flights.enter(&"b").await;
        let mut second = Box::pin(flights.enter(&"a"));
        let mut third = Box::pin(flights.enter(&"a"));
        assert!(futures_util::poll!(&mut second).is_pending());
        assert!(futures_util::poll!(&mut third).is_pending());
        drop(first);
        let second = second.await;
        drop(second);
        // Given up while its turn was due.
        drop(third);
        assert_eq!(flights.keys.lock().len(), 1);
    }
}
