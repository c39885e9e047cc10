//! What the scheduler says of accounts that a backfill waits for. Only a remark beside the accounts' own
//! rows, which decide; it is lost with the process.

use std::collections::HashMap;

use millrace_atproto::Did;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// What became of a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Fetched {
        records: u64,
        bytes: u64,
    },
    /// By the metric's label.
    Failed(&'static str),
}

/// The last word on each account that is waited for. Bounded by how many are.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    awaited: Mutex<HashMap<Did, Option<Outcome>>>,
    /// Woken when there is something to settle, or to begin.
    pub(crate) news: Notify,
}

impl Tally {
    /// This account is waited for from now on.
    pub(crate) fn await_one(&self, did: &Did) {
        self.awaited.lock().insert(did.clone(), None);
    }

    /// It was fetched, or not.
    pub(crate) fn report(&self, did: &Did, outcome: Outcome) {
        if let Some(known) = self.awaited.lock().get_mut(did.as_str()) {
            *known = Some(outcome);
            self.news.notify_one();
        }
    }

    pub(crate) fn last(&self, did: &Did) -> Option<Outcome> {
        self.awaited.lock().get(did.as_str()).copied().flatten()
    }

    /// Nobody waits for it any more.
    pub(crate) fn forget(&self, did: &Did) {
        self.awaited.lock().remove(did.as_str());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_awaited_is_kept() {
        let (tally, did) = (Tally::default(), Did::parse("did:plc:abc").expect("a DID"));
        tally.report(&did, Outcome::Failed("host"));
        assert_eq!(tally.last(&did), None);
        tally.await_one(&did);
        assert_eq!(tally.last(&did), None);
        tally.report(&did, Outcome::Failed("host"));
        let fetched = Outcome::Fetched { records: 3, bytes: 4 };
        tally.report(&did, fetched);
        assert_eq!(tally.last(&did), Some(fetched));
        tally.forget(&did);
        assert_eq!((tally.last(&did), tally.awaited.lock().len()), (None, 0));
    }
}
