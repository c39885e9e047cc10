//! Asking ingest, in process or over `/internal`: the caller does not see which.

use std::sync::Arc;
use std::time::Duration;

use millrace_atproto::Did;
use millrace_runtime::config::Secret;
use millrace_runtime::internal::Caller;
use millrace_store::Store;
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::IngestError;
use crate::lane::{LaneMsg, Lanes};
use crate::model::{AccountState, SourceStatus};
use crate::progress::SourceState;
use crate::tables::rejects::RejectedEvent;
use crate::tables::{accounts, rejects};

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

/// `listRejected`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListRejected {
    /// At most [`REJECTED_LIST_MAX`].
    pub limit: u32,
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

    /// The latest events that were not accepted, the newest first.
    ///
    /// # Errors
    /// The store, or the other process, cannot be reached.
    pub async fn list_rejected(&self, limit: u32) -> Result<Vec<RejectedEvent>, IngestError> {
        match self {
            Self::Local(local) => local.list_rejected(limit).await,
            Self::Remote(remote) => remote.call("listRejected", &ListRejected { limit }).await,
        }
    }
}

/// Ingest's own handles.
pub struct Local {
    store: Store,
    sources: Vec<Arc<SourceState>>,
    /// The lanes of the present run; none while ingest starts, or waits for another process's lease.
    lanes: Mutex<Option<Lanes>>,
}

impl Local {
    pub(crate) fn new(store: Store, sources: Vec<Arc<SourceState>>) -> Self {
        Self { store, sources, lanes: Mutex::new(None) }
    }

    pub(crate) fn running(&self, lanes: Option<Lanes>) {
        *self.lanes.lock() = lanes;
    }

    pub fn list_sources(&self) -> Vec<SourceStatus> {
        self.sources.iter().map(|source| source.status()).collect()
    }

    pub async fn account_state(&self, did: Did) -> Result<Option<AccountState>, IngestError> {
        self.store.read(move |tx| Ok(accounts::load(tx, &did)?)).await
    }

    pub async fn request_resync(&self, did: Did) -> Result<(), IngestError> {
        let lanes = self.lanes.lock().clone();
        let lanes = lanes
            .ok_or_else(|| IngestError::Unavailable("ingest is not running here".to_owned()))?;
        let (saved, wait) = tokio::sync::oneshot::channel();
        let gone = || IngestError::Unavailable("ingest is restarting".to_owned());
        lanes.send(LaneMsg::Want { did, force: true, saved }).map_err(|_| gone())?;
        wait.await.map_err(|_| gone())
    }

    pub async fn list_rejected(&self, limit: u32) -> Result<Vec<RejectedEvent>, IngestError> {
        let limit = limit.clamp(1, REJECTED_LIST_MAX);
        self.store.read(move |tx| Ok(rejects::list(tx, limit)?)).await
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
