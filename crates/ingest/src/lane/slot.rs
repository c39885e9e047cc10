//! What a lane knows of one account, and what the account waits for.

use std::collections::VecDeque;
use std::sync::Arc;

use millrace_atproto::did_doc::Identity;
use millrace_atproto::sync::ChainState;
use millrace_atproto::{Did, Tid};

use super::ahead::Ahead;
use super::told::Told;
use super::{Event, LaneMsg};
use crate::model::{AccountState, SyncState};
use crate::progress::SourceState;

/// One account in memory.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) did: Did,
    /// Its row, as it is or soon will be saved; `None` if it was never seen.
    pub(super) account: Option<AccountState>,
    pub(super) phase: Phase,
    /// Set while events are held that the cursor has passed, or will pass: what the row says instead
    /// of the truth, so that a crash leads to a resync.
    pub(super) marked: Option<SyncState>,
    pub(super) keys: Keys,
    /// Its host is another than before, and is being asked for its status.
    pub(super) moved: bool,
    /// The log is known to have its status. After a crash it may have a later word than the row: what
    /// was decided on the way to the table, and is decided otherwise now.
    pub(super) status_logged: bool,
    /// When the account's host was last asked for its status.
    pub(super) status_asked_us: Option<i64>,
    /// When its repository was last fetched whole.
    pub(super) fetched_us: Option<i64>,
    /// The source that last told of its repository with proofs, in this run.
    pub(super) teller: Option<Arc<SourceState>>,
    /// A revision that the teller has yet to tell of.
    pub(super) ahead: Option<Ahead>,
    /// What sources without proofs told of, in this run.
    pub(super) told: Option<Box<Told>>,
    /// Cloned into each item: while one is on its way the row in memory is newer than the stored one.
    pub(super) pin: Arc<()>,
}

/// The account's identity, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) identity: Option<Arc<Identity>>,
    pub(super) fetched_us: i64,
    /// A look-up is under way.
    pub(super) asked: bool,
    /// The next look-up must not be answered from a cache.
    pub(super) stale: bool,
    /// When a hint last had, or will have, the handle looked at.
    pub(super) look_us: i64,
    /// When a bad signature last made us look again.
    pub(super) refreshed_us: Option<i64>,
}

/// What an account is doing.
#[derive(Debug)]
pub(super) enum Phase {
    /// Nothing is known yet; not even whether to ask.
    New,
    /// Its row is being read; messages wait.
    Loading(Vec<LaneMsg>),
    /// Events are judged as they come.
    Open,
    /// Events are held until an answer comes.
    Waiting(Waiting),
}

/// Events of one account behind a question.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) wait: Wait,
    pub(super) events: VecDeque<Event>,
    pub(super) bytes: usize,
    pub(super) since_us: i64,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// The signing key.
    Key,
    /// The status at its host.
    Status,
    /// The whole repository.
    Repo {
        attempt: u64,
        /// Whether the chain was whole when the fetch began, so that events may go on from it if the
        /// fetch fails.
        intact: Option<SyncState>,
        /// Held events had to be dropped: what is fetched is not enough.
        lossy: bool,
    },
}

impl Slot {
    pub(super) fn new(did: Did) -> Self {
        Self {
            did,
            account: None,
            phase: Phase::New,
            marked: None,
            keys: Keys::default(),
            moved: false,
            status_logged: false,
            status_asked_us: None,
            fetched_us: None,
            teller: None,
            ahead: None,
            told: None,
            pin: Arc::new(()),
        }
    }

    /// Whether forgetting it loses nothing: nothing waits, and what is stored is what is here.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::New | Phase::Open)
            && !self.keys.asked
            && !self.moved
            && Arc::strong_count(&self.pin) == 1
    }

    /// The account's row, made if it was never seen.
    pub(super) fn account(&mut self, now_us: i64) -> &mut AccountState {
        let did = &self.did;
        self.account.get_or_insert_with(|| AccountState::unknown(did.clone(), now_us))
    }

    /// The revision up to which it is in the log.
    pub(super) fn rev(&self) -> Option<Tid> {
        self.account.as_ref().and_then(|account| account.rev)
    }

    /// Where its chain of commits stands; none if the last commit came without proofs, and its tree is
    /// not known.
    pub(super) fn chain(&self) -> Option<ChainState> {
        let account = self.account.as_ref()?;
        Some(ChainState { rev: account.rev?, data: account.data? })
    }

    pub(super) fn sync_state(&self) -> Option<SyncState> {
        self.account.as_ref().map(|account| account.sync_state)
    }

    pub(super) fn active(&self) -> bool {
        self.account.as_ref().is_none_or(|account| account.active)
    }
}
