//! Events that webhooks did not take, as an operator sees them. They lie in the domain `own`: how a delivery stands and
//! what a person decided of it is known nowhere else.
//!
//! ```text
//!   given up ──▶ pending ◀──failed── retrying ──delivered──▶ resolved        forgotten
//!                   │ ╰──── retry ──────▲                       ▲    after a month ▲
//!                   ├────── resolve, with a note ───────────────╯ ─────────────────┤
//!                   ╰────── discard ─────────────────────▶ discarded ──────────────╯
//! ```
//!
//! Who sends (`millrace-webhooks`) writes the rows; here they are looked at and decided of. What goes out again does so
//! by the outbox, in the transaction that says so.

use millrace_atproto::datetime::format_ms_us;
use millrace_log::{Headers, Topic};
use millrace_store::outbox::{self, Failure, Passed};
use millrace_store::parked::LIST_MAX;
use millrace_store::{Domain, Param, Row, Store, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::why::{self, Why};
use super::{ListParked, Of, ParkedEntry, ParkedPage, Touched};

/// Where what is to go out again goes.
const AGAIN: Topic = Topic::PostCreatedRetry1m;
/// Deliveries that one transaction has go out again.
pub const RETRIED_MAX: i64 = 100;
/// Bytes of a note.
pub const NOTE_BYTES_MAX: usize = 1_000;
/// What a delivery was resolved by that somebody resolved without saying how.
const BY_OTHER_MEANS: &str = "by other means";
/// Counting ends here.
const COUNTED_MAX: i64 = 100_000;

/// Why there are deliveries among what is parked, and what to do.
const WHY: &[Why] = &[
    Why {
        reason: "refused",
        cause: "The webhook answered that it does not take this event, and that it never will.",
        remedy: "read what it answered; once the receiver takes it, retry, or resolve it if the receiver learned of it otherwise",
    },
    Why {
        reason: "status",
        cause: "The webhook answered with an error each time: at once, and after a minute, ten minutes and an hour.",
        remedy: "see what is wrong with the receiver, then retry",
    },
    Why {
        reason: "unreachable",
        cause: "The webhook did not answer at all: at once, and after a minute, ten minutes and an hour.",
        remedy: "see that the receiver runs and that its URL is right, then retry",
    },
    Why {
        reason: "no-event",
        cause: "The item in the log is not an event that can be delivered: its headers or its payload are not those of one.",
        remedy: "whoever wrote it into the topic is at fault; discard it",
    },
];

/// How a delivery stands that was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// It waits for a person.
    Pending,
    /// It is on its way again.
    Retrying,
    /// It was delivered after all, or a person saw to it.
    Resolved,
    /// Nobody needs it.
    Discarded,
}

impl DeliveryState {
    /// As it is stored.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Pending => 0,
            Self::Retrying => 1,
            Self::Resolved => 2,
            Self::Discarded => 3,
        }
    }

    /// The inverse of [`DeliveryState::number`].
    #[must_use]
    pub const fn of_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Pending),
            1 => Some(Self::Retrying),
            2 => Some(Self::Resolved),
            3 => Some(Self::Discarded),
            _ => None,
        }
    }

    /// Whether nothing happens to it any more.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Resolved | Self::Discarded)
    }
}

/// How many of them went out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Retried {
    pub entries: u64,
    /// The last one, behind which there may be more; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<i64>,
}

/// The table, wherever the transaction is.
fn table(tx: &Tx) -> &'static str {
    match tx.domain() {
        Domain::Own => "dlq",
        _ => "own.dlq",
    }
}

const COLUMNS: &str =
    "d.id, d.consumer, d.topic, d.original_topic, d.partition, d.log_offset, d.did, d.reason,
    d.error, d.attempts, d.first_at_us, d.last_at_us, d.state, d.resolution, d.actor";

pub(crate) fn page(tx: &mut Tx, question: &ListParked) -> Result<ParkedPage, StoreError> {
    let limit = question.limit.clamp(1, LIST_MAX);
    let states = if question.settled { "IN (2, 3)" } else { "IN (0, 1)" };
    let sql = format!(
        "SELECT {COLUMNS} FROM {} AS d WHERE d.state {states} AND d.id > $1 AND ($2 = '' OR d.consumer = $2)
         ORDER BY d.id LIMIT $3",
        table(tx)
    );
    let consumer = question.projection.as_deref().unwrap_or_default();
    let params = [Param::Int(question.after), Param::Text(consumer), Param::Int(limit.into())];
    let parked = tx.query(&sql, &params, |row| shown(row, None))?;
    let full = parked.len() as u64 >= u64::from(limit);
    let cursor = parked.last().map(|last| last.id).filter(|_| full);
    Ok(ParkedPage { parked, cursor })
}

