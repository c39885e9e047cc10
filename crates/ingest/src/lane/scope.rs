//! An account that is followed from now on, or no more.

use tokio::sync::oneshot;

use super::slot::Slot;
use super::{Event, Lane};
use crate::append::{Change, Item};
use crate::model::SyncState;
use crate::source::Kind;
use crate::tables::scope::OUT_OF_SCOPE;

impl Lane {
    /// Whether the account's commits are taken.
    pub(super) fn is_followed(&self, slot: &Slot) -> bool {
        self.deps.scope.includes(slot.did.as_str())
    }

    /// Whether the event is of an account that is not followed. Of one that is kept, what is not
    /// about its records is taken all the same.
    pub(super) fn is_out_of_scope(&self, slot: &Slot, event: &Event) -> bool {
        if self.is_followed(slot) {
            return false;
        }
        let of_account = matches!(event.message.kind(), Kind::Identity | Kind::Account);
        !of_account || slot.account.is_none()
    }

    /// The account came into the scope, or left it.
    pub(super) fn followed(&mut self, slot: &mut Slot, followed: bool, saved: oneshot::Sender<()>) {
        let now_us = self.deps.clock.now_us();
        let mut changes = Vec::new();
        if followed {
            if slot.account.is_none() {
                slot.account(now_us);
                changes.push(Change::IdentityWanted(slot.did.clone(), now_us));
            }
            let fetching = super::resync::is_fetching(slot);
            let account = slot.account(now_us);
            account.updated_us = now_us;
            if account.sync_state != SyncState::Gone && !fetching {
                // What is here of it is old, if it is anything. Of an account that is not active
                // nothing can be had before it is back.
                account.sync_state = SyncState::Desynchronized;
                account.error = Some("came into scope".to_owned());
                account.attempts = 0;
                account.next_try_us = account.active.then_some(now_us);
            }
        } else if slot.account.is_some() {
            leave(slot, now_us);
        }
        let account = self.row(slot);
        self.send(slot, Item { account, changes, saved: Some(saved), ..Item::default() });
    }
}

/// What is kept of an account that is not followed grows old; its row says so.
pub(super) fn leave(slot: &mut Slot, now_us: i64) {
    let account = slot.account(now_us);
    account.updated_us = now_us;
    account.next_try_us = None;
    if account.sync_state != SyncState::Gone {
        account.sync_state = SyncState::Partial;
        account.error = Some(OUT_OF_SCOPE.to_owned());
    }
}
