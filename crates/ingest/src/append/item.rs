//! What became of one event, on its way to the disk.

use std::sync::Arc;

use bytes::Bytes;
use millrace_atproto::{Did, Handle};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::model::{AccountState, Gap};
use crate::progress::{SourceState, Ticket};
use crate::tables::cursors::Position;
use crate::tables::identities::Outcome;
use crate::tables::rejects::Rejected;

/// One step of one account. Items of an account are saved in the order in which they are sent.
#[derive(Debug, Default)]
pub(crate) struct Item {
    /// The account, and an encoded entry for the log.
    pub(crate) entry: Option<(Did, Bytes)>,
    /// The source, and the number up to which the log shows it once the entry is durable.
    pub(crate) entry_of: Option<(Arc<SourceState>, i64)>,
    /// Events that are settled once this item is saved.
    pub(crate) tickets: Vec<Ticket>,
    /// The account's row after it.
    pub(crate) account: Option<AccountState>,
    /// Whatever else is to be saved with it.
    pub(crate) changes: Vec<Change>,
    /// The event's share of the bytes in flight; given back when its entry is durable, or when its
    /// changes are saved.
    pub(crate) permit: Option<OwnedSemaphorePermit>,
    /// A repository's share of what may be ahead of who applies it; given back when it is applied.
    pub(crate) room: Option<OwnedSemaphorePermit>,
    /// Keeps the account's state in memory until its row is saved.
    pub(crate) pin: Option<Arc<()>>,
    /// Told when everything above is saved.
    pub(crate) saved: Option<oneshot::Sender<()>>,
}

/// A change of a table beside `account`.
#[derive(Debug)]
pub(crate) enum Change {
    /// The account's handle is to be looked at, from this time on.
    IdentityWanted(Did, i64),
    /// The same, and what was known of its document before is not to be used.
    IdentityDoubted(Did, i64),
    /// Its host says that it has this handle: whoever else has it is to be looked at from this time on.
    HandleSaid(Did, Handle, i64),
    /// It was looked at.
    IdentitySettled(Box<Outcome>),
    /// An event was not accepted.
    Rejected(Box<Rejected>),
    /// A part of the stream of the source of this name may be missing.
    Gap(String, Box<Gap>),
    /// An account's repository says that it is a labeler, or says so no more.
    LabelerDeclared(Did, bool),
    /// A labeler's cursor: everything it covers was sent before it.
    Position(Box<Position>),
}
