//! `app.bsky.feed.like`: a like is a row under its key and one under its subject.
//!
//! An account likes a subject once, however many records say so: the subject's counter and the
//! notification follow the pair (subject, actor), not the record.

use std::collections::{HashMap, HashSet};

use millrace_atproto::cid::Cid;
use millrace_store::{Param, Row, StoreError, Tx};

use super::ids::Subject;
use super::notify::{self, Notice};
use super::pairs::{self, Edge};
use super::{Decision, Effects, Key, Op, Put, StoredRow, change, decide, key_params};
use crate::collection::Collection;
use crate::reason::Reason;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fields {
    pub subject: Subject,
    pub created_at_us: i64,
}

/// A row of `like` and of `like_by_subject`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LikeRow {
    key: Key,
    subject: Subject,
    cid_prefix: i64,
    created_at_us: i64,
    indexed_at_us: i64,
}

impl StoredRow for LikeRow {
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

impl Edge for LikeRow {
    type Pair = Pair;

    fn pair(&self) -> Pair {
        (self.subject, self.key.0)
    }
}

impl LikeRow {
    fn sort_at_us(&self) -> i64 {
        self.created_at_us.min(self.indexed_at_us)
    }
}

/// A subject and an account that likes it.
type Pair = (Subject, i64);

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
    for ((subject, _), change) in &pairs {
        effects.counters.record(*subject).likes += change;
    }
    notify::withdraw(tx, Collection::Like, decision.removed.iter().map(|row| row.key))?;
    notify::send(tx, &notices(&decision, pairs))?;
    for row in &decision.removed {
        effects.facts.like(row.key, row.subject, change::Op::Removed);
    }
    for (row, _) in &decision.inserted {
        effects.facts.like(row.key, row.subject, change::Op::Inserted);
    }
    Ok(())
}

/// The subject's author is told of a pair that is new, unless it is the liker.
fn notices<'a>(
    decision: &'a Decision<'_, LikeRow>,
    mut pairs: HashMap<Pair, i64>,
) -> Vec<Notice<'a>> {
    let mut notices = Vec::new();
    for (row, put) in &decision.inserted {
        let is_new = pairs.remove(&row.pair()).is_some_and(|change| change > 0);
        if is_new && row.subject.actor != row.key.0 {
            notices.push(Notice {
                recipient: row.subject.actor,
                author: row.key.0,
                rkey: row.key.1,
                collection: Collection::Like,
                reason: Reason::Like,
                subject: Some(row.subject),
                sort_at_us: row.sort_at_us(),
                cid: put.cid,
                record: &put.json,
            });
        }
    }
    notices
}

fn existing(tx: &mut Tx, ops: &[Op<Fields>]) -> Result<HashMap<Key, LikeRow>, StoreError> {
    let rows = tx.query_many(
        "SELECT l.actor_id, l.rkey, l.subject_actor, l.subject_collection, l.subject_rkey,
                l.cid_prefix, l.created_at_us, l.indexed_at_us
         FROM {rows:actor BIGINT, rkey BIGINT} AS k CROSS JOIN \"like\" AS l
         WHERE l.actor_id = k.actor AND l.rkey = k.rkey",
        ops.iter().map(|op| key_params(&op.key)),
        row,
    )?;
    Ok(rows.into_iter().map(|row| (row.key, row)).collect())
}

fn row(row: &Row<'_>) -> Result<LikeRow, StoreError> {
    Ok(LikeRow {
        key: (row.get(0)?, row.get(1)?),
        subject: Subject { actor: row.get(2)?, collection: row.get(3)?, rkey: row.get(4)? },
        cid_prefix: row.get(5)?,
        created_at_us: row.get(6)?,
        indexed_at_us: row.get(7)?,
    })
}

/// Those of `pairs` of which there is a record now.
fn present(tx: &mut Tx, pairs: &[Pair]) -> Result<HashSet<Pair>, StoreError> {
    let found = tx.query_many(
        "SELECT k.actor, k.collection, k.rkey, k.liker
         FROM {rows:actor BIGINT, rkey BIGINT, collection BIGINT, liker BIGINT} AS k
         WHERE EXISTS (SELECT 1 FROM like_by_subject AS s WHERE s.subject_actor = k.actor
           AND s.subject_rkey = k.rkey AND s.subject_collection = k.collection AND s.actor_id = k.liker)",
        pairs.iter().map(|(subject, liker)| {
            [subject.actor, subject.rkey, subject.collection, *liker].map(Param::Int)
        }),
        |row| {
            let subject = Subject { actor: row.get(0)?, collection: row.get(1)?, rkey: row.get(2)? };
            Ok((subject, row.get(3)?))
        },
    )?;
    Ok(found.into_iter().collect())
}

fn remove(tx: &mut Tx, rows: &[LikeRow]) -> Result<(), StoreError> {
    tx.execute_many(
        "DELETE FROM \"like\" WHERE (actor_id, rkey) IN
         (SELECT k.actor, k.rkey FROM {rows:actor BIGINT, rkey BIGINT} AS k)",
        rows.iter().map(|row| key_params(&row.key)),
    )?;
    tx.execute_many(
        "DELETE FROM like_by_subject WHERE (subject_actor, subject_rkey, subject_collection, actor_id, rkey) IN
         (SELECT k.a, k.b, k.c, k.d, k.e FROM {rows:a BIGINT, b BIGINT, c BIGINT, d BIGINT, e BIGINT} AS k)",
        rows.iter().map(|row| {
            [row.subject.actor, row.subject.rkey, row.subject.collection, row.key.0, row.key.1].map(Param::Int)
        }),
    )?;
    Ok(())
}

