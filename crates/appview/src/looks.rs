//! Whom accounts look at that read here is told to ingest, which fetches what is missing of them. Once an
//! hour for each, however many look; an answer never waits for it.

use std::collections::HashMap;
use std::sync::Arc;

use millrace_atproto::Did;
use millrace_ingest::{Client, LookedAt};
use millrace_runtime::supervise::spawn_detached_named;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

/// Accounts remembered as told; with more, some are told again.
const LOOKS_MAX: usize = 65_536;
/// An account is told of again after this time.
const AGAIN_US: i64 = 3_600_000_000;
/// Questions under way to another process; what there is no room for is told with the next look.
const UNDER_WAY_MAX: usize = 4;

/// When each account is to be told of again.
pub(crate) struct Looks {
    due: Mutex<HashMap<Did, i64>>,
    under_way: Arc<Semaphore>,
    ingest: Client,
}

impl Looks {
    pub(crate) fn new(ingest: Client) -> Self {
        let under_way = Arc::new(Semaphore::new(UNDER_WAY_MAX));
        Self { due: Mutex::default(), under_way, ingest }
    }

    /// Somebody looks at `did` now.
    pub(crate) fn note(&self, did: &Did, now_us: i64) {
        if !self.is_due(did, now_us) {
            return;
        }
        let looked = LookedAt { dids: vec![did.clone()] };
        let Ok(permit) = Arc::clone(&self.under_way).try_acquire_owned() else {
            self.due.lock().remove(did.as_str());
            return;
        };
        let ingest = self.ingest.clone();
        // Nobody waits for it: it is bounded above, and by the client's own time.
        drop(spawn_detached_named("appview.looked_at", async move {
            if let Err(error) = ingest.looked_at(looked).await {
                tracing::debug!(%error, "who is looked at cannot be told now");
            }
            drop(permit);
        }));
    }

    /// Whether it is to be told; it then counts as told.
    fn is_due(&self, did: &Did, now_us: i64) -> bool {
        let mut due = self.due.lock();
        if due.get(did.as_str()).is_some_and(|due_us| *due_us > now_us) {
            return false;
        }
        if due.len() >= LOOKS_MAX {
            due.retain(|_, due_us| *due_us > now_us);
            if due.len() >= LOOKS_MAX {
                due.clear();
            }
        }
        due.insert(did.clone(), now_us.saturating_add(AGAIN_US));
        true
    }
}
