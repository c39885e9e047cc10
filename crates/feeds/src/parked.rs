//! What homes could not take, as an operator sees it: facts that could not be applied, and items whose way into homes
//! was given up. Both stay until somebody has them tried again or gives them up for good.
//!
//! A parked fact keeps later ones of its account behind it; an item blocks nobody.

use std::collections::BTreeMap;

use millrace_atproto::datetime::format_ms_us;
use millrace_dataplane::parked::{ListParked, Of, ParkedEntry, ParkedId, ParkedPage, Touched};
use millrace_store::parked::{self as facts, LIST_MAX, ParkedFilter};
use millrace_store::{ActorId, Param, RkeyId, Row, Store, StoreError, Tx, dictionary};
use serde_json::{Value, json};

use crate::jobs::fan_out::{PARKED, PENDING};
use crate::model::ItemKey;
use crate::names;
use crate::worker::NAME;

/// Why an item is parked, and what to do.
const REASON: &str = "fan-out";
const CAUSE: &str = "Writing this post or repost into the homes of its followers failed ten times. Other items went on without it.";
const REMEDY: &str = "read the error; once its cause is gone, retry: what homes have already stays, and the rest is written";

const JOB: &str =
    "SELECT id, item_actor, item_rkey, item_collection, done, attempts, error, created_at_us
    FROM fanout_job WHERE state = $1";

/// Counting ends here.
const COUNTED_MAX: i64 = 100_000;

/// How much of it there is, counted up to a bound.
///
/// # Errors
/// The store cannot be read.
pub async fn count(store: &Store) -> Result<Touched, StoreError> {
    let by_reason: Result<BTreeMap<String, u64>, StoreError> = store.read(by_reason).await;
    Ok(Touched { entries: by_reason?.into_values().sum() })
}

