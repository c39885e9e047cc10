//! The tables `inbox` and `dlq` of the domain `own`, as whoever sends writes them. What an operator does to them stands
//! in `millrace_dataplane::parked::deliveries`.

use foldhash::HashMap;
use millrace_dataplane::parked::deliveries::DeliveryState;
use millrace_log::{Headers, Topic};
use millrace_store::outbox::{self, Failure, Passed};
use millrace_store::{Param, StoreError, Tx};

/// Rows forgotten at most with each that comes: more than come, so that the tables do not grow.
const FORGOTTEN_AT_LEAST: i64 = 100;
/// How long a delivery stays that is settled: thirty days.
const SETTLED_US_MAX: i64 = 30 * 86_400_000_000;
/// Deliveries of one webhook that wait for a person. What is given up beyond them stands on the `-dlq` topic alone, for
/// as long as the log keeps it.
pub const PENDING_MAX: i64 = 100_000;
/// How a delivery ended that went out again.
const DELIVERED: &str = "delivered";
/// Who ended it.
const WEBHOOK: &str = "webhook";

/// What is known of an event that has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// It was delivered, or a person has settled it.
    Done,
    /// It was given up once, and is not settled.
    GivenUp,
}

/// An event that was given up.
pub(crate) struct Dead<'a> {
    pub(crate) event_id: &'a str,
    pub(crate) key: &'a [u8],
    /// The topic on which it was tried last.
    pub(crate) topic: Topic,
    pub(crate) payload: &'a [u8],
    /// Without what is said of the failure.
    pub(crate) headers: &'a Headers,
    pub(crate) failure: &'a Failure,
}

/// What is known of these events; nothing of those that are not named.
pub(crate) fn known(
    tx: &mut Tx,
    consumer: &str,
    ids: &[String],
) -> Result<HashMap<String, Known>, StoreError> {
    let params = [Param::Text(consumer), Param::Texts(ids)];
    let given_up = tx.query(
        "SELECT d.event_id, d.state FROM {text_list:$2} AS ids CROSS JOIN dlq AS d
         WHERE d.consumer = $1 AND d.event_id = ids.value",
        &params,
        |row| Ok((row.get::<String>(0)?, row.get::<i64>(1)?)),
    )?;
    let done = tx.query(
        "SELECT i.event_id FROM {text_list:$2} AS ids CROSS JOIN inbox AS i
         WHERE i.consumer = $1 AND i.event_id = ids.value",
        &params,
        |row| row.get::<String>(0),
    )?;
    let given_up = given_up.into_iter().map(|(id, state)| {
        let settled = DeliveryState::of_number(state).is_some_and(DeliveryState::is_settled);
        (id, if settled { Known::Done } else { Known::GivenUp })
    });
    Ok(given_up.chain(done.into_iter().map(|id| (id, Known::Done))).collect())
}

/// Events that were delivered; what came of them earlier is settled.
pub(crate) fn delivered(
    tx: &mut Tx,
    consumer: &str,
    ids: &[&str],
    kept_us: i64,
) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let now_us = tx.now_us();
    tx.execute_many(
        "INSERT INTO inbox (consumer, event_id, processed_at_us)
         {values:TEXT KEY,TEXT KEY,BIGINT} ON CONFLICT DO NOTHING",
        ids.iter().map(|id| [Param::Text(consumer), Param::Text(id), Param::Int(now_us)]),
    )?;
    let settled: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    tx.execute(
        "UPDATE dlq SET state = $3, resolution = $4, actor = $5, last_at_us = $6, attempts = attempts + 1
         WHERE consumer = $1 AND state IN (0, 1) AND event_id IN (SELECT ids.value FROM {text_list:$2} AS ids)",
        &[
            Param::Text(consumer),
            Param::Texts(&settled),
            Param::Int(DeliveryState::Resolved.number()),
            Param::Text(DELIVERED),
            Param::Text(WEBHOOK),
            Param::Int(now_us),
        ],
    )?;
    let some = FORGOTTEN_AT_LEAST.saturating_add(2 * ids.len() as i64);
    tx.execute(
        "DELETE FROM inbox WHERE (consumer, event_id) IN
         (SELECT i.consumer, i.event_id FROM inbox AS i WHERE i.processed_at_us < $1
          ORDER BY i.processed_at_us LIMIT $2)",
        &[Param::Int(now_us.saturating_sub(kept_us)), Param::Int(some)],
    )?;
    Ok(())
}