pub(crate) fn one(tx: &mut Tx, id: i64) -> Result<Option<ParkedEntry>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS}, d.headers, d.payload FROM {} AS d WHERE d.id = $1", table(tx));
    tx.query_opt(&sql, &[Param::Int(id)], |row| {
        let headers = Headers::decode(&row.get::<Vec<u8>>(15)?).unwrap_or_default();
        shown(row, Some(content(&headers, &row.get::<Vec<u8>>(16)?)))
    })
}

/// How many are not settled, counted up to a bound.
pub(crate) fn count(tx: &mut Tx) -> Result<Touched, StoreError> {
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM {} AS d WHERE d.state IN (0, 1) LIMIT $1) AS found",
        table(tx)
    );
    let entries: i64 = tx.query_one(&sql, &[Param::Int(COUNTED_MAX)], |row| row.get(0))?;
    Ok(Touched { entries: u64::try_from(entries).unwrap_or(0) })
}

pub(crate) fn try_again(tx: &mut Tx, id: i64) -> Result<Touched, StoreError> {
    let found = tx.query(
        "SELECT id, key, headers, payload FROM dlq WHERE id = $1 AND state IN (0, 1)",
        &[Param::Int(id)],
        waiting,
    )?;
    send_again(tx, &found).map(|retried| Touched { entries: retried.entries })
}

/// Those that are pending behind `after`, so many as fit one transaction.
pub(crate) fn try_all_again(tx: &mut Tx, after: i64) -> Result<Retried, StoreError> {
    let found = tx.query(
        "SELECT id, key, headers, payload FROM dlq WHERE state = 0 AND id > $1 ORDER BY id LIMIT $2",
        &[after, RETRIED_MAX].map(Param::Int),
        waiting,
    )?;
    send_again(tx, &found)
}

pub(crate) fn settle(
    tx: &mut Tx,
    id: i64,
    (state, resolution, actor): (DeliveryState, &str, &str),
) -> Result<Touched, StoreError> {
    let now_us = tx.now_us();
    let entries = tx.execute(
        "UPDATE dlq SET state = $2, resolution = $3, actor = $4, last_at_us = $5
         WHERE id = $1 AND state IN (0, 1)",
        &[
            Param::Int(id),
            Param::Int(state.number()),
            Param::Text(resolution),
            Param::Text(actor),
            Param::Int(now_us),
        ],
    )?;
    Ok(Touched { entries })
}

pub(crate) fn give_up(tx: &mut Tx, id: i64, actor: &str) -> Result<Touched, StoreError> {
    settle(tx, id, (DeliveryState::Discarded, "discarded", actor))
}

pub(crate) fn resolve_one(
    tx: &mut Tx,
    id: i64,
    (note, actor): (Option<&str>, &str),
) -> Result<Touched, StoreError> {
    let note = note.map(str::trim).filter(|note| !note.is_empty()).unwrap_or(BY_OTHER_MEANS);
    if note.len() > NOTE_BYTES_MAX {
        let (found, max) = (note.len(), NOTE_BYTES_MAX);
        return Err(StoreError::TooLarge { what: "a note", found, max });
    }
    settle(tx, id, (DeliveryState::Resolved, note, actor))
}

/// What goes out again of a row.
struct Waiting {
    id: i64,
    key: Vec<u8>,
    headers: Headers,
    payload: Vec<u8>,
}

fn waiting(row: &Row<'_>) -> Result<Waiting, StoreError> {
    let headers = Headers::decode(&row.get::<Vec<u8>>(2)?).unwrap_or_default();
    Ok(Waiting { id: row.get(0)?, key: row.get(1)?, headers, payload: row.get(3)? })
}

fn send_again(tx: &mut Tx, some: &[Waiting]) -> Result<Retried, StoreError> {
    let now_us = tx.now_us();
    let headers: Vec<Headers> =
        some.iter().map(|one| Failure::retried(&one.headers, now_us)).collect();
    let items = some.iter().zip(&headers).map(|(one, headers)| Passed {
        topic: AGAIN,
        key: &one.key,
        payload: &one.payload,
        headers,
    });
    outbox::pass_on(tx, items)?;
    let ids: Vec<i64> = some.iter().map(|one| one.id).collect();
    let entries =
        tx.execute("UPDATE dlq SET state = 1 WHERE id IN {id_list:$1}", &[Param::Ids(&ids)])?;
    let full = some.len() as i64 >= RETRIED_MAX;
    Ok(Retried { entries, last: ids.last().copied().filter(|_| full) })
}

