//! Who comes in and who goes: changes of the set, in the table, in memory, and in the accounts' rows
//! by way of their lanes.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use millrace_atproto::Did;
use millrace_runtime::clock::SharedClock;
use millrace_store::{Fault, Store, StoreError};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::listed::{self, Version};
use super::{SCOPE_ACCOUNTS_MAX, Scope};
use crate::codes;
use crate::config::{IngestConfig, ScopeKind};
use crate::error::IngestError;
use crate::lane::{LaneMsg, Lanes};
use crate::metrics::Metrics;
use crate::tables::scope::{self, Unsettled};

/// How often it is looked who goes, and whether the file of DIDs has changed.
const POLL: Duration = Duration::from_secs(1);
/// Accounts settled, or let go, at once.
const STEP_ACCOUNTS: u32 = 1_000;
const HOUR_US: i64 = 3_600_000_000;

/// What changes of the set need.
#[derive(Clone)]
pub(crate) struct MembershipDeps {
    pub(crate) store: Store,
    pub(crate) scope: Arc<Scope>,
    pub(crate) lanes: Lanes,
    pub(crate) config: Arc<IngestConfig>,
    pub(crate) clock: SharedClock,
    pub(crate) metrics: Arc<Metrics>,
}

/// The set's one writer in this process.
#[derive(Clone)]
pub(crate) struct Membership {
    deps: MembershipDeps,
    /// Named in the configuration: they stay, whoever is interested in them.
    listed: Arc<Mutex<HashSet<Did>>>,
    /// Held while the set is changed.
    changing: Arc<tokio::sync::Mutex<()>>,
}

impl Membership {
    pub(crate) fn new(deps: MembershipDeps) -> Self {
        Self { deps, listed: Arc::default(), changing: Arc::default() }
    }

