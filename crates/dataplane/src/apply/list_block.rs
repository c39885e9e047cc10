//! `app.bsky.graph.listblock`: an account blocks everybody on a list, now and later. A row, asked
//! about when views are made.

use foldhash::HashMap;
use millrace_atproto::cid::Cid;
use millrace_store::{Param, StoreError, Tx};

use super::change::{self, Target};
use super::ids::Subject;
use super::{Effects, Key, Op, Put, StoredRow, decide, key_params};
use crate::collection::Collection;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fields {
    /// The list's key.
    pub list: Key,
    pub created_at_us: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ListBlockRow {
    key: Key,
    list: Key,
    cid_prefix: i64,
    created_at_us: i64,
    indexed_at_us: i64,
}

impl StoredRow for ListBlockRow {
    type Fields = Fields;

    fn is_of(&self, cid: &Cid) -> bool {
        self.cid_prefix == cid.prefix_i64()
    }

    fn made(op: &Op<Fields>, put: &Put<Fields>, _: Option<&Self>) -> Self {
        Self {
            key: op.key,
            list: put.fields.list,
            cid_prefix: put.cid.prefix_i64(),
            created_at_us: put.fields.created_at_us,
            indexed_at_us: op.at_us,
        }
    }
}

impl ListBlockRow {
    fn target(&self) -> Target {
        let (actor, rkey) = self.list;
        Target::Record(Subject { actor, collection: Collection::List.code(), rkey })
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
    tx.execute_many(
        "DELETE FROM list_block WHERE (actor_id, rkey) IN
         (SELECT k.actor, k.rkey FROM {rows:actor BIGINT, rkey BIGINT} AS k)",
        decision.removed.iter().map(|row| key_params(&row.key)),
    )?;
    tx.execute_many(
        "INSERT INTO list_block (actor_id, rkey, list_actor, list_rkey, cid_prefix, created_at_us, indexed_at_us)
         {values:BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT}",
        decision.inserted.iter().map(|(row, _)| {
            let (list_actor, list_rkey) = row.list;
            let times = (row.created_at_us, row.indexed_at_us);
            [row.key.0, row.key.1, list_actor, list_rkey, row.cid_prefix, times.0, times.1]
                .map(Param::Int)
        }),
    )?;
    let code = Collection::ListBlock;
    for row in &decision.removed {
        effects.counters.actor(row.key.0).list_blocks -= 1;
        effects.facts.edge(code, row.key, row.target(), change::Op::Removed);
    }
    for (row, _) in &decision.inserted {
        effects.counters.actor(row.key.0).list_blocks += 1;
        effects.facts.edge(code, row.key, row.target(), change::Op::Inserted);
    }
    Ok(())
}

fn existing(tx: &mut Tx, ops: &[Op<Fields>]) -> Result<HashMap<Key, ListBlockRow>, StoreError> {
    let rows = tx.query_many(
        "SELECT b.actor_id, b.rkey, b.list_actor, b.list_rkey, b.cid_prefix, b.created_at_us, b.indexed_at_us
         FROM {rows:actor BIGINT, rkey BIGINT} AS k CROSS JOIN list_block AS b
         WHERE b.actor_id = k.actor AND b.rkey = k.rkey",
        ops.iter().map(|op| key_params(&op.key)),
        |row| {
            Ok(ListBlockRow {
                key: (row.get(0)?, row.get(1)?),
                list: (row.get(2)?, row.get(3)?),
                cid_prefix: row.get(4)?,
                created_at_us: row.get(5)?,
                indexed_at_us: row.get(6)?,
            })
        },
    )?;
    Ok(rows.into_iter().map(|row| (row.key, row)).collect())
}
