//! A lane's accounts, bounded: the recently used and those that must not be forgotten.
//!
//! Two generations: what is used moves to the young one; when that is full it becomes the old one,
//! and of the old one only what cannot be read back from the store is kept.

use std::collections::HashMap;

use millrace_atproto::Did;

use super::slot::Slot;

/// Accounts by DID.
pub(super) struct Slots {
    young: HashMap<Did, Box<Slot>>,
    old: HashMap<Did, Box<Slot>>,
    generation_max: usize,
}

impl Slots {
    /// At most about `slots_max` idle accounts.
    pub(super) fn new(slots_max: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), generation_max: (slots_max / 2).max(1) }
    }

    /// Takes an account out; it must be put back.
    pub(super) fn take(&mut self, did: &Did) -> Box<Slot> {
        self.young
            .remove(did.as_str())
            .or_else(|| self.old.remove(did.as_str()))
            .unwrap_or_else(|| Box::new(Slot::new(did.clone())))
    }

    /// Puts an account back.
    pub(super) fn put(&mut self, slot: Box<Slot>) {
        self.young.insert(slot.did.clone(), slot);
        if self.young.len() > self.generation_max {
            let forgotten = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
            self.young.extend(forgotten.into_iter().filter(|(_, slot)| !slot.is_idle()));
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::slot::Phase;

    fn did(n: usize) -> Did {
        Did::parse(&format!("did:plc:{n}")).expect("a DID")
    }

    #[test]
    fn idle_accounts_are_forgotten_and_busy_ones_are_not() {
        let mut slots = Slots::new(20);
        let mut busy = slots.take(&did(0));
        busy.phase = Phase::Open;
        let in_flight = std::sync::Arc::clone(&busy.pin);
        slots.put(busy);
        for n in 1..1_000 {
            let slot = slots.take(&did(n));
            slots.put(slot);
        }
        assert!(slots.len() <= 22, "{}", slots.len());
        let kept = slots.take(&did(0));
        assert!(std::sync::Arc::ptr_eq(&kept.pin, &in_flight));
        drop(in_flight);
        slots.put(kept);
        for n in 1_000..2_000 {
            let slot = slots.take(&did(n));
            slots.put(slot);
        }
        assert!(matches!(slots.take(&did(0)).phase, Phase::New), "forgotten once it is idle");
    }

    #[test]
    fn an_account_in_use_stays() {
        let mut slots = Slots::new(20);
        let mut used = slots.take(&did(0));
        used.phase = Phase::Open;
        slots.put(used);
        for n in 1..500 {
            let slot = slots.take(&did(n));
            slots.put(slot);
            let used = slots.take(&did(0));
            assert!(matches!(used.phase, Phase::Open));
            slots.put(used);
        }
    }
}