    /// Finishes what was cut off, lets go who is due, and takes up a changed file. Runs until dropped.
    pub(crate) async fn run(self) -> Result<(), IngestError> {
        if self.deps.scope.kind() == ScopeKind::Network {
            return std::future::pending().await;
        }
        let path = self.deps.config.scope_dids_file.clone();
        let mut version: Option<Version> = None;
        let mut ticks = tokio::time::interval(POLL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let now = path.as_deref().and_then(listed::version);
            if version != Some(now) && self.take_up_list(path.clone()).await {
                version = Some(now);
            }
            match self.step().await {
                Ok(()) => {}
                Err(IngestError::Store(error)) if error.fault() == Fault::Retry => {
                    tracing::debug!(%error, "the scope cannot be changed now");
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes accounts in. Durable on return, and told to their lanes; they will be fetched.
    pub(crate) async fn enter(&self, dids: &[Did]) -> Result<(), IngestError> {
        let _changing = self.changing.lock().await;
        for some in dids.chunks(SCOPE_ACCOUNTS_MAX) {
            let room = self.room(some);
            if room.is_empty() {
                continue;
            }
            let entered: Result<Vec<Did>, StoreError> =
                self.deps.store.write(move |tx| scope::enter(tx, &room)).await;
            let entered = entered?;
            self.deps.scope.add(&entered);
            self.deps.metrics.scope_entered.add(entered.len() as u64);
            self.settle(Unsettled { entering: entered, leaving: Vec::new() }).await?;
        }
        Ok(())
    }

    /// Nobody is interested in these accounts any more: they go when their grace is over.
    pub(crate) async fn unwanted(&self, dids: &[Did]) -> Result<(), IngestError> {
        let _changing = self.changing.lock().await;
        let mut dids = dids.to_vec();
        {
            let listed = self.listed.lock();
            dids.retain(|did| !listed.contains(did.as_str()));
        }
        let now_us = self.deps.clock.now_us();
        for some in dids.chunks(SCOPE_ACCOUNTS_MAX) {
            let some = some.to_vec();
            let noted: Result<(), StoreError> =
                self.deps.store.write(move |tx| scope::unwanted(tx, &some, now_us)).await;
            noted?;
        }
        Ok(())
    }

    /// Those that are in already, and as many others as there is room for.
    fn room(&self, dids: &[Did]) -> Vec<Did> {
        let max = self.deps.config.interest.accounts_max;
        let mut left = max.saturating_sub(self.deps.scope.accounts().unwrap_or(0));
        let mut refused = 0_u64;
        let mut room = dids.to_vec();
        room.retain(|did| {
            let fits = self.deps.scope.includes(did.as_str()) || left > 0;
            if fits {
                left = left.saturating_sub(1);
            } else {
                refused += 1;
            }
            fits
        });
        if refused > 0 {
            let code = codes::SCOPE_FULL;
            tracing::warn!(
                code = code.id,
                accounts = refused,
                hint = code.remedy,
                "too many accounts are of interest: some are not followed"
            );
            self.deps.metrics.scope_refused.add(refused);
        }
        room
    }

    /// The accounts that the configuration names now; whether they could be read.
    async fn take_up_list(&self, path: Option<PathBuf>) -> bool {
        let config = Arc::clone(&self.deps.config);
        let read = tokio::task::spawn_blocking(move || listed::accounts(&config)).await;
        let named = match read {
            Ok(Ok(named)) => named,
            Ok(Err(error)) => {
                let code = codes::CONFIG;
                tracing::warn!(code = code.id, path = ?path, %error, "the list of accounts is left as it was");
                return true;
            }
            Err(_) => return false,
        };
        let entering: Vec<Did> = named.iter().cloned().collect();
        let before = std::mem::replace(&mut *self.listed.lock(), named);
        let changed = match self.deps.scope.kind() {
            // Who else is in the set was named before, in this run or in one before it.
            ScopeKind::Dids => self.drop_others().await,
            _ => {
                let gone: Vec<Did> = {
                    let listed = self.listed.lock();
                    before.into_iter().filter(|did| !listed.contains(did.as_str())).collect()
                };
                self.unwanted(&gone).await
            }
        };
        changed.is_ok() && self.enter(&entering).await.is_ok()
    }

    /// Whoever is not named goes at once.
    async fn drop_others(&self) -> Result<(), IngestError> {
        let others: Vec<Did> = {
            let listed = self.listed.lock();
            let members = self.deps.scope.members.read();
            members.iter().filter(|did| !listed.contains(did.as_str())).cloned().collect()
        };
        let _changing = self.changing.lock().await;
        for some in others.chunks(SCOPE_ACCOUNTS_MAX) {
            let some = some.to_vec();
            let noted: Result<(), StoreError> =
                self.deps.store.write(move |tx| scope::unwanted(tx, &some, 0)).await;
            noted?;
        }
        Ok(())
    }

    /// Lets go who is due, and settles what is not settled: a bounded number at a time.
    async fn step(&self) -> Result<(), IngestError> {
        let _changing = self.changing.lock().await;
        let grace_us = i64::from(self.deps.config.interest.grace_hours).saturating_mul(HOUR_US);
        let before_us = self.deps.clock.now_us().saturating_sub(grace_us).max(0);
        let looked: Result<(bool, Unsettled), StoreError> = self
            .deps
            .store
            .read(move |tx| {
                Ok((scope::is_due(tx, before_us)?, scope::unsettled(tx, STEP_ACCOUNTS)?))
            })
            .await;
        let (is_due, mut unsettled) = looked?;
        if is_due {
            let gone: Result<Vec<Did>, StoreError> =
                self.deps.store.write(move |tx| scope::let_go(tx, before_us, STEP_ACCOUNTS)).await;
            let gone = gone?;
            self.deps.scope.remove(&gone);
            self.deps.metrics.scope_left.add(gone.len() as u64);
            unsettled.leaving.extend(gone);
        }
        self.settle(unsettled).await
    }

    /// Has the rows of accounts say what is to become of them, then notes that they do.
    async fn settle(&self, unsettled: Unsettled) -> Result<(), IngestError> {
        let Unsettled { entering, leaving } = unsettled;
        if entering.is_empty() && leaving.is_empty() {
            return Ok(());
        }
        let told = entering.iter().map(|did| (did, true));
        let mut saved = Vec::new();
        for (did, followed) in told.chain(leaving.iter().map(|did| (did, false))) {
            let (told, wait) = oneshot::channel();
            let msg = LaneMsg::Followed { did: did.clone(), followed, saved: told };
            if self.deps.lanes.send(msg).is_err() {
                return Ok(());
            }
            saved.push(wait);
        }
        for wait in saved {
            if wait.await.is_err() {
                // The run ends; what is not settled is settled at the next.
                return Ok(());
            }
        }
        let settled: Result<(), StoreError> =
            self.deps.store.write(move |tx| scope::settle(tx, &entering, &leaving)).await;
        Ok(settled?)
    }
}
