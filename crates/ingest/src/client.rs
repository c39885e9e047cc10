//! Asking ingest, in process or over `/internal`: the caller does not see which.

use std::sync::Arc;
use std::time::Duration;

use millrace_atproto::Did;
use millrace_runtime::config::Secret;
use millrace_runtime::internal::Caller;
use millrace_store::{Store, StoreError};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::backfill::{
    AddToBackfill, BackfillJob, BackfillList, BeginBackfill, ChangeBackfill, Interesting, Jobs,
};
use crate::brake::Brake;
use crate::config::ScopeKind;
use crate::error::IngestError;
use crate::lane::{LaneMsg, Lanes, Wish};
use crate::looked::{LOOKED_AT_MAX, Looked};
use crate::metrics::Metrics;
use crate::model::{AccountState, CountsExact, SourceStatus, SyncState};
use crate::progress::SourceState;
use crate::scope::{Membership, SCOPE_ACCOUNTS_MAX, Scope};
use crate::status::{Board, HostList, IngestStatus};
use crate::tables::rejects::RejectedEvent;
use crate::tables::{accounts, backfill_jobs, rejects, scope};

/// Most rejected events listed at once.
pub const REJECTED_LIST_MAX: u32 = 500;

/// Ingest as its callers see it.
#[derive(Clone)]
pub enum Client {
    /// In this process.
    Local(Arc<Local>),
    /// Another process, by HTTP.
    Remote(Arc<Remote>),
}

/// `listSources`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ListSources {}

/// `getAccountState`, `requestResync`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OfAccount {
    pub did: Did,
}

/// `lookedAt`: accounts that somebody looks at who reads here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LookedAt {
    /// At most [`LOOKED_AT_MAX`].
    pub dids: Vec<Did>,
}

/// `changeScope`: who is of interest from now on, and who is no more.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ChangeScope {
    /// At most [`SCOPE_ACCOUNTS_MAX`].
    pub enter: Vec<Did>,
    /// At most [`SCOPE_ACCOUNTS_MAX`].
    pub unwanted: Vec<Did>,
}

/// `listScope`: a page of the accounts that are followed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ListScope {
    /// The last account of the page before.
    pub after: String,
}

/// At most [`SCOPE_ACCOUNTS_MAX`] accounts; an empty page is the end.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ScopePage {
    pub accounts: Vec<ScopeAccount>,
}

/// An account that is followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeAccount {
    pub did: Did,
    /// Nobody is interested in it any more; it goes when its grace is over.
    pub unwanted: bool,
}

/// Whom ingest follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScopeStatus {
    /// `network`, `interest` or `dids`.
    pub scope: String,
    /// Accounts that are followed; absent where everybody is.
    pub accounts: Option<usize>,
}

/// `listRejected`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ListRejected {
    /// At most [`REJECTED_LIST_MAX`].
    pub limit: u32,
    /// Only those with this reason.
    #[serde(default)]
    pub reason: Option<String>,
    /// Only those before this one.
    #[serde(default)]
    pub before: Option<i64>,
}

impl ListRejected {
    /// The latest `limit`, whatever their reason.
    pub fn latest(limit: u32) -> Self {
        Self { limit, ..Self::default() }
    }
}

impl Client {
    /// Every configured source as it stands now.
    ///
    /// # Errors
    /// The other process cannot be reached.
    pub async fn list_sources(&self) -> Result<Vec<SourceStatus>, IngestError> {
        match self {
            Self::Local(local) => Ok(local.list_sources()),
            Self::Remote(remote) => remote.call("listSources", &ListSources::default()).await,
        }
    }

    /// How much of an account is here; `None` if it was never seen.
    ///
    /// # Errors
    /// The store, or the other process, cannot be reached.
    pub async fn account_state(&self, did: &Did) -> Result<Option<AccountState>, IngestError> {
        match self {
            Self::Local(local) => local.account_state(did.clone()).await,
            Self::Remote(remote) => {
                remote.call("getAccountState", &OfAccount { did: did.clone() }).await
            }
        }
    }

