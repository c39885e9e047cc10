//! One repository: asked for where it is likely served, checked while it arrives, off the async
//! threads, and handed on in chunks. Nothing of a repository that does not pass is handed on.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use millrace_atproto::crypto::PublicKey;
use millrace_atproto::did_doc::Identity;
use millrace_atproto::sync::{ChainState, Limits, RepoError, RepoReader, VerifiedRepo};
use millrace_atproto::{Did, Tid};
use millrace_net::{PdsError, ResolveError};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::schedule::ResyncDeps;
use super::snapshot;
use crate::labelers;
use crate::lookup;

/// Pieces of a body between the network and the thread that checks them.
const PIECES_WAITING_MAX: usize = 8;

/// A repository whose chunks were handed on.
pub(super) struct Fetched {
    pub(super) chain: ChainState,
    pub(super) pds: Option<String>,
    pub(super) records: u64,
    pub(super) bytes: u64,
    pub(super) invalid: u64,
    /// It says of itself that it is a labeler.
    pub(super) is_labeler: bool,
}

/// Why a repository was not fetched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("identity")]
    Identity(#[from] ResolveError),
    #[error("the DID document names no signing key")]
    NoKey,
    #[error("the DID document names no PDS, and no relay is configured")]
    NoHost,
    /// The host that the directory names does not have it: deleted, or moving.
    #[error("the account's own host does not have it")]
    NotFound,
    /// The account is there no more, or not now.
    #[error("the account is {0}")]
    Inactive(&'static str),
    #[error("getRepo from {host}")]
    Host { host: String, source: PdsError },
    #[error("the repository from {host} is not accepted")]
    Repo { host: String, source: RepoError },
    #[error("{host} has revision {found}, older than {known}")]
    Older { host: String, found: Tid, known: Tid },
    #[error("more than {0} bytes")]
    TooLarge(usize),
    #[error("handing on: {0}")]
    Handing(String),
}

impl FetchError {
    /// The metric's label.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Identity(_) | Self::NoKey | Self::NoHost => "identity",
            Self::NotFound => "not_found",
            Self::Inactive(_) => "inactive",
            Self::Host { source: PdsError::RateLimited { .. }, .. } => "rate_limited",
            Self::Host { .. } => "host",
            Self::Repo { source, .. } => source.reason(),
            Self::Older { .. } => "older",
            Self::TooLarge(_) => "too_large",
            Self::Handing(_) => "handing",
        }
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Identity(error) => error.retry_after(),
            Self::Host { source, .. } => source.retry_after(),
            _ => None,
        }
    }
}

/// Fetches, checks and hands on.
pub(super) async fn fetch(
    deps: &ResyncDeps,
    did: &Did,
    attempt: u64,
    known: Option<Tid>,
) -> Result<Fetched, FetchError> {
    let identity = identity(deps, did, false).await?;
    match from_hosts(deps, did, attempt, known, &identity).await {
        Err(FetchError::Repo { source, .. }) if source.is_signature() => {
            // The key may have changed: once more with what the directory says now.
            let identity = self::identity(deps, did, true).await?;
            from_hosts(deps, did, attempt, known, &identity).await
        }
        Err(FetchError::Host { source: PdsError::RepoNotFound, .. }) => {
            // It may have moved since we last looked.
            let identity = self::identity(deps, did, true).await?;
            match from_hosts(deps, did, attempt, known, &identity).await {
                Err(FetchError::Host { source: PdsError::RepoNotFound, .. }) => {
                    Err(FetchError::NotFound)
                }
                other => other,
            }
        }
        other => other,
    }
}

/// An account's repository to look at, checked; nothing of it is handed on.
pub(crate) async fn look(deps: &ResyncDeps, did: &Did) -> Result<Received, FetchError> {
    match look_with(deps, did, &*identity(deps, did, false).await?).await {
        Err(FetchError::Repo { source, .. }) if source.is_signature() => {
            look_with(deps, did, &*identity(deps, did, true).await?).await
        }
        other => other,
    }
}

