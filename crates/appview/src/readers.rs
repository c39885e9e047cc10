//! Who reads here is told to the data-plane, once an hour for each account: whom the network is
//! followed for, and for whom things are kept, depends on it. A request never fails because of it.

use std::collections::HashMap;

use millrace_atproto::Did;
use millrace_dataplane::Client;
use millrace_dataplane::interest::{NOTE_EVERY_US, NoteReader};
use parking_lot::Mutex;

/// Accounts remembered as told; with more, some are told again.
const READERS_MAX: usize = 65_536;
/// After a failure it is tried again this much later.
const RETRY_US: i64 = 60_000_000;

/// When each account is to be told of again.
#[derive(Debug, Default)]
pub(crate) struct Readers(Mutex<HashMap<Did, i64>>);

impl Readers {
    /// `did` reads now.
    pub(crate) async fn note(&self, dataplane: &Client, did: &Did, now_us: i64) {
        if !self.is_due(did, now_us) {
            return;
        }
        if let Err(error) = dataplane.command(NoteReader { actor: did.clone() }).await {
            tracing::debug!(%error, "who reads cannot be noted now");
            self.0.lock().insert(did.clone(), now_us.saturating_add(RETRY_US));
        }
    }

    /// Whether it is to be told; it then counts as told.
    fn is_due(&self, did: &Did, now_us: i64) -> bool {
        let mut due = self.0.lock();
        if due.get(did.as_str()).is_some_and(|due_us| *due_us > now_us) {
            return false;
        }
        if due.len() >= READERS_MAX {
            due.retain(|_, due_us| *due_us > now_us);
            if due.len() >= READERS_MAX {
                due.clear();
            }
        }
        due.insert(did.clone(), now_us.saturating_add(NOTE_EVERY_US));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_told_of_once_an_hour() {
        let readers = Readers::default();
        let did = Did::parse("did:plc:alice").expect("a DID");
        assert!(readers.is_due(&did, 10));
        assert!(!readers.is_due(&did, 11));
        assert!(!readers.is_due(&did, 9 + NOTE_EVERY_US));
        assert!(readers.is_due(&did, 10 + NOTE_EVERY_US));
        for n in 0..3 * READERS_MAX {
            readers.is_due(&Did::parse(&format!("did:plc:{n}")).expect("a DID"), 10);
        }
        assert!(readers.0.lock().len() <= READERS_MAX);
    }
}