/// The same by why it is parked: facts by their reasons, items by theirs.
///
/// # Errors
/// The store cannot be read.
pub fn by_reason(tx: &mut Tx) -> Result<BTreeMap<String, u64>, StoreError> {
    const FACTS: &str =
        "SELECT reason, count(*) FROM (SELECT reason FROM parked LIMIT $1) AS f GROUP BY reason";
    const ITEMS: &str =
        "SELECT count(*) FROM (SELECT 1 FROM fanout_job WHERE state = $2 LIMIT $1) AS j";
    let mut counts = BTreeMap::new();
    let facts: Vec<(String, i64)> =
        tx.query(FACTS, &[Param::Int(COUNTED_MAX)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let items =
        tx.query_one(ITEMS, &[COUNTED_MAX, PARKED].map(Param::Int), |row| row.get::<i64>(0))?;
    for (reason, count) in facts.into_iter().chain([(REASON.to_owned(), items)]) {
        let count = u64::try_from(count).unwrap_or(0);
        if count > 0 {
            *counts.entry(reason).or_default() += count;
        }
    }
    Ok(counts)
}

/// A page of what is parked of one kind; none of what is the data-plane's to tell.
///
/// # Errors
/// The store cannot be read.
pub async fn list(store: &Store, question: ListParked) -> Result<ParkedPage, StoreError> {
    store.read(move |tx| page(tx, &question)).await
}

/// One with its content.
///
/// # Errors
/// The store cannot be read.
pub async fn get(store: &Store, id: ParkedId) -> Result<Option<ParkedEntry>, StoreError> {
    store.read(move |tx| one(tx, id)).await
}

/// Has one tried again now.
///
/// # Errors
/// The store cannot be written.
pub async fn retry(store: &Store, id: ParkedId) -> Result<Touched, StoreError> {
    let again = move |tx: &mut Tx| match id.of {
        Of::Entries | Of::Deliveries => Ok(0),
        Of::Facts => facts::retry(tx, id.number).map(u64::from),
        Of::Fanout => tx.execute(
            "UPDATE fanout_job SET state = $2, attempts = 0 WHERE id = $1 AND state = $3",
            &[id.number, PENDING, PARKED].map(Param::Int),
        ),
    };
    store.write(again).await.map(|entries| Touched { entries })
}

/// Has all of a kind tried again now.
///
/// # Errors
/// The store cannot be written.
pub async fn retry_all(store: &Store, of: Of) -> Result<Touched, StoreError> {
    let again = move |tx: &mut Tx| match of {
        Of::Entries | Of::Deliveries => Ok(0),
        Of::Facts => facts::retry_all(tx, NAME),
        Of::Fanout => tx.execute(
            "UPDATE fanout_job SET state = $1, attempts = 0 WHERE state = $2",
            &[PENDING, PARKED].map(Param::Int),
        ),
    };
    store.write(again).await.map(|entries| Touched { entries })
}

/// Gives one up for good: a home that is built anew has it all the same.
///
/// # Errors
/// The store cannot be written.
pub async fn discard(store: &Store, id: ParkedId) -> Result<Touched, StoreError> {
    let give_up = move |tx: &mut Tx| match id.of {
        Of::Entries | Of::Deliveries => Ok(0),
        Of::Facts => facts::discard(tx, id.number).map(u64::from),
        Of::Fanout => tx.execute(
            "DELETE FROM fanout_job WHERE id = $1 AND state = $2",
            &[id.number, PARKED].map(Param::Int),
        ),
    };
    store.write(give_up).await.map(|entries| Touched { entries })
}

fn page(tx: &mut Tx, question: &ListParked) -> Result<ParkedPage, StoreError> {
    let limit = question.limit.clamp(1, LIST_MAX);
    let parked: Vec<ParkedEntry> = match question.of {
        Of::Entries | Of::Deliveries => Vec::new(),
        Of::Facts => {
            let projection = question.projection.clone();
            let filter = ParkedFilter { projection, after_id: question.after, limit };
            facts::list(tx, &filter)?.into_iter().map(fact).collect()
        }
        Of::Fanout => jobs(tx, question.after, limit)?,
    };
    let full = parked.len() as u64 >= u64::from(limit);
    let cursor = parked.last().map(|last| last.id).filter(|_| full);
    Ok(ParkedPage { parked, cursor })
}

fn one(tx: &mut Tx, id: ParkedId) -> Result<Option<ParkedEntry>, StoreError> {
    match id.of {
        Of::Entries | Of::Deliveries => Ok(None),
        Of::Facts => Ok(facts::get(tx, id.number)?.map(fact)),
        Of::Fanout => {
            let params = [PARKED, id.number].map(Param::Int);
            let found = tx.query_opt(&format!("{JOB} AND id = $2"), &params, job)?;
            found.map(|job| job.shown(tx)).transpose()
        }
    }
}

fn jobs(tx: &mut Tx, after: i64, limit: u32) -> Result<Vec<ParkedEntry>, StoreError> {
    let sql = format!("{JOB} AND id > $2 ORDER BY id LIMIT $3");
    let params = [PARKED, after, limit.into()].map(Param::Int);
    let found = tx.query(&sql, &params, job)?;
    found.into_iter().map(|job| job.shown(tx)).collect()
}

/// Of a fact the payload is JSON, which the data-plane's own entries are not.
fn fact(parked: facts::Parked) -> ParkedEntry {
    let content: Option<Value> = serde_json::from_slice(&parked.entry).ok();
    let bytes = parked.entry.len();
    let shown = ParkedEntry::from(parked);
    let entry = match content {
        Some(content) => Some(json!({ "bytes": bytes, "fault": null, "content": content })),
        None => shown.entry.clone(),
    };
    ParkedEntry { of: Of::Facts, entry, ..shown }
}

/// An item whose way was given up.
struct Job {
    id: i64,
    item: ItemKey,
    done: i64,
    attempts: i64,
    error: String,
    created_at_us: i64,
}

fn job(row: &Row<'_>) -> Result<Job, StoreError> {
    let item = ItemKey { actor: row.get(1)?, rkey: row.get(2)?, collection: row.get(3)? };
    Ok(Job {
        id: row.get(0)?,
        item,
        done: row.get(4)?,
        attempts: row.get(5)?,
        error: row.get(6)?,
        created_at_us: row.get(7)?,
    })
}

impl Job {
    fn shown(self, tx: &mut Tx) -> Result<ParkedEntry, StoreError> {
        let did = dictionary::did(tx, ActorId(self.item.actor))?;
        let rkey = dictionary::rkey(tx, RkeyId(self.item.rkey))?;
        let nsid = names::nsid_of(self.item.collection);
        let uri = did.as_ref().zip(rkey).map(|(did, rkey)| format!("at://{did}/{nsid}/{rkey}"));
        let at = format_ms_us(self.created_at_us);
        let content = json!({ "item": uri, "homesDone": self.done });
        Ok(ParkedEntry {
            of: Of::Fanout,
            id: self.id,
            projection: NAME.to_owned(),
            topic: REASON.to_owned(),
            partition: 0,
            offset: self.id,
            key: did.map(|did| did.to_string()),
            reason: REASON.to_owned(),
            cause: Some(CAUSE.to_owned()),
            remedy: Some(REMEDY.to_owned()),
            error: self.error,
            attempts: self.attempts,
            appended_at: at.clone(),
            parked_at: at.clone(),
            last_tried_at: at,
            next_try_at: None,
            state: None,
            resolution: None,
            actor: None,
            entry: Some(json!({ "bytes": 0, "fault": null, "content": content })),
        })
    }
}
