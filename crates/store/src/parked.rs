//! The parked table: entries that could not be applied. None is dropped, none blocks entries of
//! other keys, and each can be listed, tried again or discarded by an operator.
//!
//! An entry may carry a **barrier key** (the account it belongs to). Later entries of that key park
//! behind it in order, so that a retry never overtakes. Of each key the earliest entry is the
//! *head*; only heads are tried again, and when one is done the next becomes the head.

use millrace_log::{Headers, PAYLOAD_BYTES_MAX, Topic};

use crate::{Param, Row, StoreError, Tx};

/// Reason of an entry that is parked only because an earlier one of its key is.
pub const BEHIND: &str = "behind";
/// Bytes of an error's text that are kept.
pub const ERROR_BYTES_MAX: usize = 4_096;
/// Rows one [`list`] returns at most.
pub const LIST_MAX: u32 = 1_000;

/// An entry to be parked.
#[derive(Debug, Clone)]
pub struct ParkedEntry<'a> {
    pub projection: &'a str,
    pub topic: Topic,
    pub partition: u32,
    pub offset: i64,
    pub appended_us: i64,
    pub barrier_key: Option<&'a [u8]>,
    /// A stable code: which kind of failure.
    pub reason: &'a str,
    /// What happened, for a person. Cut to [`ERROR_BYTES_MAX`].
    pub error: &'a str,
    /// The entry as it stands in the log.
    pub entry: &'a [u8],
    /// Its headers there.
    pub headers: &'a Headers,
    /// When to try again; `None`: when its turn comes, or when an operator asks.
    pub next_us: Option<i64>,
}

/// A parked entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    pub id: i64,
    pub projection: String,
    pub topic: String,
    pub partition: u32,
    pub offset: i64,
    pub appended_us: i64,
    pub barrier_key: Option<Vec<u8>>,
    pub reason: String,
    pub error: String,
    pub entry: Vec<u8>,
    /// Given with the bytes.
    pub headers: Headers,
    pub first_us: i64,
    pub last_us: i64,
    pub attempts: i64,
    pub next_us: Option<i64>,
}

/// One page of [`list`].
#[derive(Debug, Clone, Default)]
pub struct ParkedFilter {
    /// Only this projection's.
    pub projection: Option<String>,
    /// Entries parked after this one; 0 for the first page.
    pub after_id: i64,
    /// Rows wanted, at most [`LIST_MAX`].
    pub limit: u32,
}

const COLUMNS: &str = "id, projection, topic, partition, log_offset, appended_us, barrier_key, \
     reason, error, first_us, last_us, attempts, next_us";

/// Parks an entry; its id. An entry already parked stays as it is.
pub fn park(tx: &mut Tx, parked: &ParkedEntry<'_>) -> Result<i64, StoreError> {
    if parked.entry.len() > PAYLOAD_BYTES_MAX {
        let (found, max) = (parked.entry.len(), PAYLOAD_BYTES_MAX);
        return Err(StoreError::TooLarge { what: "a parked entry", found, max });
    }
    let now_us = tx.now_us();
    let headers = (!parked.headers.is_empty()).then(|| parked.headers.encode());
    tx.query_one(
        "INSERT INTO parked (projection, topic, partition, log_offset, appended_us, barrier_key,
           reason, error, entry, first_us, last_us, attempts, next_us, headers)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12, $13)
         ON CONFLICT (projection, topic, partition, log_offset)
           DO UPDATE SET last_us = excluded.last_us
         RETURNING id",
        &[
            parked.projection.into(),
            parked.topic.name().into(),
            parked.partition.into(),
            parked.offset.into(),
            parked.appended_us.into(),
            parked.barrier_key.into(),
            parked.reason.into(),
            cut(parked.error).into(),
            parked.entry.into(),
            now_us.into(),
            i64::from(parked.reason != BEHIND).into(),
            parked.next_us.into(),
            headers.as_deref().into(),
        ],
        |row| row.get(0),
    )
}

