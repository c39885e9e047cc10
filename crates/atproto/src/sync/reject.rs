//! Why an event or a repository was not accepted. Every reason has a label for metrics.

use crate::car::CarError;
use crate::cid::Cid;
use crate::commit::CommitError;
use crate::crypto::SignatureError;
use crate::mst::MstError;
use crate::syntax::SyntaxError;

/// Why an event was not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Reject {
    /// The revision is not after the one known: seen already; drop it silently.
    #[error("the revision is not after the one known")]
    Stale,
    /// It does not continue what is known, or does not tell all: refetch the repository.
    #[error("out of sync: {0}")]
    Desync(#[from] DesyncReason),
    /// It is wrong in itself.
    #[error("invalid: {0}")]
    Invalid(#[from] InvalidReason),
}

/// Why a repository must be refetched.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DesyncReason {
    /// `blocks` is empty, as in the days of `tooBig`.
    #[error("the commit carries no blocks")]
    EmptyBlocks,
    /// `since` is not the revision known.
    #[error("`since` is not the revision known")]
    Since,
    /// `prevData` is not the tree known.
    #[error("`prevData` is not the tree known")]
    PrevData,
    /// `prevData` is absent, though a tree is known.
    #[error("`prevData` is absent")]
    PrevDataAbsent,
    /// Tree nodes that the operations need are not among the blocks.
    #[error("the tree node {0} is not among the blocks")]
    ProofIncomplete(Cid),
    /// A record is not among the blocks; some hosts leave one out that they have sent before.
    #[error("the record {0} is not among the blocks")]
    RecordMissing(Cid),
    /// The records together are over [`super::Limits::records_bytes_max`].
    #[error("the records take {0} bytes together")]
    RecordsTooLarge(usize),
}

/// What is wrong with an event or a repository.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidReason {
    /// `blocks` is over its limit.
    #[error("`blocks` has {0} bytes")]
    BlocksTooLarge(usize),
    /// More operations than allowed.
    #[error("more than {0} operations")]
    TooManyOps(usize),
    /// The account is not a DID.
    #[error("the account is {0}")]
    Did(SyntaxError),
    /// The revision is not a TID.
    #[error("the revision is {0}")]
    Rev(SyntaxError),
    /// The revision lies too far in the future.
    #[error("the revision lies {0} µs in the future")]
    FutureRev(i64),
    /// The blocks are no CAR file, or one of them is forged.
    #[error("the blocks: {0}")]
    Car(#[from] CarError),
    /// The root of the blocks is not the commit of the event.
    #[error("the root of the blocks is another commit")]
    Root,
    /// The commit is not among the blocks.
    #[error("the commit is not among the blocks")]
    CommitMissing,
    /// The commit block is malformed.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The commit is another account's.
    #[error("the commit is another account's")]
    CommitDid,
    /// The commit has another revision than the event.
    #[error("the commit has another revision")]
    CommitRev,
    /// The signature is wrong; the key may have changed.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// An operation's path is not `collection/rkey`.
    #[error("an operation's path is not a collection and a record key")]
    OpPath,
    /// An operation's action is unknown, or its CIDs do not fit the action.
    #[error("an operation's fields do not fit its action")]
    OpShape,
    /// Two operations on one path.
    #[error("two operations on one path")]
    OpDuplicate,
    /// The new tree does not have what an operation says.
    #[error("the tree does not have what an operation says")]
    OpTree,
    /// The tree's nodes are malformed.
    #[error("the tree: {0}")]
    Mst(MstError),
    /// Undoing the operations does not give `prevData`.
    #[error("undoing the operations does not give the tree before")]
    Inversion,
    /// The records of a whole repository, each leaf counted, are over what a file may hold.
    #[error("the records take over {0} bytes, each leaf counted")]
    RecordsTooLarge(u64),
}

impl Reject {
    /// A stable, short label for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Desync(reason) => reason.reason(),
            Self::Invalid(reason) => reason.reason(),
        }
    }

    /// Whether the signature was the fault: refresh the identity once and try again.
    pub fn is_signature(&self) -> bool {
        matches!(self, Self::Invalid(InvalidReason::Signature(_)))
    }

    /// Whether the repository must be refetched to be known again: the event did not continue the known
    /// state, or the account signed it but its operations are not what its tree shows.
    pub fn needs_resync(&self) -> bool {
        match self {
            Self::Stale => false,
            Self::Desync(_) => true,
            Self::Invalid(reason) => matches!(
                reason,
                InvalidReason::OpPath
                    | InvalidReason::OpShape
                    | InvalidReason::OpDuplicate
                    | InvalidReason::OpTree
                    | InvalidReason::Mst(_)
                    | InvalidReason::Inversion
            ),
        }
    }
}

impl DesyncReason {
    /// A stable, short label for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::EmptyBlocks => "empty_blocks",
            Self::Since => "since",
            Self::PrevData => "prev_data",
            Self::PrevDataAbsent => "prev_data_absent",
            Self::ProofIncomplete(_) => "proof_incomplete",
            Self::RecordMissing(_) => "record_missing",
            Self::RecordsTooLarge(_) => "records_too_large",
        }
    }
}

impl InvalidReason {
    /// A stable, short label for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::BlocksTooLarge(_) => "blocks_too_large",
            Self::TooManyOps(_) => "too_many_ops",
            Self::Did(_) => "did",
            Self::Rev(_) => "rev",
            Self::FutureRev(_) => "future_rev",
            Self::Car(error) => error.reason(),
            Self::Root => "root",
            Self::CommitMissing => "commit_missing",
            Self::Commit(_) => "commit",
            Self::CommitDid => "commit_did",
            Self::CommitRev => "commit_rev",
            Self::Signature(_) => "signature",
            Self::OpPath => "op_path",
            Self::OpShape => "op_shape",
            Self::OpDuplicate => "op_duplicate",
            Self::OpTree => "op_tree",
            Self::Mst(error) => error.reason(),
            Self::Inversion => "inversion",
            Self::RecordsTooLarge(_) => "records_too_large",
        }
    }
}

/// Why a whole repository was not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RepoError {
    /// The file broke off or lacks blocks: fetching it again may help.
    #[error("the repository is not complete")]
    Incomplete,
    /// File, commit, signature or tree are wrong.
    #[error(transparent)]
    Invalid(#[from] InvalidReason),
}

impl RepoError {
    /// Whether the same request may succeed later.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Incomplete)
    }

    /// Whether the signature was the fault: refresh the identity once and try again.
    pub fn is_signature(&self) -> bool {
        matches!(self, Self::Invalid(InvalidReason::Signature(_)))
    }

    /// A stable, short label for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Incomplete => "repo_incomplete",
            Self::Invalid(reason) => reason.reason(),
        }
    }
}

impl From<CarError> for RepoError {
    fn from(error: CarError) -> Self {
        if error.retryable() { Self::Incomplete } else { Self::Invalid(InvalidReason::Car(error)) }
    }
}

impl From<MstError> for RepoError {
    fn from(error: MstError) -> Self {
        match error {
            MstError::Missing(_) => Self::Incomplete,
            other => Self::Invalid(InvalidReason::Mst(other)),
        }
    }
}
