//! `app.bsky.graph.verification`: one account's word that another is who it says it is. The other
//! is told when it is given and when it is taken back.

use foldhash::HashMap;
use millrace_atproto::cid::Cid;
use millrace_store::{Param, Row, StoreError, Tx};

use super::change::{self, Target};
use super::notify::{self, Notice};
use super::{Decision, Effects, Key, Op, Put, StoredRow, decide, key_params};
use crate::collection::Collection;
use crate::reason::Reason;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fields {
    pub subject: i64,
    /// The handle and the name the subject had.
    pub handle: String,
    pub display_name: String,
    pub created_at_us: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct VerificationRow {
    key: Key,
    subject: i64,
    cid_prefix: i64,
    created_at_us: i64,
    indexed_at_us: i64,
}

impl StoredRow for VerificationRow {
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

pub(crate) fn apply(
    tx: &mut Tx,
    ops: &[Op<Fields>],
    effects: &mut Effects,
) -> Result<(), StoreError> {
    if ops.is_empty() {
        return Ok(());
    }
    let decision = decide(existing(tx, ops)?, ops);
    remove(tx, &decision.removed)?;
    insert(tx, &decision.inserted)?;
    tell(tx, &decision, ops)?;
    for row in &decision.removed {
        let target = Target::Actor(row.subject);
        effects.facts.edge(Collection::Verification, row.key, target, change::Op::Removed);
    }
    for (row, _) in &decision.inserted {
        let target = Target::Actor(row.subject);
        effects.facts.edge(Collection::Verification, row.key, target, change::Op::Inserted);
    }
    Ok(())
}

/// What a notification shows of a record that is gone.
const RECORD_DELETED: &str = r#"{"$type":"app.bsky.notification.defs#recordDeleted"}"#;

/// The subject of a record that is gone is told so in the place of what it was told before.
fn tell(
    tx: &mut Tx,
    decision: &Decision<'_, VerificationRow>,
    ops: &[Op<Fields>],
) -> Result<(), StoreError> {
    let deleted_at_us: HashMap<Key, i64> = ops.iter().map(|op| (op.key, op.at_us)).collect();
    let cids = told_cids(tx, &decision.removed)?;
    let gone = decision
        .removed
        .iter()
        .filter_map(|row| Some((row, *cids.get(&row.key)?, *deleted_at_us.get(&row.key)?)));
    let mut notices: Vec<Notice<'_>> = gone
        .map(|(row, cid, at_us)| notice(row, Reason::Unverified, at_us, cid, RECORD_DELETED))
        .collect();
    let given = decision.inserted.iter();
    notices.extend(given.map(|(row, put)| {
        let at_us = row.created_at_us.min(row.indexed_at_us);
        notice(row, Reason::Verified, at_us, put.cid, &put.json)
    }));
    // A record written anew is told of as given.
    let kept: Vec<Key> = decision.inserted.iter().map(|(row, _)| row.key).collect();
    notices.retain(|notice| {
        notice.reason == Reason::Verified || !kept.contains(&(notice.author, notice.rkey))
    });
    notify::withdraw(tx, Collection::Verification, decision.removed.iter().map(|row| row.key))?;
    notify::send(tx, &notices)
}

fn notice<'a>(
    row: &VerificationRow,
    reason: Reason,
    sort_at_us: i64,
    cid: Cid,
    record: &'a str,
) -> Notice<'a> {
    Notice {
        recipient: row.subject,
        author: row.key.0,
        rkey: row.key.1,
        collection: Collection::Verification,
        reason,
        subject: None,
        sort_at_us,
        cid,
        record,
    }
}

/// The CIDs of the records that were told of.
fn told_cids(tx: &mut Tx, rows: &[VerificationRow]) -> Result<HashMap<Key, Cid>, StoreError> {
    let found = tx.query_many(
        "SELECT n.author, n.rkey, n.cid
         FROM {rows:author BIGINT, rkey BIGINT, collection BIGINT, subject BIGINT} AS k
         CROSS JOIN notification AS n
         WHERE n.author = k.author AND n.rkey = k.rkey AND n.collection = k.collection AND n.actor_id = k.subject",
        rows.iter().map(|row| {
            [row.key.0, row.key.1, Collection::Verification.code(), row.subject].map(Param::Int)
        }),
        |row| {
            let key: Key = (row.get(0)?, row.get(1)?);
            Ok((key, Cid::from_bytes(row.blob(2)?).ok()))
        },
    )?;
    Ok(found.into_iter().filter_map(|(key, cid)| Some((key, cid?))).collect())
}

fn existing(tx: &mut Tx, ops: &[Op<Fields>]) -> Result<HashMap<Key, VerificationRow>, StoreError> {
    let rows = tx.query_many(
        "SELECT v.actor_id, v.rkey, v.subject_actor, v.cid_prefix, v.created_at_us, v.indexed_at_us
         FROM {rows:actor BIGINT, rkey BIGINT} AS k CROSS JOIN verification AS v
         WHERE v.actor_id = k.actor AND v.rkey = k.rkey",
        ops.iter().map(|op| key_params(&op.key)),
        row,
    )?;
    Ok(rows.into_iter().map(|row| (row.key, row)).collect())
}

fn row(row: &Row<'_>) -> Result<VerificationRow, StoreError> {
    Ok(VerificationRow {
        key: (row.get(0)?, row.get(1)?),
        subject: row.get(2)?,
        cid_prefix: row.get(3)?,
        created_at_us: row.get(4)?,
        indexed_at_us: row.get(5)?,
    })
}

fn remove(tx: &mut Tx, rows: &[VerificationRow]) -> Result<(), StoreError> {
    tx.execute_many(
        "DELETE FROM verification WHERE (actor_id, rkey) IN
         (SELECT k.actor, k.rkey FROM {rows:actor BIGINT, rkey BIGINT} AS k)",
        rows.iter().map(|row| key_params(&row.key)),
    )?;
    tx.execute_many(
        "DELETE FROM verification_by_subject WHERE (subject_actor, actor_id, rkey) IN
         (SELECT k.a, k.b, k.c FROM {rows:a BIGINT, b BIGINT, c BIGINT} AS k)",
        rows.iter().map(|row| [row.subject, row.key.0, row.key.1].map(Param::Int)),
    )?;
    Ok(())
}

fn insert(tx: &mut Tx, rows: &[(VerificationRow, &Put<Fields>)]) -> Result<(), StoreError> {
    tx.execute_many(
        "INSERT INTO verification (actor_id, rkey, subject_actor, handle, display_name, cid_prefix,
            created_at_us, indexed_at_us)
         {values:BIGINT,BIGINT,BIGINT,TEXT,TEXT,BIGINT,BIGINT,BIGINT}",
        rows.iter().map(|(row, put)| {
            [
                Param::Int(row.key.0),
                Param::Int(row.key.1),
                Param::Int(row.subject),
                Param::Text(&put.fields.handle),
                Param::Text(&put.fields.display_name),
                Param::Int(row.cid_prefix),
                Param::Int(row.created_at_us),
                Param::Int(row.indexed_at_us),
            ]
        }),
    )?;
    tx.execute_many(
        "INSERT INTO verification_by_subject (subject_actor, actor_id, rkey) {values:BIGINT,BIGINT,BIGINT}",
        rows.iter().map(|(row, _)| [row.subject, row.key.0, row.key.1].map(Param::Int)),
    )?;
    Ok(())
}
