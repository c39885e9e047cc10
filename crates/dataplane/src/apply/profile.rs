//! `app.bsky.actor.profile`: one record an account, under the key `self`. Whoever made the starter
//! pack an account came by is told when its profile first says so.

use foldhash::{HashMap, HashSet};
use millrace_atproto::cid::Cid;
use millrace_store::{Param, StoreError, Tx};

use super::ids::Subject;
use super::notify::{self, Notice};
use super::{Decision, Effects, Key, Op, Put, StoredRow, change, decide};
use crate::collection::Collection;
use crate::reason::Reason;

/// A profile is kept as its record; besides, what its account came by is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fields {
    /// The starter pack the account says it joined through.
    pub joined_via: Option<Key>,
}

/// The identity of a stored profile.
#[derive(Debug, Clone)]
pub(crate) struct ProfileRow {
    key: Key,
    cid: [u8; 36],
    indexed_at_us: i64,
}

impl StoredRow for ProfileRow {
    type Fields = Fields;

    fn is_of(&self, cid: &Cid) -> bool {
        self.cid == cid.to_bytes()
    }

    fn made(op: &Op<Fields>, put: &Put<Fields>, replaced: Option<&Self>) -> Self {
        // An edit does not make the profile a new one.
        let indexed_at_us = replaced.map_or(op.at_us, |row| row.indexed_at_us);
        Self { key: op.key, cid: put.cid.to_bytes(), indexed_at_us }
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
        "DELETE FROM profile WHERE actor_id IN (SELECT k.actor FROM {rows:actor BIGINT} AS k)",
        decision.removed.iter().map(|row| [Param::Int(row.key.0)]),
    )?;
    tx.execute_many(
        "INSERT INTO profile (actor_id, cid, record, indexed_at_us, joined_actor, joined_rkey)
         {values:BIGINT,BLOB,TEXT,BIGINT,BIGINT,BIGINT}",
        decision.inserted.iter().map(|(row, put)| {
            [
                Param::Int(row.key.0),
                Param::Blob(&row.cid),
                Param::Text(&put.json),
                Param::Int(row.indexed_at_us),
                Param::from(put.fields.joined_via.map(|pack| pack.0)),
                Param::from(put.fields.joined_via.map(|pack| pack.1)),
            ]
        }),
    )?;
    let changed = decision.removed.iter().chain(decision.inserted.iter().map(|(row, _)| row));
    effects.renamed.extend(changed.map(|row| row.key.0));
    for row in &decision.removed {
        effects.facts.record(Collection::Profile, row.key, change::Op::Removed);
    }
    for (row, _) in &decision.inserted {
        effects.facts.record(Collection::Profile, row.key, change::Op::Inserted);
    }
    let edited: HashSet<Key> = decision.inserted.iter().map(|(row, _)| row.key).collect();
    let gone = decision.removed.iter().map(|row| row.key).filter(|key| !edited.contains(key));
    notify::withdraw(tx, Collection::Profile, gone)?;
    notify::send(tx, &joined(&decision))
}

/// A profile that was there before is told of no more.
fn joined<'a>(decision: &'a Decision<'_, ProfileRow>) -> Vec<Notice<'a>> {
    let replaced: HashSet<Key> = decision.removed.iter().map(|row| row.key).collect();
    let new = decision.inserted.iter().filter(|(row, _)| !replaced.contains(&row.key));
    let notice = |(row, put): &'a (ProfileRow, &Put<Fields>)| {
        let (actor, rkey) = put.fields.joined_via?;
        Some(Notice {
            recipient: actor,
            author: row.key.0,
            rkey: row.key.1,
            collection: Collection::Profile,
            reason: Reason::StarterpackJoined,
            subject: Some(Subject { actor, collection: Collection::StarterPack.code(), rkey }),
            sort_at_us: row.indexed_at_us,
            cid: put.cid,
            record: &put.json,
        })
    };
    new.filter_map(notice).collect()
}

fn existing(tx: &mut Tx, ops: &[Op<Fields>]) -> Result<HashMap<Key, ProfileRow>, StoreError> {
    let keys: HashMap<i64, Key> = ops.iter().map(|op| (op.key.0, op.key)).collect();
    let rows = tx.query_many(
        "SELECT p.actor_id, p.cid, p.indexed_at_us FROM {rows:actor BIGINT} AS k CROSS JOIN profile AS p
         WHERE p.actor_id = k.actor",
        ops.iter().map(|op| [Param::Int(op.key.0)]),
        |row| {
            let cid = <[u8; 36]>::try_from(row.get::<Vec<u8>>(1)?).unwrap_or([0; 36]);
            Ok((row.get::<i64>(0)?, cid, row.get::<i64>(2)?))
        },
    )?;
    let rows = rows.into_iter().map(|(actor, cid, indexed_at_us)| {
        let key = keys[&actor];
        (key, ProfileRow { key, cid, indexed_at_us })
    });
    Ok(rows.collect())
}
