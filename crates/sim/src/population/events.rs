//! What happens to accounts. The first people are spared the worst, so that there is always somebody.

use millrace_atproto::syntax::{Did, Handle};

use super::scene::{Done, Scene};
use crate::status::Status;
use crate::world::{Goodbye, Migration};

/// People whose accounts stay active and keep their handles.
const SPARED: usize = 3;
/// At most one in so many accounts is inactive at a time.
const INACTIVE_SHARE: usize = 4;

/// Something that happens to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AccountEvent {
    Rename,
    TakeHandle,
    ClaimWrongHandle,
    RotateKey,
    Move,
    MoveWithLateGoodbye,
    Deactivate,
    Suspend,
    TakeDown,
    Delete,
    Tombstone,
    Desynchronize,
    Throttle,
    Restore,
    Revive,
}

pub(super) const EVENTS: &[(AccountEvent, u32)] = &[
    (AccountEvent::Rename, 4),
    (AccountEvent::TakeHandle, 1),
    (AccountEvent::ClaimWrongHandle, 1),
    (AccountEvent::RotateKey, 2),
    (AccountEvent::Move, 3),
    (AccountEvent::MoveWithLateGoodbye, 2),
    (AccountEvent::Deactivate, 3),
    (AccountEvent::Suspend, 1),
    (AccountEvent::TakeDown, 2),
    (AccountEvent::Delete, 1),
    (AccountEvent::Tombstone, 1),
    (AccountEvent::Desynchronize, 1),
    (AccountEvent::Throttle, 1),
    (AccountEvent::Restore, 6),
    (AccountEvent::Revive, 1),
];

impl Scene<'_> {
    pub(super) fn account_event(&mut self, event: AccountEvent) -> Done {
        let (did, now_us) = (self.not_spared(), self.now_us);
        match event {
            AccountEvent::Rename => {
                let handle = self.new_handle(&did);
                self.world.set_handle(&did, handle, now_us);
            }
            AccountEvent::TakeHandle => {
                if let Some(handle) = self.handle_of(&self.not_spared()) {
                    self.world.set_handle(&did, handle, now_us);
                }
            }
            AccountEvent::ClaimWrongHandle => {
                let handle = self.handle_of(&self.anybody()).filter(|_| self.once_in(2));
                let handle = handle.unwrap_or_else(|| self.new_handle(&did));
                self.world.claim_handle(&did, handle, now_us);
            }
            AccountEvent::RotateKey if self.can_write(&did) => {
                return self.world.rotate_key(&did, now_us);
            }
            AccountEvent::Move => return self.move_away(&did, false),
            AccountEvent::MoveWithLateGoodbye => return self.move_away(&did, true),
            AccountEvent::Deactivate => self.end(&did, Status::Deactivated),
            AccountEvent::Suspend => self.end(&did, Status::Suspended),
            AccountEvent::TakeDown => self.end(&did, Status::Takendown),
            AccountEvent::Delete => self.end(&did, Status::Deleted),
            AccountEvent::Tombstone if self.may_end(&did) => self.world.tombstone(&did, now_us),
            AccountEvent::Desynchronize if self.can_write(&did) => {
                self.world.set_status(&did, Status::Desynchronized, now_us);
            }
            AccountEvent::Throttle if self.can_write(&did) => {
                self.world.set_status(&did, Status::Throttled, now_us);
            }
            AccountEvent::Restore => {
                self.restore(|status| !matches!(status, Status::Active | Status::Deleted))
            }
            AccountEvent::Revive => self.restore(|status| status == Status::Deleted),
            AccountEvent::RotateKey
            | AccountEvent::Tombstone
            | AccountEvent::Desynchronize
            | AccountEvent::Throttle => {}
        }
        Ok(())
    }

    fn not_spared(&self) -> Did {
        let others = self.people.get(SPARED..).filter(|others| !others.is_empty());
        let others = others.unwrap_or(self.people);
        others[self.index(others.len())].clone()
    }

    fn is_spared(&self, did: &Did) -> bool {
        self.people.iter().take(SPARED).any(|spared| spared == did)
    }

    fn may_end(&self, did: &Did) -> bool {
        let inactive = self.people.iter().filter(|did| !self.can_write(did)).count();
        self.can_write(did)
            && !self.is_spared(did)
            && (inactive + 1) * INACTIVE_SHARE <= self.people.len()
    }

    fn end(&mut self, did: &Did, status: Status) {
        if self.may_end(did) {
            self.world.set_status(did, status, self.now_us);
        }
    }

    /// Makes an account of such a status active again.
    fn restore(&mut self, of: impl Fn(Status) -> bool) {
        let status = |did: &&Did| self.world.account(did).is_some_and(|account| of(account.status));
        let found: Vec<Did> = self.people.iter().filter(status).cloned().collect();
        if let Some(did) = found.get(self.index(found.len())) {
            self.world.set_status(did, Status::Active, self.now_us);
        }
    }

    fn move_away(&mut self, did: &Did, late: bool) -> Done {
        let hosts = self.world.host_count();
        let from = self.world.account(did).map_or(0, |account| account.host);
        if hosts < 2 || !self.can_write(did) {
            return Ok(());
        }
        let migration = Migration {
            to: (from + 1 + self.index(hosts - 1)) % hosts,
            new_key: !self.once_in(4),
            goodbye: match late {
                true => Goodbye::After,
                false if self.once_in(3) => Goodbye::Never,
                false => Goodbye::Before,
            },
            by_commit: self.once_in(2),
        };
        self.world.migrate(did, migration, self.now_us)
    }

    fn handle_of(&self, did: &Did) -> Option<Handle> {
        let handle = self.world.account(did)?.identity.handle.clone();
        (!self.is_spared(did)).then_some(handle)
    }

    /// A handle nobody has had.
    fn new_handle(&mut self, did: &Did) -> Handle {
        let tid = self.world.tid(self.now_us);
        let before = self.world.account(did).map(|account| account.identity.handle.to_string());
        let label = before
            .as_deref()
            .and_then(|handle| handle.split(['.', '-']).next())
            .unwrap_or("somebody");
        Handle::parse(&format!("{label}-{tid}.sim.test"))
            .expect("invariant: a label and a TID are a label")
    }
}
