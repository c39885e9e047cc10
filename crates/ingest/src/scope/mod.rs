//! Whose events are taken: everybody's, or those of the accounts in a set.
//!
//! The set is the table `scope_account`; readers and lanes have it in memory. What must stay true:
//! an account is in the table before its events are taken; whoever comes in is fetched whole, so that
//! nothing of it is missing; who goes stays in the table until its row says that it is not followed.
//! Where a crash cuts that off, it is done at the next start.
//!
//! Of accounts outside the set nothing is looked at but the name. Of those that are kept from before,
//! status and identity are still taken: what was deleted must go, and what was renamed be found.

mod adopt;
mod listed;
mod membership;

use std::collections::HashSet;

use millrace_atproto::Did;
use millrace_runtime::metrics::Gauge;
use parking_lot::RwLock;

use crate::config::ScopeKind;

pub(crate) use adopt::adopt;
pub(crate) use membership::{Membership, MembershipDeps};

/// Accounts named in one change, or in one page.
pub const SCOPE_ACCOUNTS_MAX: usize = 1_000;

/// The set, as readers and lanes see it.
pub(crate) struct Scope {
    kind: ScopeKind,
    members: RwLock<HashSet<Did>>,
    gauge: Gauge,
}

impl Scope {
    pub(crate) fn new(kind: ScopeKind, gauge: Gauge) -> Self {
        Self { kind, members: RwLock::default(), gauge }
    }

    pub(crate) fn kind(&self) -> ScopeKind {
        self.kind
    }

    /// Whether this account's events are taken.
    pub(crate) fn includes(&self, did: &str) -> bool {
        self.kind == ScopeKind::Network || self.members.read().contains(did)
    }

    /// How many accounts are in it; none where it is everybody.
    pub(crate) fn accounts(&self) -> Option<usize> {
        (self.kind != ScopeKind::Network).then(|| self.members.read().len())
    }

    fn add(&self, dids: &[Did]) {
        let mut members = self.members.write();
        members.extend(dids.iter().cloned());
        self.show(members.len());
    }

    fn remove(&self, dids: &[Did]) {
        let mut members = self.members.write();
        for did in dids {
            members.remove(did.as_str());
        }
        self.show(members.len());
    }

    fn reset(&self, dids: HashSet<Did>) {
        self.show(dids.len());
        *self.members.write() = dids;
    }

    fn show(&self, accounts: usize) {
        self.gauge.set(i64::try_from(accounts).unwrap_or(i64::MAX));
    }
}
