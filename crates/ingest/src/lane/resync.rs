//! An account whose repository is fetched whole: the barrier before which its live events wait, and
//! what happens when it is lifted.

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::account::{Cause, DELETED};
use super::scope::leave;
use super::slot::{Phase, Slot, Wait, Waiting};
use super::{Begun, Lane, ResyncOutcome, Wish};
use crate::append::{Change, Item};
use crate::model::{AccountState, SyncState};

/// By how much what somebody looks at goes before what was due as soon.
const LOOKED_AHEAD_US: i64 = 24 * 3_600_000_000;

impl Lane {
    /// Somebody wants the repository.
    pub(super) fn want(&mut self, slot: &mut Slot, wish: Wish, saved: oneshot::Sender<()>) {
        if !wish.is_of_strangers() && !self.is_followed(slot) {
            self.send(slot, Item { saved: Some(saved), ..Item::default() });
            return;
        }
        let now_us = self.deps.clock.now_us();
        let mut changes = Vec::new();
        if slot.account.is_none() {
            slot.account(now_us);
            changes.push(Change::IdentityWanted(slot.did.clone(), now_us));
        }
        let fetching = is_fetching(slot);
        let account = slot.account(now_us);
        if !fetching && account.active && wish.is_due(account, now_us) {
            account.next_try_us = Some(wish.due_us(now_us));
            account.updated_us = now_us;
            if wish.is_anew() {
                account.attempts = 0;
            }
        }
        let account = self.row(slot);
        self.send(slot, Item { account, changes, saved: Some(saved), ..Item::default() });
    }

    /// The scheduler has found the account due: live events wait from here on.
    pub(super) fn begin_resync(&mut self, slot: &mut Slot, reply: oneshot::Sender<Option<Begun>>) {
        let now_us = self.deps.clock.now_us();
        if slot.marked.is_some() && !is_fetching(slot) {
            // It waits for a key or a status. Its row is due later, so that the scheduler does not
            // ask all the time.
            slot.marked = Some(SyncState::Desynchronized);
            self.save(slot, Vec::new());
        }
        let open = matches!(slot.phase, Phase::Open);
        let Some(account) = slot.account.as_mut().filter(|_| open) else {
            // Nobody may be waiting for the answer: the run is ending.
            let _ = reply.send(None);
            return;
        };
        if !account.active || account.sync_state == SyncState::Gone {
            account.next_try_us = None;
            self.save(slot, Vec::new());
            let _ = reply.send(None);
            return;
        }
        if account.next_try_us.is_none_or(|due_us| due_us > now_us) || self.put_off(slot) {
            let _ = reply.send(None);
            return;
        }
        let account = slot.account(now_us);
        let intact = match account.sync_state {
            whole @ (SyncState::Complete | SyncState::Partial) => Some(whole),
            SyncState::Desynchronized | SyncState::InProgress | SyncState::Gone => None,
        };
        let rev = account.rev;
        self.attempts += 1;
        let attempt = self.attempts;
        self.wait_for(slot, Wait::Repo { attempt, intact, lossy: false }, None);
        self.mark(slot, SyncState::InProgress, None, Vec::new());
        let _ = reply.send(Some(Begun { attempt, rev }));
    }

    /// A part of the repository, unless it is not wanted any more.
    pub(super) fn chunk(
        &mut self,
        slot: &mut Slot,
        attempt: u64,
        entry: Bytes,
        (permit, room): (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>),
    ) {
        if fetching(slot, attempt).is_some() {
            let entry = Some((slot.did.clone(), entry));
            self.send(slot, Item { entry, permit: Some(permit), room, ..Item::default() });
        }
    }

