//! The frames of `com.atproto.sync.subscribeRepos`: one binary WebSocket message holds a header and a
//! payload, both DAG-CBOR, one after the other.
//!
//! ```text
//! {"op": 1, "t": "#commit"} │ {"blocks": …, "commit": …, "ops": […], "prevData": …, "repo": …, …}
//! {"op": -1}                │ {"error": …, "message": …}
//! ```
//!
//! Reading borrows from the message. Fields nobody knows are passed over, frames of another `op` or `t`
//! are [`Frame::Unknown`]. Specs: atproto.com/specs/event-stream, atproto.com/specs/sync.

mod encode;
mod error;
mod parse;

use serde::{Deserialize, Serialize};

use crate::cid::Cid;

pub(crate) use encode::{header, notice as write_notice};
pub use error::{FrameError, PayloadError};
pub use parse::split;
pub(crate) use parse::{OP_ERROR, OP_MESSAGE, notice, read, required};

/// Largest message, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 5_000_000;
/// Most operations in a `#commit`.
pub const OPS_MAX: usize = 200;

/// What an operation does to a record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A record at a path that had none.
    Create,
    /// Another record at a path that had one.
    Update,
    /// No record any more.
    Delete,
}

impl Action {
    /// `create`, `update` or `delete`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// Reads the word; `None` for another.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "create" => Some(Self::Create),
            "update" => Some(Self::Update),
            "delete" => Some(Self::Delete),
            _ => None,
        }
    }
}

/// One operation of a [`CommitFrame`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RepoOp<'a> {
    /// What is done; `None` if the word is unknown.
    pub action: Option<Action>,
    /// `collection/rkey`, unchecked.
    pub path: &'a str,
    /// The record's new CID; null for a deletion.
    pub cid: Option<Cid>,
    /// The CID that was at the path before; absent for a creation.
    pub prev: Option<Cid>,
}

/// `#commit`: a change of one repository. Deprecated fields (`rebase`, `tooBig`, `blobs`) are not read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommitFrame<'a> {
    /// Sequence number at the emitting host.
    pub seq: i64,
    /// The account, unchecked.
    pub repo: &'a str,
    /// Revision of the new commit, unchecked.
    pub rev: &'a str,
    /// Revision of the commit before.
    pub since: Option<&'a str>,
    /// CID of the new commit block.
    pub commit: Cid,
    /// Root of the tree before.
    pub prev_data: Option<Cid>,
    /// CAR slice with the commit, tree nodes and records.
    pub blocks: &'a [u8],
    /// At most [`OPS_MAX`] + 1: one too many shows that there are too many.
    pub ops: Vec<RepoOp<'a>>,
    /// When the host received it, unchecked; informal.
    pub time: &'a str,
}

/// `#sync`: the repository's state, without what changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SyncFrame<'a> {
    /// Sequence number at the emitting host.
    pub seq: i64,
    /// The account, unchecked.
    pub did: &'a str,
    /// Revision of the commit.
    pub rev: &'a str,
    /// CAR slice with the commit block.
    pub blocks: &'a [u8],
    /// When the host received it, unchecked; informal.
    pub time: &'a str,
}

/// `#identity`: a hint that the account's DID document or handle may have changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IdentityFrame<'a> {
    /// Sequence number at the emitting host.
    pub seq: i64,
    /// The account, unchecked.
    pub did: &'a str,
    /// The handle, not to be believed.
    pub handle: Option<&'a str>,
    /// When the host received it, unchecked; informal.
    pub time: &'a str,
}

/// `#account`: the account's status at the emitting host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccountFrame<'a> {
    /// Sequence number at the emitting host.
    pub seq: i64,
    /// The account, unchecked.
    pub did: &'a str,
    /// Whether its content may be shown.
    pub active: bool,
    /// Why not: `takendown`, `suspended`, `deleted`, `deactivated`, `desynchronized`, `throttled`, …
    pub status: Option<&'a str>,
    /// When the host received it, unchecked; informal.
    pub time: &'a str,
}

/// One message of the stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Frame<'a> {
    /// `#commit`
    Commit(CommitFrame<'a>),
    /// `#sync`
    Sync(SyncFrame<'a>),
    /// `#identity`
    Identity(IdentityFrame<'a>),
    /// `#account`
    Account(AccountFrame<'a>),
    /// `#info`; has no sequence number.
    Info {
        /// `OutdatedCursor`, or a name of the future.
        name: &'a str,
        /// For people.
        message: Option<&'a str>,
    },
    /// `op: -1`; the host closes the connection after it.
    Error {
        /// `FutureCursor`, `ConsumerTooSlow`, or a name of the future.
        error: &'a str,
        /// For people.
        message: Option<&'a str>,
    },
    /// Another `op` or `t`: ignore it.
    Unknown {
        /// The operation.
        op: i64,
        /// The type.
        t: Option<&'a str>,
    },
}

impl Frame<'_> {
    /// The sequence number; `None` for `#info`, errors and unknown frames.
    pub fn seq(&self) -> Option<i64> {
        match self {
            Self::Commit(frame) => Some(frame.seq),
            Self::Sync(frame) => Some(frame.seq),
            Self::Identity(frame) => Some(frame.seq),
            Self::Account(frame) => Some(frame.seq),
            Self::Info { .. } | Self::Error { .. } | Self::Unknown { .. } => None,
        }
    }

    /// The account it is about, unchecked; `None` for `#info`, errors and unknown frames.
    pub fn did(&self) -> Option<&str> {
        match self {
            Self::Commit(frame) => Some(frame.repo),
            Self::Sync(frame) => Some(frame.did),
            Self::Identity(frame) => Some(frame.did),
            Self::Account(frame) => Some(frame.did),
            Self::Info { .. } | Self::Error { .. } | Self::Unknown { .. } => None,
        }
    }
}
