//! The messages of a Jetstream: commits cut into operations, as JSON, without signatures or proofs.
//!
//! ```text
//! v1 /subscribe       {"did", "time_us", "kind": "commit" │ "identity" │ "account", <kind>: {…}}
//! v2 subscribeEvents  {"$type": "message", "payload": {"$type": "…#commit", "seq", "did", "time", …}}
//!                     {"$type": "error", "error", "message"}
//! ```
//!
//! Nothing here can be verified. What can be checked is: a record's JSON has one canonical encoding, and
//! that has the CID the message gives. Reading borrows from the message; unknown kinds and fields are
//! passed over. Sources: the lexicon `network.bsky.jetstream.subscribeEvents` and Jetstream's own pages.

mod error;
mod op;
mod parse;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::frame::Action;

pub use error::{JetstreamError, OpFault};

/// Largest message read, in bytes.
pub const MESSAGE_BYTES_MAX: usize = crate::frame::MESSAGE_BYTES_MAX;
/// Cursors from here on are times in microseconds, below they are sequence numbers.
pub const CURSOR_TIME_MIN: i64 = 1_000_000_000_000_000;

/// One message of either version.
#[derive(Debug)]
pub enum Message<'a> {
    /// Something happened to an account.
    Event(Event<'a>),
    /// An advisory of v2 without a number, as `OutdatedCursor`.
    Info {
        /// Its name.
        name: Cow<'a, str>,
        /// For people.
        message: Option<Cow<'a, str>>,
    },
    /// The last message of v2 before the server closes.
    Error {
        /// `ConsumerTooSlow`, or a name of the future.
        error: Cow<'a, str>,
        /// For people.
        message: Option<Cow<'a, str>>,
    },
    /// A kind nobody knows: ignore it.
    Unknown,
}

/// One event.
#[derive(Debug)]
pub struct Event<'a> {
    /// Where it stands: in v1 `time_us`, in v2 `seq`.
    pub position: i64,
    /// The account, unchecked.
    pub did: Cow<'a, str>,
    /// When the Jetstream saw it, microseconds UTC; `None` if that is no time.
    pub time_us: Option<i64>,
    /// What happened.
    pub body: Body<'a>,
}

/// What happened.
#[derive(Debug)]
pub enum Body<'a> {
    /// One operation of a commit.
    Commit(Commit<'a>),
    /// The DID document or the handle may have changed.
    Identity,
    /// The account's status at some host.
    Account(Account<'a>),
    /// The repository's state without what changed; v2 only.
    Sync(Sync<'a>),
}

/// One operation of a commit; the others of the same commit have the same `rev`.
#[derive(Debug)]
pub struct Commit<'a> {
    /// Revision of the commit, unchecked.
    pub rev: Cow<'a, str>,
    /// What is done; `None` if the word is unknown.
    pub action: Option<Action>,
    /// The collection, unchecked.
    pub collection: Cow<'a, str>,
    /// The record's key, unchecked.
    pub rkey: Cow<'a, str>,
    /// The record's JSON; absent for a deletion.
    pub record: Option<&'a RawValue>,
    /// The record's CID, unchecked; absent for a deletion.
    pub cid: Option<Cow<'a, str>>,
}

/// `#account` of the firehose, wrapped.
#[derive(Debug)]
pub struct Account<'a> {
    /// Whether its content may be shown.
    pub active: bool,
    /// Why not.
    pub status: Option<Cow<'a, str>>,
    /// When the host said so, unchecked; empty if the message does not tell.
    pub time: Cow<'a, str>,
}

/// `#sync` of the firehose, wrapped.
#[derive(Debug)]
pub struct Sync<'a> {
    /// Revision of the commit, unchecked; some servers leave it out.
    pub rev: Option<Cow<'a, str>>,
    /// CAR slice with the signed commit block; empty if the message has none.
    pub blocks: Vec<u8>,
    /// When the host said so, unchecked; empty if the message does not tell.
    pub time: Cow<'a, str>,
}
