//! Sync 1.1: whether an event of a repository can be believed. Pure functions; keys, the state known
//! before and the time are passed in.
//!
//! ```text
//!                 rev ≤ known rev ─────────────▶ Stale: drop silently
//! #commit ──┬──── does not continue the state ─▶ Desync: refetch the repository
//!           ├──── wrong in itself ─────────────▶ Invalid: drop, report (signature: refresh the identity once)
//!           └──── all checks pass ─────────────▶ Verified: the next state, the operations, their records
//! ```
//!
//! A commit proves itself by induction: its blocks hold the changed part of the tree; undoing its
//! operations on that part must give exactly the root that was known before (`prevData`).
//! Spec: atproto.com/specs/sync ("Message Validation"), atproto.com/specs/repository ("Diffs").

mod commit;
mod held;
mod record;
mod reject;
mod repo;
mod signed;
mod tree;

use crate::car::CarLimits;
use crate::cbor::CborError;
use crate::cid::Cid;
use crate::frame::{Action, OPS_MAX};
use crate::syntax::{Nsid, RecordKey, Tid};

pub use commit::verify_commit;
pub use record::{ProvenRecord, verify_record};
pub use reject::{DesyncReason, InvalidReason, Reject, RepoError};
pub use repo::{RepoLeaf, RepoReader, VerifiedRepo, verify_repo};
pub use signed::{SyncVerdict, verify_sync};

/// What must be kept of a repository to check its next commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChainState {
    /// Revision of the last commit.
    pub rev: Tid,
    /// Root of its tree.
    pub data: Cid,
}

/// Bounds and tolerances; the defaults are the network's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bounds on `blocks` of a `#commit`.
    pub commit_car: CarLimits,
    /// Bounds on `blocks` of a `#sync`.
    pub sync_car: CarLimits,
    /// Bounds on a whole repository.
    pub repo_car: CarLimits,
    /// Most operations of a commit; not above [`OPS_MAX`].
    pub ops_max: usize,
    /// Most bytes of one record; a larger one is left out alone.
    pub record_bytes_max: usize,
    /// Most bytes of the records of one commit together, each operation counted. Below
    /// [`crate::entry::ENTRY_BYTES_MAX`] by what paths and CIDs may take, so that a verified commit fits
    /// into a log entry: 200 operations may all name the same large block.
    pub records_bytes_max: usize,
    /// How far in the future a revision may lie, in microseconds.
    pub future_rev_us: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            commit_car: CarLimits::COMMIT,
            sync_car: CarLimits::SYNC,
            repo_car: CarLimits::REPO,
            ops_max: OPS_MAX,
            record_bytes_max: 1 << 20,
            records_bytes_max: 1_800_000,
            future_rev_us: 5 * 60 * 1_000_000,
        }
    }
}

/// A commit that passed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified<'a> {
    /// What to keep for the next commit.
    pub chain: ChainState,
    /// CID of the commit.
    pub commit: Cid,
    /// The operations in the order of the frame, without those of `invalid_records`.
    pub ops: Vec<VerifiedOp<'a>>,
    /// Operations left out alone, because their record is not valid.
    pub invalid_records: Vec<InvalidRecord>,
}

/// An operation that the tree proves.
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
    /// The CID that was there before, as far as the frame says.
    pub prev: Option<Cid>,
    /// The record, a map in strict DAG-CBOR; `None` for a deletion.
    pub record: Option<&'a [u8]>,
}

/// A record that was left out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InvalidRecord {
    /// `collection/rkey`
    pub path: String,
    /// The CID of its bytes.
    pub cid: Cid,
    /// What is wrong with it.
    pub fault: RecordFault,
}

/// What is wrong with a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RecordFault {
    /// Not a map in strict DAG-CBOR.
    #[error("the record is malformed: {0}")]
    Cbor(#[from] CborError),
    /// Over [`Limits::record_bytes_max`].
    #[error("a record of {0} bytes")]
    TooLarge(usize),
    /// A key of the tree that is not `collection/rkey`; in whole repositories only.
    #[error("a key that is not a collection and a record key")]
    Path,
}

/// What makes bytes a record: size, strict encoding, a map.
fn check_record(record: &[u8], limits: &Limits) -> Result<(), RecordFault> {
    if record.len() > limits.record_bytes_max {
        return Err(RecordFault::TooLarge(record.len()));
    }
    Ok(crate::cbor::validate_record(record)?)
}

/// Splits `collection/rkey` and checks both halves.
fn split_path(path: &str) -> Option<(Nsid, RecordKey)> {
    let (collection, rkey) = path.split_once('/')?;
    Some((Nsid::parse(collection).ok()?, RecordKey::parse(rkey).ok()?))
}
