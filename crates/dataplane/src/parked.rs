//! Parked entries as an operator sees them. They lie in the data-plane's domain, beside its offset.
//!
//! Each operation is one function over a transaction. A command without a server runs it on the tables,
//! the internal listener's routes on the server's store, and everybody else asks `query/parked.rs`.

pub mod deliveries;
mod id;
pub mod why;

use millrace_atproto::cbor;
use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::entry::Entry;
use millrace_store::parked::{self, LIST_MAX, Parked, ParkedFilter};
use millrace_store::{Store, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use deliveries::DeliveryState;
pub use id::{NoParkedId, Of, ParkedId};

/// Bytes of an entry that cannot be decoded which are shown.
const HEX_BYTES_MAX: usize = 1_024;

/// Parked entries, the oldest first, without what stands in the log.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ListParked {
    /// What lies parked; the data-plane tells of entries and deliveries.
    #[serde(skip_serializing_if = "Of::is_entries")]
    pub of: Of,
    /// Only this projection's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub projection: Option<String>,
    /// Entries with a higher number.
    pub after: i64,
    /// At most so many.
    pub limit: u32,
    /// Of deliveries: those that are settled, instead of those that are not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub settled: bool,
}

/// A page of parked entries, the oldest first.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ParkedPage {
    pub parked: Vec<ParkedEntry>,
    /// `after` of the next page; none at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<i64>,
}

/// One parked entry.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParkedEntry {
    /// What it is; the number is its own among those.
    #[serde(default, skip_serializing_if = "Of::is_entries")]
    pub of: Of,
    pub id: i64,
    pub projection: String,
    pub topic: String,
    pub partition: u32,
    pub offset: i64,
    /// Whose entries wait behind this one.
    pub key: Option<String>,
    pub reason: String,
    /// Why entries are parked for this reason, and what to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    pub error: String,
    pub attempts: i64,
    pub appended_at: String,
    pub parked_at: String,
    pub last_tried_at: String,
    /// None: not until an operator asks, or until its turn comes.
    pub next_try_at: Option<String>,
    /// Of a delivery: how it stands, and once it is settled how that came about and who decided it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<DeliveryState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// What stands in the log; only of an entry looked at by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<Value>,
}

/// How many entries something was done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Touched {
    pub entries: u64,
}

impl From<Parked> for ParkedEntry {
    fn from(parked: Parked) -> Self {
        let why = why::of(&parked.reason);
        Self {
            of: Of::Entries,
            id: parked.id,
            projection: parked.projection,
            topic: parked.topic,
            partition: parked.partition,
            offset: parked.offset,
            key: parked.barrier_key.map(|key| String::from_utf8_lossy(&key).into_owned()),
            cause: why.map(|why| why.cause.to_owned()),
            remedy: why.map(|why| why.remedy.to_owned()),
            reason: parked.reason,
            error: parked.error,
            attempts: parked.attempts,
            appended_at: format_ms_us(parked.appended_us),
            parked_at: format_ms_us(parked.first_us),
            last_tried_at: format_ms_us(parked.last_us),
            next_try_at: parked.next_us.map(format_ms_us),
            state: None,
            resolution: None,
            actor: None,
            entry: (!parked.entry.is_empty()).then(|| shown(&parked.entry)),
        }
    }
}

/// An entry for a person to read: its DAG-CBOR as JSON, or what is wrong with it and its bytes.
fn shown(entry: &[u8]) -> Value {
    let fault = Entry::decode(entry).err().map(|error| error.to_string());
    let json = cbor::decode(entry)
        .ok()
        .and_then(|value| serde_json::from_str(&cbor::to_json(&value)).ok());
    let content: Value = json.unwrap_or_else(|| hex(entry));
    json!({ "bytes": entry.len(), "fault": fault, "content": content })
}

/// The first bytes of what cannot be read.
fn hex(bytes: &[u8]) -> Value {
    let hex: String = bytes.iter().take(HEX_BYTES_MAX).map(|byte| format!("{byte:02x}")).collect();
    json!({ "hex": hex })
}

pub(crate) fn page(tx: &mut Tx, question: &ListParked) -> Result<ParkedPage, StoreError> {
    let limit = question.limit.clamp(1, LIST_MAX);
    let projection = question.projection.clone();
    let rows = parked::list(tx, &ParkedFilter { projection, after_id: question.after, limit })?;
    let full = rows.len() as u64 >= u64::from(limit);
    let cursor = rows.last().map(|last| last.id).filter(|_| full);
    Ok(ParkedPage { parked: rows.into_iter().map(Into::into).collect(), cursor })
}

pub(crate) fn one(tx: &mut Tx, id: i64) -> Result<Option<ParkedEntry>, StoreError> {
    Ok(parked::get(tx, id)?.map(Into::into))
}

pub(crate) fn try_again(tx: &mut Tx, id: i64) -> Result<Touched, StoreError> {
    Ok(Touched { entries: parked::retry(tx, id)?.into() })
}

pub(crate) fn try_all_again(tx: &mut Tx, projection: &str) -> Result<Touched, StoreError> {
    Ok(Touched { entries: parked::retry_all(tx, projection)? })
}

pub(crate) fn give_up(tx: &mut Tx, id: i64) -> Result<Touched, StoreError> {
    Ok(Touched { entries: parked::discard(tx, id)?.into() })
}

/// A page of parked entries.
///
/// # Errors
/// The store cannot be read.
pub async fn list(store: &Store, question: ListParked) -> Result<ParkedPage, StoreError> {
    store.read(move |tx| page(tx, &question)).await
}

/// One parked entry with its content.
///
/// # Errors
/// The store cannot be read.
pub async fn get(store: &Store, id: i64) -> Result<Option<ParkedEntry>, StoreError> {
    store.read(move |tx| one(tx, id)).await
}

/// Has the worker try an entry again, or the one it waits behind.
///
/// # Errors
/// The store cannot be written.
pub async fn retry(store: &Store, id: i64) -> Result<Touched, StoreError> {
    store.write(move |tx| try_again(tx, id)).await
}

/// Has the worker try everything that a projection has parked.
///
/// # Errors
/// The store cannot be written.
pub async fn retry_all(store: &Store, projection: String) -> Result<Touched, StoreError> {
    store.write(move |tx| try_all_again(tx, &projection)).await
}

/// Gives an entry up.
///
/// # Errors
/// The store cannot be written.
pub async fn discard(store: &Store, id: i64) -> Result<Touched, StoreError> {
    store.write(move |tx| give_up(tx, id)).await
}