fn insert(tx: &mut Tx, rows: &[(LikeRow, &Put<Fields>)]) -> Result<(), StoreError> {
    tx.execute_many(
        "INSERT INTO \"like\" (actor_id, rkey, subject_actor, subject_collection, subject_rkey,
                             cid_prefix, created_at_us, indexed_at_us)
         {values:BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT}",
        rows.iter().map(|(row, _)| {
            let Subject { actor, collection, rkey } = row.subject;
            [
                row.key.0,
                row.key.1,
                actor,
                collection,
                rkey,
                row.cid_prefix,
                row.created_at_us,
                row.indexed_at_us,
            ]
            .map(Param::Int)
        }),
    )?;
    tx.execute_many(
        "INSERT INTO like_by_subject (subject_actor, subject_rkey, subject_collection, actor_id, rkey, sort_at_us)
         {values:BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT}",
        rows.iter().map(|(row, _)| {
            let Subject { actor, collection, rkey } = row.subject;
            [actor, rkey, collection, row.key.0, row.key.1, row.sort_at_us()].map(Param::Int)
        }),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const POST: Subject = Subject { actor: 7, collection: 1, rkey: 100 };

    fn put(rkey: i64, subject: Subject) -> Op<Fields> {
        let cid = Cid::of_dag_cbor(format!("{subject:?}").as_bytes());
        let put = Put { cid, json: "{}".to_owned(), fields: Fields { subject, created_at_us: 5 } };
        Op { key: (1, rkey), at_us: 9, write: super::super::Write::Put(put) }
    }

    fn delete(rkey: i64) -> Op<Fields> {
        Op { key: (1, rkey), at_us: 9, write: super::super::Write::Delete }
    }

    fn stored(op: &Op<Fields>) -> HashMap<Key, LikeRow> {
        let decision = decide::<LikeRow>(HashMap::new(), std::slice::from_ref(op));
        decision.inserted.into_iter().map(|(row, _)| (row.key, row)).collect()
    }

    /// The pairs that begin and end, where [`POST`] has so many likes of account 1 before.
    fn changed_pairs(decision: &Decision<'_, LikeRow>, records_before: i64) -> HashMap<Pair, i64> {
        let of_post = |row: &&LikeRow| row.pair() == (POST, 1);
        let mut records = records_before;
        let present = |records: &mut i64, _: &[Pair]| {
            Ok((*records > 0).then_some((POST, 1)).into_iter().collect())
        };
        let write = |records: &mut i64| {
            *records -= decision.removed.iter().filter(of_post).count() as i64;
            Ok(())
        };
        pairs::changed(&mut records, decision, present, write).expect("nothing fails here")
    }

    /// Rows removed, rows inserted, change of the number of likers of [`POST`].
    #[track_caller]
    fn check(
        existing: HashMap<Key, LikeRow>,
        records_before: i64,
        ops: &[Op<Fields>],
        expected: (usize, usize, i64),
    ) {
        let decision = decide(existing, ops);
        let changes = changed_pairs(&decision, records_before);
        let change = changes.get(&(POST, 1)).copied().unwrap_or(0);
        assert_eq!((decision.removed.len(), decision.inserted.len(), change), expected);
    }

    #[test]
    fn counts_an_account_once() {
        let other = Subject { rkey: 101, ..POST };
        check(HashMap::new(), 0, &[put(1, POST)], (0, 1, 1));
        check(HashMap::new(), 0, &[put(1, POST), put(2, POST)], (0, 2, 1));
        check(HashMap::new(), 1, &[put(2, POST)], (0, 1, 0));
        check(stored(&put(1, POST)), 1, &[put(1, POST)], (0, 0, 0));
        check(stored(&put(1, POST)), 1, &[put(1, other)], (1, 1, -1));
        check(stored(&put(1, POST)), 1, &[delete(1)], (1, 0, -1));
        check(stored(&put(1, POST)), 2, &[delete(1)], (1, 0, 0));
        check(stored(&put(1, POST)), 1, &[delete(1), put(2, POST)], (1, 1, 0));
        check(HashMap::new(), 0, &[delete(1)], (0, 0, 0));
    }

    #[test]
    fn tells_the_author_of_a_new_like_only() {
        let told = |ops: &[Op<Fields>], before: i64| {
            let decision = decide(HashMap::new(), ops);
            let pairs = changed_pairs(&decision, before);
            notices(&decision, pairs)
                .iter()
                .map(|notice| (notice.recipient, notice.rkey))
                .collect::<Vec<_>>()
        };
        assert_eq!(told(&[put(1, POST), put(2, POST)], 0), [(7, 1)]);
        assert_eq!(told(&[put(2, POST)], 1), []);
        assert_eq!(told(&[put(1, Subject { actor: 1, ..POST })], 0), []);
    }
}