    /// Fetching ended: the events that waited are judged.
    pub(super) fn end_resync(&mut self, slot: &mut Slot, attempt: u64, outcome: ResyncOutcome) {
        let Some((intact, lossy)) = fetching(slot, attempt) else { return };
        let now_us = self.deps.clock.now_us();
        match outcome {
            ResyncOutcome::Fetched { chain, pds, is_labeler } => {
                if is_labeler {
                    let changes = vec![Change::LabelerDeclared(slot.did.clone(), true)];
                    self.send(slot, Item { changes, ..Item::default() });
                }
                let account = slot.account(now_us);
                account.sync_state = SyncState::Complete;
                account.rev = Some(chain.rev);
                account.data = Some(chain.data);
                account.pds = pds.or_else(|| account.pds.take());
                account.attempts = 0;
                account.next_try_us = None;
                account.error = None;
                account.updated_us = now_us;
                slot.fetched_us = Some(now_us);
                (slot.told, slot.ahead) = (None, None);
                if !self.is_followed(slot) {
                    // It was asked for all the same, or went while it was fetched.
                    leave(slot, now_us);
                } else if lossy {
                    self.desynchronize(slot, "held_overflow", Vec::new());
                }
                self.drain(slot);
            }
            ResyncOutcome::Failed { error, retry_us } => {
                let account = slot.account(now_us);
                account.attempts = account.attempts.saturating_add(1);
                account.next_try_us = Some(retry_us);
                account.error = Some(error);
                account.updated_us = now_us;
                // Where the chain is broken its commits are skipped: the row says that they must be
                // fetched. What was said of the account's status is no part of its repository.
                let state = intact.filter(|_| !lossy);
                account.sync_state = state.unwrap_or(SyncState::Desynchronized);
                slot.marked = Some(SyncState::Desynchronized);
                if !self.is_followed(slot) {
                    leave(slot, now_us);
                }
                self.drain(slot);
            }
            ResyncOutcome::Inactive { status } => {
                let account = slot.account(now_us);
                account.next_try_us = None;
                account.sync_state = intact.filter(|_| !lossy).unwrap_or(SyncState::Desynchronized);
                let deleted = status == DELETED;
                let cause = Cause::told("getRepo".to_owned());
                slot.status_asked_us = Some(now_us);
                self.set_status(slot, false, Some(status), None, cause);
                if !deleted {
                    self.drain(slot);
                }
            }
        }
    }
}

impl Wish {
    /// Whether it is also of accounts that are not followed.
    fn is_of_strangers(self) -> bool {
        matches!(self, Self::Forced | Self::Looked | Self::Backfill { named: true, .. })
    }

    /// Whether there is anything to do for it.
    fn is_due(self, account: &AccountState, now_us: i64) -> bool {
        let missing = !matches!(account.sync_state, SyncState::Complete | SyncState::Gone);
        match self {
            Self::Forced => true,
            Self::Backfill { again, .. } => {
                missing || (again && account.sync_state != SyncState::Gone)
            }
            Self::Configured => missing,
            // What failed lately is tried again when it is due.
            Self::Looked => missing && account.next_try_us.is_none_or(|due_us| due_us <= now_us),
        }
    }

    /// Whether failures before it do not count.
    fn is_anew(self) -> bool {
        matches!(self, Self::Forced | Self::Backfill { .. })
    }

    /// Those longest due are fetched first.
    fn due_us(self, now_us: i64) -> i64 {
        match self {
            Self::Looked => now_us.saturating_sub(LOOKED_AHEAD_US),
            _ => now_us,
        }
    }
}

pub(super) fn is_fetching(slot: &Slot) -> bool {
    matches!(&slot.phase, Phase::Waiting(Waiting { wait: Wait::Repo { .. }, .. }))
}

/// If the account is being fetched by this attempt: whether its chain is whole, and whether held
/// events were lost.
fn fetching(slot: &Slot, attempt: u64) -> Option<(Option<SyncState>, bool)> {
    match &slot.phase {
        Phase::Waiting(Waiting { wait: Wait::Repo { attempt: mine, intact, lossy }, .. })
            if *mine == attempt =>
        {
            Some((*intact, *lossy))
        }
        _ => None,
    }
}