/// An event that was given up before has failed again: it waits for a person again. Whether there was such a row.
pub(crate) fn failed_again(
    tx: &mut Tx,
    consumer: &str,
    event_id: &str,
    (reason, error): (&str, &str),
) -> Result<bool, StoreError> {
    let now_us = tx.now_us();
    let rows = tx.execute(
        "UPDATE dlq SET state = 0, reason = $3, error = $4, last_at_us = $5, attempts = attempts + 1
         WHERE consumer = $1 AND event_id = $2 AND state IN (0, 1)",
        &[
            Param::Text(consumer),
            Param::Text(event_id),
            Param::Text(reason),
            Param::Text(error),
            Param::Int(now_us),
        ],
    )?;
    Ok(rows > 0)
}

/// Gives an event up: a row for a person, and the item on the `-dlq` topic. `false` if there is no room for the row.
pub(crate) fn give_up(tx: &mut Tx, dead: &Dead<'_>) -> Result<bool, StoreError> {
    let now_us = tx.now_us();
    let Failure { consumer, attempts, topic, partition, offset, reason, error, first_us, .. } =
        dead.failure;
    let headers = dead.failure.headers(dead.headers);
    let item = Passed {
        topic: Topic::PostCreatedDlq,
        key: dead.key,
        payload: dead.payload,
        headers: &headers,
    };
    outbox::pass_on(tx, [item])?;
    forget_settled(tx, now_us)?;
    if given_up(tx, consumer)? >= PENDING_MAX {
        return Ok(false);
    }
    let did = std::str::from_utf8(dead.key).ok().filter(|key| key.starts_with("did:"));
    tx.execute(
        "INSERT INTO dlq (consumer, event_id, topic, original_topic, partition, log_offset, key, did, headers,
           payload, error, reason, attempts, first_at_us, last_at_us, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 0)
         ON CONFLICT (consumer, event_id) DO NOTHING",
        &[
            Param::Text(consumer),
            Param::Text(dead.event_id),
            Param::Text(dead.topic.name()),
            Param::Text(topic.name()),
            Param::Int(i64::from(*partition)),
            Param::Int(*offset),
            Param::Blob(dead.key),
            Param::Text(did.unwrap_or_default()),
            Param::Blob(&headers.encode()),
            Param::Blob(dead.payload),
            Param::Text(error),
            Param::Text(reason),
            Param::Int(*attempts),
            Param::Int(*first_us),
            Param::Int(now_us),
        ],
    )?;
    Ok(true)
}

/// How many deliveries of a webhook wait for a person, counted up to the bound.
pub(crate) fn given_up(tx: &mut Tx, consumer: &str) -> Result<i64, StoreError> {
    tx.query_one(
        "SELECT count(*) FROM (SELECT 1 FROM dlq WHERE consumer = $1 AND state IN (0, 1) LIMIT $2) AS found",
        &[Param::Text(consumer), Param::Int(PENDING_MAX)],
        |row| row.get(0),
    )
}

fn forget_settled(tx: &mut Tx, now_us: i64) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM dlq WHERE id IN
         (SELECT d.id FROM dlq AS d WHERE d.state IN (2, 3) AND d.last_at_us < $1 ORDER BY d.id LIMIT $2)",
        &[Param::Int(now_us.saturating_sub(SETTLED_US_MAX)), Param::Int(FORGOTTEN_AT_LEAST)],
    )?;
    Ok(())
}
