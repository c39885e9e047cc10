//! What was told of already: the decision whether an alert is posted, pure and bounded.

use std::collections::HashMap;

use super::Kind;

/// Alerts that are remembered; the one longest not heard of is forgotten for another.
const REMEMBERED_MAX: usize = 512;

/// Alerts by kind and subject.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    known: HashMap<(Kind, String), Known>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    told_us: i64,
    heard_us: i64,
    /// Raised since it was told, and not told.
    held: u64,
    active: bool,
    /// What is active was told.
    told: bool,
}

/// What to post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// It is posted; so often it was raised since it was last told.
    Now { times: u64 },
    /// It was told lately.
    Nothing,
    /// Of a resolution: nobody was told that it began.
    Unknown,
}

impl Ledger {
    pub(super) fn raise(
        &mut self,
        kind: Kind,
        subject: &str,
        now_us: i64,
        cooldown_us: i64,
    ) -> Told {
        if let Some(known) = self.known.get_mut(&(kind, subject.to_owned())) {
            known.heard_us = now_us;
            let was_active = std::mem::replace(&mut known.active, true);
            // A clock that went back must not silence anything.
            let since_us = now_us.saturating_sub(known.told_us);
            if (0..cooldown_us).contains(&since_us) {
                known.held += 1;
                known.told = known.told && was_active;
                return Told::Nothing;
            }
            let times = known.held + 1;
            (known.told_us, known.held, known.told) = (now_us, 0, true);
            return Told::Now { times };
        }
        if self.known.len() >= REMEMBERED_MAX {
            self.forget_oldest();
        }
        let known = Known { told_us: now_us, heard_us: now_us, held: 0, active: true, told: true };
        self.known.insert((kind, subject.to_owned()), known);
        Told::Now { times: 1 }
    }

    pub(super) fn resolve(&mut self, kind: Kind, subject: &str) -> Told {
        let Some(known) = self.known.get_mut(&(kind, subject.to_owned())) else {
            return Told::Unknown;
        };
        let was_told = std::mem::replace(&mut known.active, false) && known.told;
        known.told = false;
        if was_told { Told::Now { times: 1 } } else { Told::Unknown }
    }

    /// How many of a kind are not over.
    pub(super) fn active(&self, kind: Kind) -> i64 {
        let active = self.known.iter().filter(|((of, _), known)| *of == kind && known.active);
        i64::try_from(active.count()).unwrap_or(i64::MAX)
    }

    fn forget_oldest(&mut self) {
        let oldest = self.known.iter().min_by_key(|(_, known)| known.heard_us);
        if let Some(key) = oldest.map(|(key, _)| key.clone()) {
            self.known.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COOLDOWN_US: i64 = 100;

    #[test]
    fn the_same_is_told_once_within_its_cooldown_and_then_with_how_often() {
        let mut ledger = Ledger::default();
        let mut raise =
            |subject: &str, now_us| ledger.raise(Kind::SourceSilent, subject, now_us, COOLDOWN_US);
        assert_eq!(raise("relay", 0), Told::Now { times: 1 });
        assert_eq!(raise("relay", 1), Told::Nothing);
        assert_eq!(raise("other", 1), Told::Now { times: 1 });
        assert_eq!(raise("relay", 99), Told::Nothing);
        assert_eq!(raise("relay", 100), Told::Now { times: 3 });
        assert_eq!(raise("relay", 50), Told::Now { times: 1 });
    }

    #[test]
    fn an_end_is_told_where_the_beginning_was() {
        let mut ledger = Ledger::default();
        let kind = Kind::ApplyLag;
        assert_eq!(ledger.resolve(kind, "dataplane"), Told::Unknown);
        ledger.raise(kind, "dataplane", 0, COOLDOWN_US);
        assert_eq!(ledger.active(kind), 1);
        assert_eq!(ledger.resolve(kind, "dataplane"), Told::Now { times: 1 });
        assert_eq!(ledger.active(kind), 0);
        assert_eq!(ledger.resolve(kind, "dataplane"), Told::Unknown);
        // Raised again within the cooldown: not told, so its end is not told either.
        assert_eq!(ledger.raise(kind, "dataplane", 5, COOLDOWN_US), Told::Nothing);
        assert_eq!(ledger.resolve(kind, "dataplane"), Told::Unknown);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut ledger = Ledger::default();
        for n in 0..REMEMBERED_MAX as i64 + 50 {
            ledger.raise(Kind::TaskFailed, &n.to_string(), n, COOLDOWN_US);
        }
        assert_eq!(ledger.known.len(), REMEMBERED_MAX);
        assert!(ledger.known.contains_key(&(Kind::TaskFailed, "561".to_owned())));
        assert!(!ledger.known.contains_key(&(Kind::TaskFailed, "0".to_owned())));
    }
}
