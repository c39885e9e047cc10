//! skeleton
use crate::car::CarError;
use crate::cid::Cid;
use crate::commit::Commit;
use crate::crypto::PublicKey;
use crate::frame::{Action, CommitFrame, SyncFrame};
use crate::syntax::{Did, Nsid, RecordKey, Tid};

/// What must be kept of a repository to check its next commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChainState {
    /// Revision of the last commit.
    pub rev: Tid,
    /// Root of its tree.
    pub data: Cid,
}

/// Bounds and tolerances.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Most bytes of `blocks` in a `#commit`.
    pub commit_blocks_bytes_max: usize,
    /// Most bytes of `blocks` in a `#sync`.
    pub sync_blocks_bytes_max: usize,
    /// Most operations of a commit.
    pub ops_max: usize,
    /// Most bytes of one record.
    pub record_bytes_max: usize,
    /// Most bytes of a commit's records together, so that they fit into one log entry.
    pub records_bytes_max: usize,
    /// How far in the future a revision may lie, in microseconds.
    pub future_rev_us: i64,
    /// Most bytes of a whole repository.
    pub repo_bytes_max: u64,
}

/// A commit that passed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified<'a> {
    /// What to keep for the next commit.
    pub chain: ChainState,
    /// CID of the commit.
    pub commit: Cid,
    /// The operations, in the order of the frame; without those of `invalid_records`.
    pub ops: Vec<VerifiedOp<'a>>,
    /// Operations whose record is no valid DAG-CBOR map: left out alone.
    pub invalid_records: Vec<InvalidRecord>,
}

/// An operation proven by the tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedOp<'a> {
    /// What was done.
    pub action: Action,
    /// The record's collection.
    pub collection: Nsid,
    /// The record's key.
    pub rkey: RecordKey,
    /// The record's CID; `None` for a deletion.
    pub cid: Option<Cid>,
    /// The CID it replaces.
    pub prev: Option<Cid>,
    /// The record's bytes, canonical DAG-CBOR; `None` for a deletion.
    pub record: Option<&'a [u8]>,
}

/// A record that was left out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InvalidRecord {
    /// `collection/rkey`
    pub path: String,
    /// The CID of its bytes.
    pub cid: Cid,
    /// What is wrong.
    pub fault: RecordFault,
}

/// What is wrong with a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RecordFault {
    /// Not a DAG-CBOR map.
    #[error("{0}")]
    Cbor(#[from] crate::cbor::CborError),
    /// Over [`Limits::record_bytes_max`].
    #[error("a record of {0} bytes")]
    TooLarge(usize),
    /// In a repository: a key that is not `collection/rkey`.
    #[error("a key that is not collection/rkey")]
    Path,
}

/// Why an event was not accepted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Reject {
    /// Already seen: drop it silently.
    #[error("revision is not after the one known")]
    Stale,
    /// Does not continue what is known: refetch the repository.
    #[error("out of sync: {0}")]
    Desync(#[from] DesyncReason),
    /// Wrong in itself.
    #[error("invalid: {0}")]
    Invalid(#[from] InvalidReason),
}

/// Why a repository must be refetched.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DesyncReason {
    /// skeleton
    #[error("skeleton")]
    Since,
}

/// What is wrong with an event.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidReason {
    /// skeleton
    #[error("skeleton")]
    Skeleton,
}

impl Reject {
    /// A stable, short label for metrics.
    pub fn reason(&self) -> &'static str {
        unimplemented!()
    }

    /// Whether the signature was the fault: refresh the identity once and try again.
    pub fn is_signature(&self) -> bool {
        unimplemented!()
    }

    /// Whether the repository must be refetched to be known again.
    pub fn needs_resync(&self) -> bool {
        unimplemented!()
    }
}

/// Checks a `#commit`.
pub fn verify_commit<'a>(
    frame: &CommitFrame<'a>,
    key: &PublicKey,
    prior: Option<&ChainState>,
    now_us: i64,
    limits: &Limits,
) -> Result<Verified<'a>, Reject> {
    let _ = (frame, key, prior, now_us, limits);
    unimplemented!()
}

/// What a `#sync` says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SyncVerdict {
    /// The state we have: ignore it.
    InSync,
    /// Another state: mark the repository desynchronized and refetch it.
    Diverged(ChainState),
}

/// Checks a `#sync`.
pub fn verify_sync(
    frame: &SyncFrame<'_>,
    key: &PublicKey,
    prior: Option<&ChainState>,
    now_us: i64,
    limits: &Limits,
) -> Result<SyncVerdict, Reject> {
    let _ = (frame, key, prior, now_us, limits);
    unimplemented!()
}

/// Why a whole repository was not accepted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RepoError {
    /// The file is broken; [`CarError::Truncated`] may go away.
    #[error(transparent)]
    Car(#[from] CarError),
    /// Signature, commit or tree are wrong.
    #[error(transparent)]
    Invalid(#[from] InvalidReason),
}

impl RepoError {
    /// Whether the same request may succeed later.
    pub fn retryable(&self) -> bool {
        unimplemented!()
    }

    /// A stable, short label for metrics.
    pub fn reason(&self) -> &'static str {
        unimplemented!()
    }
}

/// Takes in a repository's CAR file piece by piece, in any block order.
#[derive(Debug)]
pub struct RepoReader {}

impl RepoReader {
    /// skeleton
    pub fn new(limits: &Limits) -> Self {
        let _ = limits;
        unimplemented!()
    }

    /// Takes the next piece.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), RepoError> {
        let _ = piece;
        unimplemented!()
    }

    /// The input has ended: checks signature and tree.
    pub fn finish(
        self,
        did: &Did,
        key: &PublicKey,
        now_us: i64,
    ) -> Result<VerifiedRepo, RepoError> {
        let _ = (did, key, now_us);
        unimplemented!()
    }
}

/// A whole repository that passed.
#[derive(Debug)]
pub struct VerifiedRepo {
    /// Its signed commit.
    pub commit: Commit,
}

/// One record of a [`VerifiedRepo`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RepoLeaf<'a> {
    /// `collection/rkey`
    pub path: String,
    /// The record's CID, as the tree has it.
    pub cid: Cid,
    /// The record's bytes, canonical DAG-CBOR.
    pub record: &'a [u8],
}

impl VerifiedRepo {
    /// What to keep for the next commit.
    pub fn chain(&self) -> ChainState {
        unimplemented!()
    }

    /// Records, without the invalid ones.
    pub fn leaves_total(&self) -> u64 {
        unimplemented!()
    }

    /// How many records were left out because their path or bytes are invalid.
    pub fn invalid_total(&self) -> u64 {
        unimplemented!()
    }

    /// The valid records in key order.
    pub fn leaves(&self) -> impl Iterator<Item = RepoLeaf<'_>> {
        std::iter::empty()
    }
}

/// Checks a whole repository that lies in memory.
pub fn verify_repo(
    car: &[u8],
    did: &Did,
    key: &PublicKey,
    now_us: i64,
    limits: &Limits,
) -> Result<VerifiedRepo, RepoError> {
    let _ = (car, did, key, now_us, limits);
    unimplemented!()
}
