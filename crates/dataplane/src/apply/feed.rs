//! Lines of feeds (`feed_item`), and of each account the time of its newest one (`feed_head`), which
//! answers what a timeline asks of everybody who is followed.
//!
//! What must stay true: a head is the time of the newest line there is, and where there is no line there is
//! no head. So lines come and go here alone, and each time [`Heads`] is told; who told it writes it before
//! the transaction ends.

use std::collections::BTreeMap;

use millrace_store::{Param, StoreError, Tx};

use super::Key;
use crate::collection::Collection;

/// A line's key: account, time, record key, collection.
pub(crate) type Line = [i64; 4];

/// A line of an account's feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Item {
    /// The key of the post or repost it stands for; its account is whose feed it is.
    pub key: Key,
    pub collection: Collection,
    pub sort_at_us: i64,
    /// The post that it shows.
    pub post: Key,
    pub flags: i64,
    pub root_actor: Option<i64>,
}

/// What is to be done where a line is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// There is none.
    Impossible,
    /// It stays.
    Stays,
}

/// Puts lines into feeds.
pub(crate) fn insert(
    tx: &mut Tx,
    items: impl IntoIterator<Item = Item>,
    standing: Standing,
    heads: &mut Heads,
) -> Result<(), StoreError> {
    let conflict = match standing {
        Standing::Impossible => "",
        Standing::Stays => " ON CONFLICT DO NOTHING",
    };
    let sql = format!(
        "INSERT INTO feed_item (actor_id, sort_at_us, collection, rkey, post_actor, post_rkey, flags, root_actor)
         {{values:BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT}}{conflict}"
    );
    let rows = items.into_iter().map(|item| {
        later(&mut heads.came, item.key.0, item.sort_at_us);
        [
            Param::Int(item.key.0),
            Param::Int(item.sort_at_us),
            Param::Int(item.collection.code()),
            Param::Int(item.key.1),
            Param::Int(item.post.0),
            Param::Int(item.post.1),
            Param::Int(item.flags),
            Param::from(item.root_actor),
        ]
    });
    tx.execute_many(&sql, rows).map(drop)
}

/// Takes lines out of feeds, as far as they are there.
pub(crate) fn remove(
    tx: &mut Tx,
    lines: impl IntoIterator<Item = Line>,
    heads: &mut Heads,
) -> Result<(), StoreError> {
    let rows = lines.into_iter().map(|line| {
        later(&mut heads.went, line[0], line[1]);
        line.map(Param::Int)
    });
    tx.execute_many(
        "DELETE FROM feed_item WHERE (actor_id, sort_at_us, rkey, collection) IN
         (SELECT k.a, k.b, k.c, k.d FROM {rows:a BIGINT, b BIGINT, c BIGINT, d BIGINT} AS k)",
        rows,
    )
    .map(drop)
}

/// By account the time of the newest line that came and of the newest that went, in the order their rows
/// are locked.
#[derive(Debug, Default)]
pub(crate) struct Heads {
    came: BTreeMap<i64, i64>,
    went: BTreeMap<i64, i64>,
}

fn later(times: &mut BTreeMap<i64, i64>, actor: i64, at_us: i64) {
    let time = times.entry(actor).or_insert(at_us);
    *time = at_us.max(*time);
}

impl Heads {
    /// Writes the heads of these accounts: what came raises them, and only who may have lost the newest
    /// line is looked at anew.
    pub(crate) fn write(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let Self { came, went } = std::mem::take(self);
        tx.execute_many(
            "INSERT INTO feed_head (actor_id, sort_at_us) {values:BIGINT KEY,BIGINT}
             ON CONFLICT (actor_id) DO UPDATE SET sort_at_us = excluded.sort_at_us
                WHERE excluded.sort_at_us > feed_head.sort_at_us",
            came.iter().map(|(actor, at_us)| [*actor, *at_us].map(Param::Int)),
        )?;
        // What came and is newer than all that went, did not go.
        let may_have_lost = went
            .iter()
            .filter(|&(actor, at_us)| came.get(actor).is_none_or(|newest| newest <= at_us));
        let lost = tx.query_many(
            "SELECT h.actor_id FROM {rows:actor BIGINT, at_us BIGINT} AS k CROSS JOIN feed_head AS h
             WHERE h.actor_id = k.actor AND h.sort_at_us <= k.at_us",
            may_have_lost.map(|(actor, at_us)| [*actor, *at_us].map(Param::Int)),
            |row| row.get(0),
        )?;
        look_anew(tx, &lost)
    }
}

/// The time of the newest line of the account that this expression names, as a subquery.
pub(crate) fn newest(actor: &str) -> String {
    format!(
        "(SELECT i.sort_at_us FROM feed_item AS i WHERE i.actor_id = {actor} ORDER BY i.sort_at_us DESC LIMIT 1)"
    )
}

/// Makes the heads of these accounts what their lines say.
pub(crate) fn look_anew(tx: &mut Tx, actors: &[i64]) -> Result<(), StoreError> {
    if actors.is_empty() {
        return Ok(());
    }
    let actors = [Param::Ids(actors)];
    tx.execute(
        "DELETE FROM feed_head WHERE actor_id IN (SELECT ids.id FROM {id_list:$1} AS ids)",
        &actors,
    )?;
    tx.execute(
        &format!(
            "INSERT INTO feed_head (actor_id, sort_at_us) SELECT n.actor_id, n.sort_at_us FROM
           (SELECT ids.id AS actor_id, {} AS sort_at_us FROM {{id_list:$1}} AS ids) AS n
         WHERE n.sort_at_us IS NOT NULL",
            newest("ids.id")
        ),
        &actors,
    )
    .map(drop)
}