    /// Has an account's repository fetched, whatever is here of it. Returns when the wish is durable.
    ///
    /// # Errors
    /// Ingest is not running, or cannot be reached.
    pub async fn request_resync(&self, did: &Did) -> Result<(), IngestError> {
        match self {
            Self::Local(local) => local.request_resync(did.clone()).await,
            Self::Remote(remote) => {
                remote.call("requestResync", &OfAccount { did: did.clone() }).await
            }
        }
    }

    /// Somebody looks at these accounts: what is missing of them is fetched soon, if there is room. Nothing is
    /// waited for.
    ///
    /// # Errors
    /// They are too many, or the other process cannot be reached.
    pub async fn looked_at(&self, looked: LookedAt) -> Result<(), IngestError> {
        match self {
            Self::Local(local) => local.looked_at(looked),
            Self::Remote(remote) => remote.call("lookedAt", &looked).await,
        }
    }

    /// Tells who is of interest. Durable on return; whoever comes in will be fetched.
    ///
    /// # Errors
    /// `ingest.scope` is not `interest`, ingest is not running, or cannot be reached.
    pub async fn change_scope(&self, change: ChangeScope) -> Result<(), IngestError> {
        match self {
            Self::Local(local) => local.change_scope(change).await,
            Self::Remote(remote) => remote.call("changeScope", &change).await,
        }
    }

    /// A page of the accounts that are followed, where not everybody is.
    ///
    /// # Errors
    /// The store, or the other process, cannot be reached.
    pub async fn list_scope(&self, after: String) -> Result<ScopePage, IngestError> {
        match self {
            Self::Local(local) => local.list_scope(after).await,
            Self::Remote(remote) => remote.call("listScope", &ListScope { after }).await,
        }
    }

    /// Whom ingest follows.
    ///
    /// # Errors
    /// The other process cannot be reached.
    pub async fn scope(&self) -> Result<ScopeStatus, IngestError> {
        match self {
            Self::Local(local) => Ok(local.scope()),
            Self::Remote(remote) => remote.call("getScope", &ListSources::default()).await,
        }
    }

    /// Events that were not accepted, the newest first.
    ///
    /// # Errors
    /// The store, or the other process, cannot be reached.
    pub async fn list_rejected(
        &self,
        question: ListRejected,
    ) -> Result<Vec<RejectedEvent>, IngestError> {
        match self {
            Self::Local(local) => local.list_rejected(question).await,
            Self::Remote(remote) => remote.call("listRejected", &question).await,
        }
    }

    /// Ingest at a glance.
    ///
    /// # Errors
    /// The log, or the other process, cannot be reached.
    pub async fn status(&self) -> Result<IngestStatus, IngestError> {
        match self {
            Self::Local(local) => local.status().await,
            Self::Remote(remote) => remote.call("getStatus", &ListSources::default()).await,
        }
    }

    /// Begins a backfill. Durable on return.
    ///
    /// # Errors
    /// It cannot be, too many are under way, or the store, or the other process, cannot be reached.
    pub async fn begin_backfill(&self, wanted: BeginBackfill) -> Result<BackfillJob, IngestError> {
        match self {
            Self::Local(local) => local.jobs.begin(wanted).await,
            Self::Remote(remote) => remote.call("beginBackfill", &wanted).await,
        }
    }

    /// Adds accounts to a backfill that was begun with `more`.
    ///
    /// # Errors
    /// It takes no more, or the store, or the other process, cannot be reached.
    pub async fn add_to_backfill(&self, wanted: AddToBackfill) -> Result<BackfillJob, IngestError> {
        match self {
            Self::Local(local) => local.jobs.add(wanted).await,
            Self::Remote(remote) => remote.call("addToBackfill", &wanted).await,
        }
    }

    /// Pauses, resumes or cancels a backfill.
    ///
    /// # Errors
    /// There is none of that number, it has ended, or the store, or the other process, cannot be reached.
    pub async fn change_backfill(
        &self,
        wanted: ChangeBackfill,
    ) -> Result<BackfillJob, IngestError> {
        match self {
            Self::Local(local) => local.jobs.change(wanted).await,
            Self::Remote(remote) => remote.call("changeBackfill", &wanted).await,
        }
    }