/// Parked entries, oldest first, without the entries' bytes.
pub fn list(tx: &mut Tx, filter: &ParkedFilter) -> Result<Vec<Parked>, StoreError> {
    let limit = filter.limit.min(LIST_MAX);
    let projection = filter.projection.as_deref().unwrap_or_default();
    tx.query(
        &format!(
            "SELECT {COLUMNS} FROM parked WHERE id > $1 AND ($2 = '' OR projection = $2)
             ORDER BY id LIMIT $3"
        ),
        &[filter.after_id.into(), projection.into(), limit.into()],
        |row| parked(row, (Vec::new(), Headers::NONE)),
    )
}

/// A parked entry with its bytes.
pub fn get(tx: &mut Tx, id: i64) -> Result<Option<Parked>, StoreError> {
    tx.query_opt(
        &format!("SELECT {COLUMNS}, entry, headers FROM parked WHERE id = $1"),
        &[id.into()],
        |row| {
            let headers: Option<Vec<u8>> = row.get(14)?;
            // What cannot be read was not written here; the entry is worth more than its headers.
            let headers = headers.and_then(|bytes| Headers::decode(&bytes)).unwrap_or_default();
            parked(row, (row.get(13)?, headers))
        },
    )
}

/// Asks the worker to try the entry again now; if it waits behind another of its key, that one.
/// `false` when there is no such entry.
pub fn retry(tx: &mut Tx, id: i64) -> Result<bool, StoreError> {
    let Some(place) = place(tx, id)? else {
        return Ok(false);
    };
    let now_us = tx.now_us();
    if place.barrier_key.is_some() {
        return place.wake_head(tx, now_us);
    }
    let woken =
        tx.execute("UPDATE parked SET next_us = $2 WHERE id = $1", &[id.into(), now_us.into()])?;
    Ok(woken == 1)
}

/// Asks the worker to try every head of `projection` again now; how many there are.
pub fn retry_all(tx: &mut Tx, projection: &str) -> Result<u64, StoreError> {
    let now_us = tx.now_us();
    tx.execute(
        "UPDATE parked SET next_us = $2 WHERE projection = $1 AND reason <> $3",
        &[projection.into(), now_us.into(), BEHIND.into()],
    )
}

/// Gives an entry up for good; the next of its key is tried soon. `false` when there is no such entry.
pub fn discard(tx: &mut Tx, id: i64) -> Result<bool, StoreError> {
    let Some(place) = place(tx, id)? else {
        return Ok(false);
    };
    let removed = tx.execute("DELETE FROM parked WHERE id = $1", &[id.into()])?;
    let now_us = tx.now_us();
    place.wake_head(tx, now_us)?;
    Ok(removed == 1)
}

/// Entries parked by `projection` in this partition.
pub fn count(
    tx: &mut Tx,
    projection: &str,
    topic: Topic,
    partition: u32,
) -> Result<i64, StoreError> {
    tx.query_one(
        "SELECT count(*) FROM parked WHERE projection = $1 AND topic = $2 AND partition = $3",
        &[projection.into(), topic.name().into(), partition.into()],
        |row| row.get(0),
    )
}

/// Where a parked entry stands: its partition, and its key in it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) projection: String,
    pub(crate) topic: String,
    pub(crate) partition: u32,
    pub(crate) barrier_key: Option<Vec<u8>>,
}

impl Place {
    fn params(&self) -> [Param<'_>; 4] {
        [
            (&self.projection).into(),
            (&self.topic).into(),
            self.partition.into(),
            self.barrier_key.as_deref().into(),
        ]
    }

    /// Has the earliest entry of the key tried at `next_us`; `false` when the key has none.
    pub(crate) fn wake_head(&self, tx: &mut Tx, next_us: i64) -> Result<bool, StoreError> {
        let [projection, topic, partition, key] = self.params();
        let woken = tx.execute(
            "UPDATE parked SET next_us = $5 WHERE id = (
               SELECT id FROM parked
               WHERE projection = $1 AND topic = $2 AND partition = $3 AND barrier_key = $4
               ORDER BY log_offset LIMIT 1)",
            &[projection, topic, partition, key, next_us.into()],
        )?;
        Ok(woken == 1)
    }

    /// How many entries of the key are parked.
    pub(crate) fn depth(&self, tx: &mut Tx) -> Result<i64, StoreError> {
        tx.query_one(
            "SELECT count(*) FROM parked
             WHERE projection = $1 AND topic = $2 AND partition = $3 AND barrier_key = $4",
            &self.params(),
            |row| row.get(0),
        )
    }

    /// Ends the barrier: the head stays as a record, unblocking; those behind it are removed.
    pub(crate) fn lift(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        let [projection, topic, partition, key] = self.params();
        let behind: Param<'_> = BEHIND.into();
        let removed = tx.execute(
            "DELETE FROM parked WHERE projection = $1 AND topic = $2 AND partition = $3
               AND barrier_key = $4 AND reason = $5",
            &[projection, topic, partition, key, behind],
        )?;
        tx.execute(
            "UPDATE parked SET barrier_key = NULL, next_us = NULL
             WHERE projection = $1 AND topic = $2 AND partition = $3 AND barrier_key = $4",
            &self.params(),
        )?;
        Ok(removed)
    }
}

