//! What the model is told: a network as its repositories are, at moments when everything written
//! before could be read.
//!
//! Several such moments make a history. What is decided once, when a record is indexed (may this
//! reply stand under its gate?), is decided from the two moments around its last write.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// A network at one moment.
#[derive(Debug, Clone, Default)]
pub struct Moment {
    /// When everything in it was found to be readable, by the clock of the program under test.
    pub settled_us: i64,
    /// Accounts by DID.
    pub accounts: BTreeMap<String, Account>,
    /// URIs of the records that were written or deleted since the moment before.
    pub touched: BTreeSet<String>,
    /// How many writes led here.
    pub writes: u64,
    /// What labelers say that holds.
    pub labels: Vec<Label>,
}

/// Something a labeler says of an account or a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub src: String,
    /// The account's DID or the record's URI.
    pub subject: String,
    pub val: String,
}

/// An account and its repository.
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// The handle, if it leads back to the account.
    pub handle: Option<String>,
    /// Whether its content may be shown.
    pub active: bool,
    /// Why not, as its host announces it.
    pub status: Option<String>,
    /// The revision of its repository.
    pub rev: String,
    /// Records by path (`collection/rkey`), those only that their lexicons allow.
    pub records: BTreeMap<String, Record>,
}

/// A record in a repository.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub cid: String,
    /// The record as the protocol's JSON.
    pub value: Value,
    /// Since when there has been a record at its path for those who missed that it was deleted and made
    /// again: nobody can have indexed it before.
    pub created_us: i64,
    /// Whether it has been another one since.
    pub edited: bool,
}

/// What the program was told by its own users: it stands in no repository.
#[derive(Debug, Clone, Default)]
pub struct Own {
    /// Who mutes whom, in the order in which they did.
    pub mutes: Vec<(String, String)>,
    /// Who mutes which list.
    pub list_mutes: Vec<(String, String)>,
    /// Who mutes which thread, by its root.
    pub thread_mutes: Vec<(String, String)>,
    /// DIDs of the labelers that count where a request names none. What they say hides nothing.
    pub labelers: Vec<String>,
}

/// What was found to have been decided about a post where only the order of indexing could tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Judged {
    /// It stands under a gate that did not let it in.
    pub violates_threadgate: bool,
    /// It quotes a post that may not be quoted.
    pub violates_postgate: bool,
}

/// The account a URI (or a DID) names.
pub(super) fn did_of(uri: &str) -> &str {
    let authority = uri.strip_prefix("at://").unwrap_or(uri);
    authority.split('/').next().unwrap_or(authority)
}

/// The collection a record's URI names.
pub(super) fn collection_of(uri: &str) -> &str {
    uri.strip_prefix("at://").and_then(|rest| rest.split('/').nth(1)).unwrap_or_default()
}

/// The record key a record's URI names.
pub(super) fn rkey_of(uri: &str) -> &str {
    uri.strip_prefix("at://").and_then(|rest| rest.split('/').nth(2)).unwrap_or_default()
}

/// The text at a JSON pointer.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

/// The items of the array at a JSON pointer; none if there is no array.
pub(super) fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// What kind of thing a JSON object says it is.
pub(super) fn kind(value: &Value) -> &str {
    text(value, "/$type").unwrap_or_default()
}