    /// The latest backfills, the newest first.
    ///
    /// # Errors
    /// The store, or the other process, cannot be reached.
    pub async fn list_backfills(&self) -> Result<BackfillList, IngestError> {
        match self {
            Self::Local(local) => local.jobs.list().await,
            Self::Remote(remote) => remote.call("listBackfills", &ListSources::default()).await,
        }
    }

    /// The hosts accounts live on.
    ///
    /// # Errors
    /// The other process cannot be reached.
    pub async fn list_hosts(&self) -> Result<HostList, IngestError> {
        match self {
            Self::Local(local) => Ok(local.list_hosts()),
            Self::Remote(remote) => remote.call("listHosts", &ListSources::default()).await,
        }
    }
}

/// Ingest's own handles.
pub struct Local {
    store: Store,
    sources: Vec<Arc<SourceState>>,
    scope: Arc<Scope>,
    brake: Brake,
    board: Arc<Board>,
    pub(crate) jobs: Jobs,
    /// None where what is looked at is not fetched.
    looked: Option<Arc<Looked>>,
    metrics: Arc<Metrics>,
    /// The present run; none while ingest starts, or waits for another process's lease.
    running: Mutex<Option<Running>>,
}

/// What they are made of.
pub(crate) struct LocalParts {
    pub(crate) store: Store,
    pub(crate) sources: Vec<Arc<SourceState>>,
    pub(crate) scope: Arc<Scope>,
    pub(crate) brake: Brake,
    pub(crate) board: Arc<Board>,
    pub(crate) jobs: Jobs,
    pub(crate) looked: Option<Arc<Looked>>,
    pub(crate) metrics: Arc<Metrics>,
}

/// What of a run is asked from outside.
#[derive(Clone)]
pub(crate) struct Running {
    pub(crate) lanes: Lanes,
    pub(crate) membership: Membership,
}

impl Local {
    pub(crate) fn new(parts: LocalParts) -> Self {
        let LocalParts { store, sources, scope, brake, board, jobs, looked, metrics } = parts;
        let running = Mutex::new(None);
        Self { store, sources, scope, brake, board, jobs, looked, metrics, running }
    }

    /// Says who is asked who is of interest; the first who is named stays.
    pub fn set_interesting(&self, interesting: Interesting) {
        let _ = self.jobs.interesting.set(interesting);
    }

    pub(crate) fn running(&self, running: Option<Running>) {
        *self.running.lock() = running;
    }

    fn present(&self) -> Result<Running, IngestError> {
        let running = self.running.lock().clone();
        running.ok_or_else(|| IngestError::Unavailable("ingest is not running here".to_owned()))
    }

    pub fn list_sources(&self) -> Vec<SourceStatus> {
        let paused = self.brake.why();
        let status =
            |source: &Arc<SourceState>| SourceStatus { paused: paused.clone(), ..source.status() };
        self.sources.iter().map(status).collect()
    }

    pub async fn account_state(&self, did: Did) -> Result<Option<AccountState>, IngestError> {
        let out_of_scope = !self.scope.includes(did.as_str());
        let stored: Result<(Option<AccountState>, bool), StoreError> = self
            .store
            .read(move |tx| Ok((accounts::load(tx, &did)?, backfill_jobs::has_listed_all(tx)?)))
            .await;
        let (stored, listed) = stored?;
        let by_others = listed && self.scope.kind() == ScopeKind::Network && self.nobody_lacks();
        Ok(stored.map(|account| {
            let own = account.sync_state == SyncState::Complete;
            let counts_exact = CountsExact { own, by_others };
            AccountState { out_of_scope, counts_exact, ..account }
        }))
    }

    /// Whether every account is here whole, as they were last counted.
    fn nobody_lacks(&self) -> bool {
        let accounts = |state: SyncState| self.metrics.accounts.with(&[state.name()]).get();
        let lacking = [SyncState::Partial, SyncState::Desynchronized, SyncState::InProgress];
        accounts(SyncState::Complete) > 0 && lacking.into_iter().all(|state| accounts(state) == 0)
    }

