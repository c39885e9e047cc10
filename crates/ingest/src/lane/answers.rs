//! Answers to what a lane asked: an account's row, its identity, its status.

use super::account::{Cause, DELETED};
use super::commit::ms_to_us;
use super::slot::{Phase, Slot, Wait, Waiting};
use super::{IdentityAnswer, Lane, StatusAnswer};
use crate::model::{AccountState, SyncState};
use crate::source::Kind;

impl Lane {
    /// The account's row was read.
    pub(super) fn loaded(&mut self, slot: &mut Slot, account: Option<Box<AccountState>>) {
        let Phase::Loading(waiting) = std::mem::replace(&mut slot.phase, Phase::Open) else {
            return;
        };
        slot.account = account.map(|account| *account);
        if let Some(account) = &mut slot.account
            && account.sync_state == SyncState::InProgress
        {
            // The process ended while it was being fetched; its row is due, so it will be again.
            account.sync_state = SyncState::Desynchronized;
        }
        for msg in waiting {
            self.step(slot, msg);
        }
    }

    /// The directory answered.
    pub(super) fn identity(&mut self, slot: &mut Slot, answer: IdentityAnswer) {
        let waiting = matches!(&slot.phase, Phase::Waiting(Waiting { wait: Wait::Key, .. }));
        if !matches!(answer, IdentityAnswer::Delayed(_)) {
            slot.keys.asked = false;
        }
        match answer {
            IdentityAnswer::Found(identity) => {
                slot.keys.fetched_us = self.deps.clock.now_us();
                self.moved(slot, identity.pds.as_ref());
                slot.keys.identity = Some(identity);
                if waiting && slot.keys.stale {
                    // Another hint came while we asked. Hints may come without end.
                    self.ask_key(slot);
                    self.delayed(slot, "announced anew again and again");
                } else if waiting {
                    self.drain(slot);
                }
            }
            IdentityAnswer::Tombstoned => self.tombstoned(slot),
            IdentityAnswer::Unknown(reason) => {
                slot.keys.identity = None;
                if waiting {
                    self.without_identity(slot, &reason);
                }
            }
            IdentityAnswer::Delayed(reason) => self.delayed(slot, &reason),
        }
    }

    /// The directory, or a host, does not answer. After a while the row says that the repository must
    /// be fetched, so that the cursor may pass the events that wait here.
    fn delayed(&mut self, slot: &mut Slot, reason: &str) {
        let Phase::Waiting(waiting) = &mut slot.phase else { return };
        let waited_us = self.deps.clock.now_us().saturating_sub(waiting.since_us);
        if waited_us < ms_to_us(self.deps.config.identity.hold_ms) {
            return;
        }
        let lasting = !matches!(waiting.wait, Wait::Repo { .. });
        if slot.marked.is_none() {
            let tickets =
                waiting.events.iter_mut().filter_map(|event| event.ticket.take()).collect();
            let error = Some(format!("identity: {reason}"));
            self.mark(slot, SyncState::Desynchronized, error, tickets);
        }
        if lasting {
            self.make_room(slot);
        }
    }

    /// There is no such identity: nothing that waits for its key can be accepted.
    fn without_identity(&mut self, slot: &mut Slot, reason: &str) {
        for event in self.release(slot) {
            let needs_key = matches!(event.message.kind(), Kind::Commit | Kind::Sync);
            let known =
                slot.chain().is_some() && slot.sync_state() != Some(SyncState::Desynchronized);
            if needs_key && known {
                let change = self.rejected(&event, "identity_unknown", reason);
                self.send(
                    slot,
                    crate::append::Item { changes: vec![change], ..Default::default() },
                );
                self.desynchronize(slot, "identity_unknown", event.ticket.into_iter().collect());
            } else if needs_key {
                self.reject(slot, event, "identity_unknown", reason);
            } else if let Some((_, event)) = self.judge(slot, event) {
                self.reject(slot, event, "identity_unknown", reason);
            }
        }
        self.unmark(slot);
    }

    /// The DID was deactivated for ever, and the account with it.
    fn tombstoned(&mut self, slot: &mut Slot) {
        slot.keys.identity = None;
        if slot.account.is_some() {
            let cause = Cause::told("plc".to_owned());
            self.set_status(slot, false, Some(DELETED.to_owned()), None, cause);
        } else {
            let events = self.release(slot);
            slot.marked = None;
            let tickets = events.into_iter().filter_map(|event| event.ticket).collect();
            self.settle(slot, tickets);
        }
    }

    /// The account's host answered, or nobody did.
    pub(super) fn status(&mut self, slot: &mut Slot, answer: StatusAnswer) {
        if slot.moved {
            self.at_new_host(slot, &answer);
        }
        if !matches!(&slot.phase, Phase::Waiting(Waiting { wait: Wait::Status, .. })) {
            return;
        }
        let mut events = self.release(slot);
        if let Some(first) = events.front_mut() {
            first.told = Some(answer);
        }
        self.judge_all(slot, events);
    }
}
