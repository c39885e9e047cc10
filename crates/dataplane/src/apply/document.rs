//! Documents: records that are shown themselves and counted by their author, if at all. Lists, feed
//! generators, starter packs, labelers, gates, statuses and declarations share one table; what they
//! mean is decided where they are read.
//!
//! An edit keeps the time a document was indexed at, so it keeps its place.

use foldhash::HashMap;
use millrace_atproto::cid::Cid;
use millrace_store::{Param, StoreError, Tx};

use super::{Effects, Key, Op, Put, StoredRow, change, decide};
use crate::collection::Collection;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fields {
    pub created_at_us: i64,
    /// Of a list: see the table.
    pub purpose: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct DocumentRow {
    key: Key,
    cid: [u8; 36],
    sort_at_us: i64,
    indexed_at_us: i64,
}

impl StoredRow for DocumentRow {
    type Fields = Fields;

    fn is_of(&self, cid: &Cid) -> bool {
        self.cid == cid.to_bytes()
    }

    fn made(op: &Op<Fields>, put: &Put<Fields>, replaced: Option<&Self>) -> Self {
        let indexed_at_us = replaced.map_or(op.at_us, |row| row.indexed_at_us);
        Self {
            key: op.key,
            cid: put.cid.to_bytes(),
            sort_at_us: put.fields.created_at_us.min(indexed_at_us),
            indexed_at_us,
        }
    }
}

pub(crate) fn apply(
    tx: &mut Tx,
    collection: Collection,
    ops: &[Op<Fields>],
    effects: &mut Effects,
) -> Result<(), StoreError> {
    if ops.is_empty() {
        return Ok(());
    }
    let decision = decide(existing(tx, collection, ops)?, ops);
    tx.execute_many(
        "DELETE FROM document WHERE (actor_id, collection, rkey) IN
         (SELECT k.a, k.b, k.c FROM {rows:a BIGINT, b BIGINT, c BIGINT} AS k)",
        decision.removed.iter().map(|row| document_key(collection, row.key)),
    )?;
    insert(tx, collection, &decision.inserted)?;
    for row in &decision.removed {
        count(collection, row.key.0, -1, effects);
        effects.facts.record(collection, row.key, change::Op::Removed);
    }
    for (row, _) in &decision.inserted {
        count(collection, row.key.0, 1, effects);
        effects.facts.record(collection, row.key, change::Op::Inserted);
    }
    Ok(())
}

/// What a profile says an account has so many of, and what most accounts have none of.
fn count(collection: Collection, actor: i64, change: i64, effects: &mut Effects) {
    let counters = effects.counters.actor(actor);
    match collection {
        Collection::List => counters.lists += change,
        Collection::Generator => counters.generators += change,
        Collection::StarterPack => counters.starter_packs += change,
        gate if GATES.contains(&gate) => counters.gates += change,
        declaration if DECLARATIONS.contains(&declaration) => counters.declarations += change,
        _ => {}
    }
}

/// Counted together as `gates`.
pub(crate) const GATES: [Collection; 2] = [Collection::Threadgate, Collection::Postgate];

/// Counted together as `declarations`.
pub(crate) const DECLARATIONS: [Collection; 5] = [
    Collection::Labeler,
    Collection::Status,
    Collection::NotificationDeclaration,
    Collection::ChatDeclaration,
    Collection::GermDeclaration,
];

fn document_key(collection: Collection, key: Key) -> [Param<'static>; 3] {
    [key.0, collection.code(), key.1].map(Param::Int)
}

fn existing(
    tx: &mut Tx,
    collection: Collection,
    ops: &[Op<Fields>],
) -> Result<HashMap<Key, DocumentRow>, StoreError> {
    let rows = tx.query_many(
        "SELECT d.actor_id, d.rkey, d.cid, d.sort_at_us, d.indexed_at_us
         FROM {rows:actor BIGINT, collection BIGINT, rkey BIGINT} AS k CROSS JOIN document AS d
         WHERE d.actor_id = k.actor AND d.collection = k.collection AND d.rkey = k.rkey",
        ops.iter().map(|op| document_key(collection, op.key)),
        |row| {
            Ok(DocumentRow {
                key: (row.get(0)?, row.get(1)?),
                cid: <[u8; 36]>::try_from(row.blob(2)?).unwrap_or([0; 36]),
                sort_at_us: row.get(3)?,
                indexed_at_us: row.get(4)?,
            })
        },
    )?;
    Ok(rows.into_iter().map(|row| (row.key, row)).collect())
}

fn insert(
    tx: &mut Tx,
    collection: Collection,
    rows: &[(DocumentRow, &Put<Fields>)],
) -> Result<(), StoreError> {
    tx.execute_many(
        "INSERT INTO document (actor_id, collection, rkey, cid, record, sort_at_us, indexed_at_us, purpose)
         {values:BIGINT,BIGINT,BIGINT,BLOB,TEXT,BIGINT,BIGINT,BIGINT}",
        rows.iter().map(|(row, put)| {
            [
                Param::Int(row.key.0),
                Param::Int(collection.code()),
                Param::Int(row.key.1),
                Param::Blob(&row.cid),
                Param::Text(&put.json),
                Param::Int(row.sort_at_us),
                Param::Int(row.indexed_at_us),
                Param::from(put.fields.purpose),
            ]
        }),
    )?;
    Ok(())
}