    /// Has nothing read from outside until it is called with `None`; `why` is shown meanwhile. What was
    /// read before is finished, and cursors are kept.
    pub fn brake(&self, why: Option<String>) {
        self.brake.set(why);
    }

    pub fn scope(&self) -> ScopeStatus {
        let scope = self.scope.kind().name().to_owned();
        ScopeStatus { scope, accounts: self.scope.accounts() }
    }

    pub async fn change_scope(&self, change: ChangeScope) -> Result<(), IngestError> {
        if self.scope.kind() != ScopeKind::Interest {
            let why = "who is followed is not a matter of interest here".to_owned();
            return Err(IngestError::InvalidRequest(why));
        }
        if change.enter.len().max(change.unwanted.len()) > SCOPE_ACCOUNTS_MAX {
            let why = format!("a change names at most {SCOPE_ACCOUNTS_MAX} accounts");
            return Err(IngestError::InvalidRequest(why));
        }
        let membership = self.present()?.membership;
        membership.unwanted(&change.unwanted).await?;
        membership.enter(&change.enter).await
    }

    pub async fn list_scope(&self, after: String) -> Result<ScopePage, IngestError> {
        let limit = u32::try_from(SCOPE_ACCOUNTS_MAX).unwrap_or(u32::MAX);
        let accounts: Result<_, StoreError> =
            self.store.read(move |tx| scope::page(tx, &after, limit)).await;
        let accounts = accounts?.into_iter();
        let accounts = accounts.map(|(did, unwanted)| ScopeAccount { did, unwanted });
        Ok(ScopePage { accounts: accounts.collect() })
    }

    pub fn looked_at(&self, looked: LookedAt) -> Result<(), IngestError> {
        if looked.dids.len() > LOOKED_AT_MAX {
            let why = format!("at most {LOOKED_AT_MAX} accounts are looked at at once");
            return Err(IngestError::InvalidRequest(why));
        }
        let Some(queue) = &self.looked else { return Ok(()) };
        let refused = queue.note(looked.dids);
        self.metrics.looked_at.with(&["refused"]).add(refused as u64);
        Ok(())
    }

    pub async fn request_resync(&self, did: Did) -> Result<(), IngestError> {
        let lanes = self.present()?.lanes;
        let (saved, wait) = tokio::sync::oneshot::channel();
        let gone = || IngestError::Unavailable("ingest is restarting".to_owned());
        lanes.send(LaneMsg::Want { did, wish: Wish::Forced, saved }).map_err(|_| gone())?;
        wait.await.map_err(|_| gone())
    }

    pub async fn list_rejected(
        &self,
        question: ListRejected,
    ) -> Result<Vec<RejectedEvent>, IngestError> {
        let limit = question.limit.clamp(1, REJECTED_LIST_MAX);
        let ListRejected { reason, before, .. } = question;
        let before = before.unwrap_or(i64::MAX);
        self.store.read(move |tx| Ok(rejects::list(tx, reason.as_deref(), before, limit)?)).await
    }

    pub async fn status(&self) -> Result<IngestStatus, IngestError> {
        let is_running = self.running.lock().is_some();
        Ok(self.board.status(is_running).await?)
    }

    pub fn list_hosts(&self) -> HostList {
        self.board.hosts()
    }
}

/// Where another process answers `/internal/*`.
pub struct Remote {
    caller: Caller,
}

impl Remote {
    /// `secret` is sent as a bearer token when the other side is guarded by one.
    ///
    /// # Errors
    /// The HTTP client cannot be built.
    pub fn new(
        base: url::Url,
        secret: Option<Secret>,
        timeout: Duration,
    ) -> Result<Self, IngestError> {
        Ok(Self { caller: Caller::new(base, secret, timeout)? })
    }

    async fn call<A: DeserializeOwned>(
        &self,
        name: &str,
        question: &(impl Serialize + Sync),
    ) -> Result<A, IngestError> {
        Ok(self.caller.call(name, question).await?)
    }
}
