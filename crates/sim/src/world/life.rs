//! What happens to accounts: statuses, keys, moves from PDS to PDS, ends and new beginnings.

use millrace_atproto::crypto::Curve;
use millrace_atproto::syntax::Did;

use super::World;
use crate::channel::Body;
use crate::identity::drawn_key;
use crate::repo::{Repo, RepoError};
use crate::status::Status;

/// How an account moves to another PDS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// The PDS it moves to.
    pub to: usize,
    /// Whether it gets another signing key there.
    pub new_key: bool,
    /// When the old PDS says that the account is no longer active there.
    pub goodbye: Goodbye,
    /// Whether the new PDS announces the repository by a commit rather than by a `#sync`, as it can while
    /// the key stays the same.
    pub by_commit: bool,
}

/// When the old PDS of an account that moves says goodbye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goodbye {
    /// Before the new one says anything.
    Before,
    /// After the new one has said that the account is active: the order that leaves readers believing
    /// that it is not.
    After,
    /// Never.
    Never,
}

impl World {
    /// Sets an account's status and announces it; of one that comes back the repository as well. A deleted
    /// account loses its records for good; it comes back with an empty repository.
    pub fn set_status(&mut self, did: &Did, status: Status, now_us: i64) {
        let Some(before) = self.account(did).map(|account| account.status) else { return };
        if before == Status::Deleted && status.is_active() {
            self.begin_again(did, now_us);
        }
        if let Some(account) = self.accounts.get_mut(did) {
            account.status = status;
        }
        self.emit_account(did, now_us);
        if !before.is_active() && status.is_active() {
            self.emit_sync(did, now_us);
        }
    }

    /// The directory says from now on that an account's DID is no more; the account is deleted.
    pub fn tombstone(&mut self, did: &Did, now_us: i64) {
        if let Some(account) = self.accounts.get_mut(did) {
            account.tombstoned = true;
        }
        self.emit_identity(did, now_us);
        self.set_status(did, Status::Deleted, now_us);
    }

    /// Gives an account another signing key. Its PDS signs the repository anew at once and announces that
    /// by a `#sync`: whoever could not verify what came before must fetch it all. No fault spoils that.
    pub fn rotate_key(&mut self, did: &Did, now_us: i64) -> Result<(), RepoError> {
        self.change_key(did);
        self.resign(did, now_us)?;
        self.show_account(did, now_us);
        Ok(())
    }

    /// Writes a labeler's key and endpoint into an account's document, and announces it.
    pub fn make_labeler(&mut self, did: &Did, now_us: i64) {
        let key = drawn_key(Curve::K256, &self.rng);
        if let Some(account) = self.accounts.get_mut(did) {
            account.identity.label_key.get_or_insert(key);
        }
        self.emit_identity(did, now_us);
    }

    /// Moves an account to another PDS, with all that both say about it.
    pub fn migrate(
        &mut self,
        did: &Did,
        migration: Migration,
        now_us: i64,
    ) -> Result<(), RepoError> {
        let known = self.account(did).filter(|account| account.status.is_active());
        let Some(from) = known.map(|account| account.host) else {
            return Err(RepoError::NoAccount(did.clone()));
        };
        if migration.to == from || migration.to >= self.hosts.len() {
            return Ok(());
        }
        if migration.goodbye == Goodbye::Before {
            self.say_goodbye(did, from, now_us);
        }
        if migration.new_key {
            self.change_key(did);
        }
        if let Some(account) = self.accounts.get_mut(did) {
            account.host = migration.to;
        }
        if let Some(host) = self.hosts.get_mut(from) {
            host.moved.insert(did.clone(), Status::Deactivated);
        }
        if let Some(host) = self.hosts.get_mut(migration.to) {
            host.moved.remove(did);
        }
        if migration.by_commit && !migration.new_key {
            self.emit_identity(did, now_us);
            self.emit_account(did, now_us);
            self.commit(did, now_us, &[])?;
        } else {
            self.resign(did, now_us)?;
            self.show_account(did, now_us);
        }
        if migration.goodbye == Goodbye::After {
            self.say_goodbye(did, from, now_us);
        }
        Ok(())
    }

    /// What a PDS says about an account it knows, or knew.
    pub fn status_at(&self, host: usize, did: &Did) -> Option<Status> {
        let account = self.account(did)?;
        if account.host == host {
            return Some(account.status);
        }
        self.hosts.get(host)?.moved.get(did).copied()
    }

    fn say_goodbye(&mut self, did: &Did, from: usize, now_us: i64) {
        self.send_from(did, from, Body::Account { status: Status::Deactivated }, now_us);
    }

    fn change_key(&mut self, did: &Did) {
        if let Some(account) = self.accounts.get_mut(did) {
            let curve = match account.identity.key.curve() {
                Curve::K256 => Curve::P256,
                Curve::P256 => Curve::K256,
            };
            account.identity.key = drawn_key(curve, &self.rng);
        }
    }

    /// The same repository under a new commit that is not told.
    fn resign(&mut self, did: &Did, now_us: i64) -> Result<(), RepoError> {
        let Some(account) = self.account(did) else { return Ok(()) };
        let (host, before) = (account.host, account.repo.rev());
        let rev = self.rev(host, now_us, Some(before));
        if let Some(account) = self.accounts.get_mut(did) {
            account.repo.apply(&account.identity.key, rev, &[])?;
        }
        Ok(())
    }

    fn begin_again(&mut self, did: &Did, now_us: i64) {
        let Some(account) = self.account(did) else { return };
        let (host, before) = (account.host, account.repo.rev());
        let rev = self.rev(host, now_us, Some(before));
        if let Some(account) = self.accounts.get_mut(did) {
            account.tombstoned = false;
            account.repo = Repo::new(did, &account.identity.key, rev);
        }
    }
}