fn shown(row: &Row<'_>, entry: Option<Value>) -> Result<ParkedEntry, StoreError> {
    let did: String = row.get(6)?;
    let reason: String = row.get(7)?;
    let why = WHY.iter().find(|why| why.reason == reason).or_else(|| why::of(&reason));
    let state = DeliveryState::of_number(row.get(12)?).unwrap_or(DeliveryState::Pending);
    let parked_at = format_ms_us(row.get(10)?);
    Ok(ParkedEntry {
        of: Of::Deliveries,
        id: row.get(0)?,
        projection: row.get(1)?,
        topic: row.get(3)?,
        partition: row.get(4)?,
        offset: row.get(5)?,
        key: Some(did).filter(|did| !did.is_empty()),
        cause: why.map(|why| why.cause.to_owned()),
        remedy: why.map(|why| why.remedy.to_owned()),
        reason,
        error: row.get(8)?,
        attempts: row.get(9)?,
        appended_at: parked_at.clone(),
        parked_at,
        last_tried_at: format_ms_us(row.get(11)?),
        next_try_at: None,
        state: Some(state),
        resolution: row.get(13)?,
        actor: row.get(14)?,
        entry,
    })
}

/// Headers and payload for a person to read.
fn content(headers: &Headers, payload: &[u8]) -> Value {
    let shown = headers.iter().map(|header| {
        let value = String::from_utf8_lossy(&header.value).into_owned();
        (header.name.clone(), Value::String(value))
    });
    let headers: serde_json::Map<String, Value> = shown.collect();
    let parsed: Result<Value, _> = serde_json::from_slice(payload);
    let fault = parsed.as_ref().err().map(ToString::to_string);
    let payload_shown = parsed.unwrap_or_else(|_| super::hex(payload));
    let content = json!({ "headers": headers, "payload": payload_shown });
    json!({ "bytes": payload.len(), "fault": fault, "content": content })
}

/// A page of them.
///
/// # Errors
/// The store cannot be read.
pub async fn list(own: &Store, question: ListParked) -> Result<ParkedPage, StoreError> {
    own.read(move |tx| page(tx, &question)).await
}

/// One of them with its content, settled or not.
///
/// # Errors
/// The store cannot be read.
pub async fn get(own: &Store, id: i64) -> Result<Option<ParkedEntry>, StoreError> {
    own.read(move |tx| one(tx, id)).await
}

/// Has one go out again.
///
/// # Errors
/// The store cannot be written.
pub async fn retry(own: &Store, id: i64) -> Result<Touched, StoreError> {
    own.write(move |tx| try_again(tx, id)).await
}

/// Has all that are pending go out again.
///
/// # Errors
/// The store cannot be written; what went out until then stays so.
pub async fn retry_all(own: &Store) -> Result<Touched, StoreError> {
    let (mut entries, mut after) = (0, 0);
    loop {
        let retried = own.write(move |tx| try_all_again(tx, after)).await?;
        entries += retried.entries;
        match retried.last {
            Some(last) => after = last,
            None => return Ok(Touched { entries }),
        }
    }
}

/// Gives one up for good.
///
/// # Errors
/// The store cannot be written.
pub async fn discard(own: &Store, id: i64, actor: String) -> Result<Touched, StoreError> {
    own.write(move |tx| give_up(tx, id, &actor)).await
}

/// Somebody saw to it by other means.
///
/// # Errors
/// The store cannot be written, or the note is too long.
pub async fn resolve(
    own: &Store,
    id: i64,
    note: Option<String>,
    actor: String,
) -> Result<Touched, StoreError> {
    own.write(move |tx| resolve_one(tx, id, (note.as_deref(), &actor))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_keep_their_numbers() {
        use DeliveryState::{Discarded, Pending, Resolved, Retrying};
        for (number, state) in (0..).zip([Pending, Retrying, Resolved, Discarded]) {
            assert_eq!(state.number(), number);
            assert_eq!(DeliveryState::of_number(number), Some(state));
            assert_eq!(state.is_settled(), number > 1);
        }
        assert_eq!(DeliveryState::of_number(4), None);
    }

    #[test]
    fn every_reason_is_said_once_and_says_what_to_do() {
        for why in WHY {
            assert!(why.cause.ends_with('.') && !why.remedy.is_empty(), "{}", why.reason);
            assert!(why::of(why.reason).is_none(), "{}", why.reason);
        }
    }
}