fn place(tx: &mut Tx, id: i64) -> Result<Option<Place>, StoreError> {
    tx.query_opt(
        "SELECT projection, topic, partition, barrier_key FROM parked WHERE id = $1",
        &[id.into()],
        |row| {
            Ok(Place {
                projection: row.get(0)?,
                topic: row.get(1)?,
                partition: row.get(2)?,
                barrier_key: row.get(3)?,
            })
        },
    )
}

/// The head that has waited longest beyond its time, if any is due.
pub(crate) fn due(
    tx: &mut Tx,
    projection: &str,
    topic: Topic,
    partition: u32,
    now_us: i64,
) -> Result<Option<Parked>, StoreError> {
    let id: Option<i64> = tx.query_opt(
        "SELECT p.id FROM parked p
         WHERE p.projection = $1 AND p.topic = $2 AND p.partition = $3 AND p.next_us <= $4
           AND NOT EXISTS (
             SELECT 1 FROM parked e
             WHERE e.projection = $1 AND e.topic = $2 AND e.partition = $3
               AND e.barrier_key = p.barrier_key AND e.log_offset < p.log_offset)
         ORDER BY p.next_us, p.log_offset LIMIT 1",
        &[projection.into(), topic.name().into(), partition.into(), now_us.into()],
        |row| row.get(0),
    )?;
    match id {
        Some(id) => get(tx, id),
        None => Ok(None),
    }
}

/// Notes another failed attempt.
pub(crate) fn failed_again(
    tx: &mut Tx,
    id: i64,
    reason: &str,
    error: &str,
    next_us: Option<i64>,
) -> Result<(), StoreError> {
    let now_us = tx.now_us();
    tx.execute(
        "UPDATE parked SET reason = $2, error = $3, last_us = $4, next_us = $5,
           attempts = attempts + 1 WHERE id = $1",
        &[id.into(), reason.into(), cut(error).into(), now_us.into(), next_us.into()],
    )?;
    Ok(())
}

/// The keys of this partition that have something parked, at most `limit`.
pub(crate) fn barrier_keys(
    tx: &mut Tx,
    projection: &str,
    topic: Topic,
    partition: u32,
    limit: u32,
) -> Result<Vec<Vec<u8>>, StoreError> {
    tx.query(
        "SELECT DISTINCT barrier_key FROM parked
         WHERE projection = $1 AND topic = $2 AND partition = $3 AND barrier_key IS NOT NULL
         LIMIT $4",
        &[projection.into(), topic.name().into(), partition.into(), limit.into()],
        |row| row.get(0),
    )
}

fn parked(row: &Row<'_>, (entry, headers): (Vec<u8>, Headers)) -> Result<Parked, StoreError> {
    Ok(Parked {
        id: row.get(0)?,
        projection: row.get(1)?,
        topic: row.get(2)?,
        partition: row.get(3)?,
        offset: row.get(4)?,
        appended_us: row.get(5)?,
        barrier_key: row.get(6)?,
        reason: row.get(7)?,
        error: row.get(8)?,
        first_us: row.get(9)?,
        last_us: row.get(10)?,
        attempts: row.get(11)?,
        next_us: row.get(12)?,
        entry,
        headers,
    })
}

/// `text`, cut at a character's border.
fn cut(text: &str) -> &str {
    let end = (0..=text.len().min(ERROR_BYTES_MAX)).rev().find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}