async fn look_with(
    deps: &ResyncDeps,
    did: &Did,
    identity: &Identity,
) -> Result<Received, FetchError> {
    let key = identity.signing_key.ok_or(FetchError::NoKey)?;
    let relay = deps.config.resync.relay_url.clone();
    let mut last = FetchError::NoHost;
    for host in relay.into_iter().chain(identity.pds.clone()) {
        match receive(deps, did, &key, &host).await {
            Ok(received) => return Ok(received),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn identity(
    deps: &ResyncDeps,
    did: &Did,
    refresh: bool,
) -> Result<Arc<Identity>, FetchError> {
    let answer = if refresh {
        lookup::anew(&deps.resolver, did).await
    } else {
        deps.resolver.identity(did).await
    };
    match answer {
        Ok(identity) => Ok(identity),
        Err(ResolveError::Tombstoned { .. }) => Err(FetchError::Inactive("deleted")),
        Err(error) => Err(FetchError::Identity(error)),
    }
}

/// The relay first if one serves repositories, then the account's own PDS.
async fn from_hosts(
    deps: &ResyncDeps,
    did: &Did,
    attempt: u64,
    known: Option<Tid>,
    identity: &Identity,
) -> Result<Fetched, FetchError> {
    let key = identity.signing_key.ok_or(FetchError::NoKey)?;
    let relay = deps.config.resync.relay_url.clone();
    let mut last = FetchError::NoHost;
    for host in relay.into_iter().chain(identity.pds.clone()) {
        match from_host(deps, did, attempt, known, &key, &host).await {
            Ok(fetched) => return Ok(Fetched { pds: identity.pds.clone(), ..fetched }),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn from_host(
    deps: &ResyncDeps,
    did: &Did,
    attempt: u64,
    known: Option<Tid>,
    key: &PublicKey,
    host: &str,
) -> Result<Fetched, FetchError> {
    let Received { repo, bytes, large: _large } = receive(deps, did, key, host).await?;
    let chain = repo.chain();
    if let Some(known) = known
        && chain.rev < known
    {
        return Err(FetchError::Older { host: host.to_owned(), found: chain.rev, known });
    }
    millrace_runtime::crash::point("ingest.resync.fetched");
    let (records, invalid) = (repo.valid_total(), repo.invalid_total());
    let is_labeler = repo.leaves().any(|leaf| leaf.path == labelers::DECLARATION);
    let handing = snapshot::Handing {
        did: did.clone(),
        host: host.to_owned(),
        chunk_bytes_max: deps.config.resync.chunk_bytes_max,
        time_us: deps.clock.now_us(),
        rng: deps.rng.clone(),
    };
    let (chunks, mut ready) = mpsc::channel(1);
    let cutting = tokio::task::spawn_blocking(move || snapshot::cut(&repo, &handing, &chunks));
    while let Some(entry) = ready.recv().await {
        snapshot::hand_on(deps, did, attempt, entry).await?;
        millrace_runtime::crash::point("ingest.resync.between_parts");
    }
    cutting
        .await
        .map_err(|error| FetchError::Handing(error.to_string()))?
        .map_err(|error| FetchError::Handing(error.to_string()))?;
    millrace_runtime::crash::point("ingest.resync.after_parts");
    Ok(Fetched { chain, pds: None, records, bytes, invalid, is_labeler })
}

/// A repository that passed.
pub(crate) struct Received {
    pub(crate) repo: VerifiedRepo,
    pub(crate) bytes: u64,
    /// To keep it in memory if it is a large one.
    pub(crate) large: Option<OwnedSemaphorePermit>,
}

/// The whole body, through a thread that checks it as it comes.
async fn receive(
    deps: &ResyncDeps,
    did: &Did,
    key: &PublicKey,
    host: &str,
) -> Result<Received, FetchError> {
    let _turn = deps.bounds.hosts.turn(host).await;
    let refused = |source: PdsError| match source {
        PdsError::RepoTakendown => FetchError::Inactive("takendown"),
        PdsError::RepoSuspended => FetchError::Inactive("suspended"),
        PdsError::RepoDeactivated => FetchError::Inactive("deactivated"),
        source => FetchError::Host { host: host.to_owned(), source },
    };
    let mut body = deps.pds.get_repo(host, did, None).await.map_err(refused)?;
    let (pieces, arriving) = mpsc::channel(PIECES_WAITING_MAX);
    let (checked_did, checked_key, now_us) = (did.clone(), *key, deps.clock.now_us());
    let bytes_max = deps.config.resync.repo_bytes_max;
    let checking = tokio::task::spawn_blocking(move || {
        check(arriving, &checked_did, &checked_key, now_us, bytes_max)
    });
    let mut bytes = 0_usize;
    let mut large = None;
    while let Some(piece) = body.next_chunk().await.map_err(refused)? {
        bytes = bytes.saturating_add(piece.len());
        if bytes > bytes_max {
            return Err(FetchError::TooLarge(bytes_max));
        }
        if bytes > deps.config.resync.small_repo_bytes_max && large.is_none() {
            large = Arc::clone(&deps.bounds.large).acquire_owned().await.ok();
        }
        if pieces.send(Some(piece)).await.is_err() {
            // The checking thread has seen enough; it says why.
            break;
        }
    }
    // Without this the thread would take a body cut short by an error above for a whole one.
    let _ = pieces.send(None).await;
    drop(pieces);
    match checking.await {
        Ok(Ok(repo)) => Ok(Received { repo, bytes: bytes as u64, large }),
        Ok(Err(source)) => Err(FetchError::Repo { host: host.to_owned(), source }),
        Err(error) => Err(FetchError::Handing(error.to_string())),
    }
}

/// Checks a body that arrives in pieces; `None` is its end.
fn check(
    mut arriving: mpsc::Receiver<Option<Bytes>>,
    did: &Did,
    key: &PublicKey,
    now_us: i64,
    bytes_max: usize,
) -> Result<VerifiedRepo, RepoError> {
    let mut limits = Limits::default();
    limits.repo_car.bytes_max = bytes_max as u64;
    let mut reader = RepoReader::new(&limits);
    loop {
        match arriving.blocking_recv() {
            Some(Some(piece)) => reader.push(&piece)?,
            Some(None) => return reader.finish(did, key, now_us),
            None => return Err(RepoError::Incomplete),
        }
    }
}
