//! `app.bsky.graph.follow`: a follow is a row under its key and one under the followed account.
//!
//! An account follows another once, however many records say so: both counters and the
//! notification follow the pair (followed, follower), not the record.

use std::collections::{HashMap, HashSet};

use millrace_atproto::cid::Cid;
use millrace_store::{Param, Row, StoreError, Tx};

use super::notify::{self, Notice};
use super::pairs::{self, Edge};
use super::{Decision, Effects, Key, Op, Put, StoredRow, change, decide, key_params};
use crate::collection::Collection;
use crate::reason::Reason;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fields {
    /// The followed account.
    pub subject: i64,
    pub created_at_us: i64,
}

/// A row of `follow` and of `follow_by_subject`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FollowRow {
    key: Key,
    subject: i64,
    cid_prefix: i64,
    created_at_us: i64,
    indexed_at_us: i64,
}

impl StoredRow for FollowRow {
    type Fields = Fields;

    fn is_of(&self, cid: &Cid) -> bool {
        self.cid_prefix == cid.prefix_i64()
    }

    fn made(op: &Op<Fields>, put: &Put<Fields>, _: Option<&Self>) -> Self {
        Self {
            key: op.key,
            subject: put.fields.subject,
            cid_prefix: put.cid.prefix_i64(),
            created_at_us: put.fields.created_at_us,
            indexed_at_us: op.at_us,
        }
    }
}

impl Edge for FollowRow {
    type Pair = Pair;

    fn pair(&self) -> Pair {
        (self.subject, self.key.0)
    }
}

impl FollowRow {
    fn sort_at_us(&self) -> i64 {
        self.created_at_us.min(self.indexed_at_us)
    }
}

/// A followed account and its follower.
type Pair = (i64, i64);

pub(crate) fn apply(
    tx: &mut Tx,
    ops: &[Op<Fields>],
    effects: &mut Effects,
) -> Result<(), StoreError> {
    if ops.is_empty() {
        return Ok(());
    }
    let decision = decide(existing(tx, ops)?, ops);
    let pairs = pairs::changed(tx, &decision, present, |tx| {
        remove(tx, &decision.removed)?;
        insert(tx, &decision.inserted)
    })?;
    for ((subject, follower), change) in &pairs {
        effects.counters.actor(*subject).followers += change;
        effects.counters.actor(*follower).follows += change;
    }
    notify::withdraw(tx, Collection::Follow, decision.removed.iter().map(|row| row.key))?;
    notify::send(tx, &notices(&decision, pairs))?;
    for row in &decision.removed {
        effects.facts.follow(row.key, row.subject, change::Op::Removed);
    }
    for (row, _) in &decision.inserted {
        effects.facts.follow(row.key, row.subject, change::Op::Inserted);
    }
    Ok(())
}

/// The followed account is told of a new follower.
fn notices<'a>(
    decision: &'a Decision<'_, FollowRow>,
    mut pairs: HashMap<Pair, i64>,
) -> Vec<Notice<'a>> {
    let mut notices = Vec::new();
    for (row, put) in &decision.inserted {
        let is_new = pairs.remove(&row.pair()).is_some_and(|change| change > 0);
        if is_new && row.subject != row.key.0 {
            notices.push(Notice {
                recipient: row.subject,
                author: row.key.0,
                rkey: row.key.1,
                collection: Collection::Follow,
                reason: Reason::Follow,
                subject: None,
                sort_at_us: row.sort_at_us(),
                cid: put.cid,
                record: &put.json,
            });
        }
    }
    notices
}

fn existing(tx: &mut Tx, ops: &[Op<Fields>]) -> Result<HashMap<Key, FollowRow>, StoreError> {
    let rows = tx.query_many(
        "SELECT f.actor_id, f.rkey, f.subject_actor, f.cid_prefix, f.created_at_us, f.indexed_at_us
         FROM {rows:actor BIGINT, rkey BIGINT} AS k CROSS JOIN follow AS f
         WHERE f.actor_id = k.actor AND f.rkey = k.rkey",
        ops.iter().map(|op| key_params(&op.key)),
        row,
    )?;
    Ok(rows.into_iter().map(|row| (row.key, row)).collect())
}

fn row(row: &Row<'_>) -> Result<FollowRow, StoreError> {
    Ok(FollowRow {
        key: (row.get(0)?, row.get(1)?),
        subject: row.get(2)?,
        cid_prefix: row.get(3)?,
        created_at_us: row.get(4)?,
        indexed_at_us: row.get(5)?,
    })
}

/// Those of `pairs` of which there is a record now.
fn present(tx: &mut Tx, pairs: &[Pair]) -> Result<HashSet<Pair>, StoreError> {
    let found = tx.query_many(
        "SELECT k.subject, k.follower FROM {rows:subject BIGINT, follower BIGINT} AS k
         WHERE EXISTS (SELECT 1 FROM follow_by_subject AS s
           WHERE s.subject_actor = k.subject AND s.actor_id = k.follower)",
        pairs.iter().map(|(subject, follower)| [Param::Int(*subject), Param::Int(*follower)]),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(found.into_iter().collect())
}

fn remove(tx: &mut Tx, rows: &[FollowRow]) -> Result<(), StoreError> {
    tx.execute_many(
        "DELETE FROM follow WHERE (actor_id, rkey) IN
         (SELECT k.actor, k.rkey FROM {rows:actor BIGINT, rkey BIGINT} AS k)",
        rows.iter().map(|row| key_params(&row.key)),
    )?;
    tx.execute_many(
        "DELETE FROM follow_by_subject WHERE (subject_actor, actor_id, rkey) IN
         (SELECT k.a, k.b, k.c FROM {rows:a BIGINT, b BIGINT, c BIGINT} AS k)",
        rows.iter().map(|row| [row.subject, row.key.0, row.key.1].map(Param::Int)),
    )?;
    Ok(())
}

fn insert(tx: &mut Tx, rows: &[(FollowRow, &Put<Fields>)]) -> Result<(), StoreError> {
    tx.execute_many(
        "INSERT INTO follow (actor_id, rkey, subject_actor, cid_prefix, created_at_us, indexed_at_us)
         {values:BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT}",
        rows.iter().map(|(row, _)| {
            [row.key.0, row.key.1, row.subject, row.cid_prefix, row.created_at_us, row.indexed_at_us].map(Param::Int)
        }),
    )?;
    tx.execute_many(
        "INSERT INTO follow_by_subject (subject_actor, actor_id, rkey, sort_at_us) {values:BIGINT,BIGINT,BIGINT,BIGINT}",
        rows.iter().map(|(row, _)| [row.subject, row.key.0, row.key.1, row.sort_at_us()].map(Param::Int)),
    )?;
    Ok(())
}
