//! What is in the log: one entry per thing that happened, in the order it was verified.
//!
//! ```text
//! DAG-CBOR map, ≤ 2 MiB                 content, by kind
//! ┌──────────┬───────────────────────┐  commit    [[[action, collection, rkey, CID|null, record|null], …]]
//! │ v        │ 1                     │  snapshot  [after|null, through|null, last, [[path, CID, record], …]]
//! │ at       │ µs since the epoch    │  identity  [handle|null, pds|null]
//! │ did      │ account               │  account   [active, status|null]
//! │ rev      │ TID|null              │  labels    [[label, …]]
//! │ seq      │ int|null              │  mark      []
//! │ kind     │ text                  │
//! │ trace    │ 16 bytes              │  action    "create" | "update" | "delete"
//! │ source   │ text                  │  record, label  byte string: its own DAG-CBOR, as it was signed
//! │ content  │ array ────────────────┼─▶
//! └──────────┴───────────────────────┘
//! ```
//!
//! The account of labels is who issued them, not whom they are about: what one labeler says stays in its
//! order, nobody else writes what follows from it, and labels of many subjects are one entry.
//!
//! To stay readable for the version before, only add: readers pass over map keys and trailing array items
//! they do not know. Anything else takes a new `v`, which older readers refuse.

mod decode;
mod encode;
mod error;

use crate::cid::Cid;
use crate::syntax::{Did, Handle, Nsid, RecordKey, Tid};

pub use crate::frame::Action;
pub use decode::trace_of;
pub use error::EntryError;

/// Version of the layout.
const VERSION: i64 = 1;

/// Most bytes of an encoded entry: 2 MiB. A verified commit always fits; a snapshot is cut into parts.
pub const ENTRY_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Which body an entry has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum EntryKind {
    /// [`EntryBody::Commit`]
    Commit,
    /// [`EntryBody::Snapshot`]
    Snapshot,
    /// [`EntryBody::Identity`]
    Identity,
    /// [`EntryBody::Account`]
    Account,
    /// [`EntryBody::Labels`]
    Labels,
    /// [`EntryBody::Mark`]
    Mark,
}

/// What every entry says about itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntryHeader {
    /// Which body follows; equals [`EntryBody::kind`].
    pub kind: EntryKind,
    /// The configured source's name.
    pub source: String,
    /// Sequence number at the source.
    pub source_seq: Option<i64>,
    /// The account.
    pub did: Did,
    /// Revision of the repository after this entry.
    pub rev: Option<Tid>,
    /// When Millrace received it, microseconds UTC; of an account's status or identity, when that was
    /// decided.
    pub time_us: i64,
    /// Trace id, from ingest to view; zero if there is none.
    pub trace: [u8; 16],
}

/// One item of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// What every entry has.
    pub header: EntryHeader,
    /// What happened.
    pub body: EntryBody,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EntryBody {
    /// A verified commit.
    Commit {
        /// In the order of the commit.
        ops: Vec<EntryOp>,
    },
    /// Part of a whole repository: in the key range (after, through] exactly these records exist.
    Snapshot {
        /// Exclusive lower bound; `None`: from the beginning.
        after: Option<String>,
        /// Inclusive upper bound; `None`: to the end.
        through: Option<String>,
        /// In key order.
        records: Vec<SnapshotRecord>,
        /// Whether this is the final part.
        last: bool,
    },
    /// Handle and PDS as resolved.
    Identity {
        /// Verified both ways, else `None`.
        handle: Option<Handle>,
        /// Origin of the account's PDS.
        pds: Option<String>,
    },
    /// The account's status.
    Account {
        /// Whether its content may be shown.
        active: bool,
        /// Why not.
        status: Option<String>,
    },
    /// Labels that the account issued, checked and verified.
    Labels {
        /// Each a [`crate::label::SentLabel`] with its signature, in the order issued.
        labels: Vec<Vec<u8>>,
    },
    /// Up to the header's `source_seq`, nothing of the source is missing before this entry.
    /// Its `did` is any account of the source.
    Mark,
}

/// One operation of a commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntryOp {
    /// What was done.
    pub action: Action,
    /// The record's collection.
    pub collection: Nsid,
    /// The record's key.
    pub rkey: RecordKey,
    /// The record's CID; `None` for a deletion.
    pub cid: Option<Cid>,
    /// Canonical DAG-CBOR; `None` for a deletion.
    pub record: Option<Vec<u8>>,
}

/// One record of a snapshot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SnapshotRecord {
    /// `collection/rkey`
    pub path: String,
    /// The record's CID.
    pub cid: Cid,
    /// Canonical DAG-CBOR.
    pub record: Vec<u8>,
}

impl EntryKind {
    /// The word in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Snapshot => "snapshot",
            Self::Identity => "identity",
            Self::Account => "account",
            Self::Labels => "labels",
            Self::Mark => "mark",
        }
    }
}

impl EntryBody {
    /// Which body this is.
    pub const fn kind(&self) -> EntryKind {
        match self {
            Self::Commit { .. } => EntryKind::Commit,
            Self::Snapshot { .. } => EntryKind::Snapshot,
            Self::Identity { .. } => EntryKind::Identity,
            Self::Account { .. } => EntryKind::Account,
            Self::Labels { .. } => EntryKind::Labels,
            Self::Mark => EntryKind::Mark,
        }
    }
}
