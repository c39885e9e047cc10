//! Accounts that somebody looks at who reads here: what is missing of them is fetched before everything
//! else. Asking never waits; what there is no room for is let go, and comes again with the next look.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use millrace_atproto::Did;
use millrace_store::{Store, StoreError};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use crate::error::IngestError;
use crate::lane::{LaneMsg, Wish};
use crate::model::{AccountState, SyncState};
use crate::resync::ResyncDeps;
use crate::tables::accounts;
use crate::tables::scope::OUT_OF_SCOPE;

/// Accounts that wait to be judged.
const WAITING_MAX: usize = 1_000;
/// Accounts told of at once.
pub const LOOKED_AT_MAX: usize = 100;
/// Accounts judged at once: of those never heard of, the directory is asked.
const AT_ONCE_MAX: usize = 4;
/// An account that is not followed, and was fetched because somebody looked at it, is not fetched again
/// within this time.
const STRANGER_REST_US: i64 = 3_600_000_000;

/// Accounts that were looked at, each once, in order.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    waiting: Mutex<Waiting>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    order: VecDeque<Did>,
    known: HashSet<Did>,
}

impl Looked {
    /// Somebody looks at these; how many of them there was no room for.
    pub(crate) fn note(&self, dids: Vec<Did>) -> usize {
        let mut waiting = self.waiting.lock();
        let mut refused = 0;
        for did in dids {
            if waiting.known.contains(did.as_str()) {
                continue;
            }
            if waiting.order.len() >= WAITING_MAX {
                refused += 1;
                continue;
            }
            waiting.known.insert(did.clone());
            waiting.order.push_back(did);
            self.news.notify_one();
        }
        refused
    }

    fn next(&self) -> Option<Did> {
        let mut waiting = self.waiting.lock();
        let did = waiting.order.pop_front()?;
        waiting.known.remove(did.as_str());
        Some(did)
    }

    /// Sees what is missing, and wishes for it. Runs until it is dropped.
    pub(crate) async fn run(self: Arc<Self>, deps: ResyncDeps) -> Result<(), IngestError> {
        let workers = (0..AT_ONCE_MAX).map(|_| self.work(&deps));
        futures_util::future::try_join_all(workers).await.map(drop)
    }

    async fn work(&self, deps: &ResyncDeps) -> Result<(), IngestError> {
        loop {
            match self.next() {
                Some(did) => {
                    let result = judge(deps, &did).await;
                    deps.metrics.looked_at.with(&[result]).inc();
                }
                None => self.news.notified().await,
            }
        }
    }
}

/// What becomes of it, as the metric's label.
async fn judge(deps: &ResyncDeps, did: &Did) -> &'static str {
    let known = match load(&deps.store, did).await {
        Ok(known) => known,
        Err(error) => {
            tracing::debug!(%error, "what is looked at cannot be judged now");
            return "unknown";
        }
    };
    match &known {
        Some(account) if !is_missing(account, deps.clock.now_us()) => return "here",
        Some(_) => {}
        // Anybody can name an account that does not exist: only one that has a host gets a row.
        None => match deps.resolver.identity(did).await {
            Ok(identity) if identity.pds.is_some() => {}
            _ => return "unknown",
        },
    }
    // What is lost with the process comes with the next look: nobody waits until it is on disk.
    let (saved, _) = oneshot::channel();
    let want = LaneMsg::Want { did: did.clone(), wish: Wish::Looked, saved };
    let _ = deps.lanes.send(want);
    "wanted"
}

async fn load(store: &Store, did: &Did) -> Result<Option<AccountState>, StoreError> {
    let did = did.clone();
    store.read(move |tx| accounts::load(tx, &did)).await
}

/// Whether something of it can be had that is not here, and is not being had already.
fn is_missing(account: &AccountState, now_us: i64) -> bool {
    let rests = account.error.as_deref() == Some(OUT_OF_SCOPE)
        && account.rev.is_some()
        && now_us.saturating_sub(account.updated_us) < STRANGER_REST_US;
    let fails = account.next_try_us.is_some_and(|due_us| due_us > now_us);
    let missing = matches!(account.sync_state, SyncState::Partial | SyncState::Desynchronized);
    account.active && missing && !rests && !fails
}

#[cfg(test)]
mod tests {
    use super::*;

    fn did(name: &str) -> Did {
        Did::parse(&format!("did:plc:{name}")).expect("a DID")
    }

    #[test]
    fn an_account_waits_once_and_there_is_room_for_so_many() {
        let looked = Looked::default();
        assert_eq!(looked.note(vec![did("a"), did("b"), did("a")]), 0);
        assert_eq!(looked.next(), Some(did("a")));
        assert_eq!(looked.note(vec![did("a"), did("b")]), 0);
        assert_eq!((looked.next(), looked.next()), (Some(did("b")), Some(did("a"))));
        assert_eq!(looked.next(), None);
        let many = (0..WAITING_MAX + 3).map(|n| did(&n.to_string())).collect();
        assert_eq!(looked.note(many), 3);
    }

    #[test]
    fn only_what_is_missing_and_can_be_had_is_wanted() {
        let now_us = 10 * STRANGER_REST_US;
        let check = |state: SyncState, change: fn(&mut AccountState), expected: bool| {
            let unknown = AccountState::unknown(did("a"), 0);
            let mut account = AccountState { sync_state: state, ..unknown };
            change(&mut account);
            assert_eq!(is_missing(&account, now_us), expected, "{account:?}");
        };
        check(SyncState::Partial, |_| (), true);
        check(SyncState::Desynchronized, |_| (), true);
        for here in [SyncState::Complete, SyncState::InProgress, SyncState::Gone] {
            check(here, |_| (), false);
        }
        check(SyncState::Partial, |account| account.active = false, false);
        let later = |account: &mut AccountState| account.next_try_us = Some(i64::MAX);
        check(SyncState::Desynchronized, later, false);
        check(SyncState::Desynchronized, |account| account.next_try_us = Some(1), true);
        let fetched = |account: &mut AccountState| {
            account.error = Some(OUT_OF_SCOPE.to_owned());
            account.rev = Some(millrace_atproto::Tid::from_time(1_000, 0));
            account.updated_us = 9 * STRANGER_REST_US + 1;
        };
        check(SyncState::Partial, fetched, false);
    }
}
