//! Holds: whoever reads a part of the log once, beside its consumers, keeps retention from it meanwhile.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::{Retention, Topic};

/// Everything of a topic from some offsets on stays until this is dropped.
#[derive(Debug)]
pub struct Hold {
    number: u64,
    holds: Holds,
}

/// Those of one log in this process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Holds(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    next: u64,
    held: HashMap<u64, (Topic, Vec<i64>)>,
}

impl Holds {
    pub(crate) fn add(&self, topic: Topic, offsets: Vec<i64>) -> Hold {
        let mut state = self.0.lock();
        let number = state.next;
        state.next += 1;
        state.held.insert(number, (topic, offsets));
        Hold { number, holds: self.clone() }
    }

    /// `retention` with floors that no hold is below.
    pub(crate) fn bound(&self, topic: Topic, retention: &Retention) -> Retention {
        let mut bound = retention.clone();
        for (_, offsets) in self.0.lock().held.values().filter(|held| held.0 == topic) {
            for (floor, held) in bound.floors.iter_mut().zip(offsets) {
                *floor = (*floor).min(*held);
            }
        }
        bound
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.holds.0.lock().held.remove(&self.number);
    }
}
