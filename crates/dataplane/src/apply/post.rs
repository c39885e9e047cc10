//! `app.bsky.feed.post`: a post is a row, a line of its author's feed, a reply of its parent and
//! a quote of what it embeds.
//!
//! An edited post keeps the time it was indexed at, so it keeps its place. Whether a reply
//! belongs to the thread it names is decided once, when it is indexed, from its parent's row.

use std::sync::Arc;

use foldhash::{HashMap, HashSet};
use millrace_atproto::cid::Cid;
use millrace_store::{Param, Row, StoreError, Tx};

use super::feed::{self, Heads, Item, Standing};
use super::ids::Subject;
use super::{
    Decision, Effects, Key, Op, Put, StoredRow, change, decide, gates, key_params, notify,
    post_notices, search,
};
use crate::collection::Collection;
use crate::flags;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fields {
    pub created_at_us: i64,
    /// Bits of [`flags`], without those decided here.
    pub flags: i64,
    pub root: Option<Key>,
    pub parent: Option<Key>,
    /// The post it embeds.
    pub quote: Option<Key>,
    /// Accounts its facets mention.
    pub mentions: Vec<i64>,
    /// What a search finds it by, as far as no ids are needed.
    pub words: Arc<[String]>,
}

/// A row of `post`, without the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PostRow {
    pub key: Key,
    pub cid: [u8; 36],
    pub sort_at_us: i64,
    pub indexed_at_us: i64,
    pub flags: i64,
    pub root: Option<Key>,
    pub parent: Option<Key>,
    pub quote: Option<Key>,
}

impl StoredRow for PostRow {
    type Fields = Fields;

    fn is_of(&self, cid: &Cid) -> bool {
        self.cid == cid.to_bytes()
    }

    fn made(op: &Op<Fields>, put: &Put<Fields>, replaced: Option<&Self>) -> Self {
        let indexed_at_us = replaced.map_or(op.at_us, |row| row.indexed_at_us);
        let fields = &put.fields;
        Self {
            key: op.key,
            cid: put.cid.to_bytes(),
            sort_at_us: fields.created_at_us.min(indexed_at_us),
            indexed_at_us,
            flags: fields.flags,
            root: fields.root,
            parent: fields.parent,
            quote: fields.quote,
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
    let keys: Vec<Key> = ops.iter().map(|op| op.key).collect();
    let mut decision = decide(load(tx, &keys)?, ops);
    judge_roots(tx, &mut decision)?;
    let hidden = gates::judge(tx, &mut decision)?;
    remove(tx, &decision.removed, &mut effects.heads)?;
    insert(tx, &decision.inserted, &mut effects.heads)?;
    search::posts(tx, &decision.removed, &decision.inserted)?;
    for row in &decision.removed {
        count(row, -1, effects);
        effects.facts.post(row.key, row.parent, row.quote, change::Op::Removed);
    }
    for (row, _) in &decision.inserted {
        count(row, 1, effects);
        effects.facts.post(row.key, row.parent, row.quote, change::Op::Inserted);
    }
    notify::withdraw(tx, Collection::Post, decision.removed.iter().map(|row| row.key))?;
    let edited: HashSet<Key> = decision.removed.iter().map(|row| row.key).collect();
    post_notices::send(tx, &decision.inserted, &edited, &hidden)
}

/// The counters a post's presence adds to.
fn count(row: &PostRow, change: i64, effects: &mut Effects) {
    let post =
        |key: Key| Subject { actor: key.0, collection: Collection::Post.code(), rkey: key.1 };
    effects.counters.actor(row.key.0).posts += change;
    // A reply that the thread's gate does not allow is none to those who count them.
    if let Some(parent) = row.parent.filter(|_| row.flags & flags::VIOLATES_THREADGATE == 0) {
        effects.counters.record(post(parent)).replies += change;
    }
    if let Some(quote) = row.quote {
        effects.counters.record(post(quote)).quotes += change;
    }
}

/// Marks the replies whose root is not that of their parent's thread.
fn judge_roots(tx: &mut Tx, decision: &mut Decision<'_, PostRow>) -> Result<(), StoreError> {
    let parents: Vec<Key> = decision.inserted.iter().filter_map(|(row, _)| row.parent).collect();
    let mut known = load(tx, &parents)?;
    for row in &decision.removed {
        known.remove(&row.key);
    }
    for (row, _) in &mut decision.inserted {
        if row.flags & flags::REPLY != 0
            && !belongs(row, row.parent.and_then(|parent| known.get(&parent)))
        {
            row.flags |= flags::INVALID_ROOT;
        }
        known.insert(row.key, row.clone());
    }
    Ok(())
}

/// Whether a reply belongs to the thread its root names, by what is known of its parent.
fn belongs(reply: &PostRow, parent: Option<&PostRow>) -> bool {
    let Some(parent) = parent else { return false };
    if parent.flags & flags::INVALID_ROOT != 0 {
        return false;
    }
    match reply.parent == reply.root {
        true => parent.flags & flags::REPLY == 0,
        false => parent.root.is_some() && parent.root == reply.root,
    }
}

/// The rows of those of `keys` that are stored.
pub(crate) fn load(tx: &mut Tx, keys: &[Key]) -> Result<HashMap<Key, PostRow>, StoreError> {
    let mut keys = keys.to_vec();
    keys.sort_unstable();
    keys.dedup();
    let rows = tx.query_many(
        "SELECT p.actor_id, p.rkey, p.cid, p.sort_at_us, p.indexed_at_us, p.flags,
                p.root_actor, p.root_rkey, p.parent_actor, p.parent_rkey, p.quote_actor, p.quote_rkey
         FROM {rows:actor BIGINT, rkey BIGINT} AS k CROSS JOIN post AS p
         WHERE p.actor_id = k.actor AND p.rkey = k.rkey",
        keys.iter().map(key_params),
        row,
    )?;
    Ok(rows.into_iter().map(|row| (row.key, row)).collect())
}

/// Reads the columns [`load`] names, in that order.
pub(crate) fn row(row: &Row<'_>) -> Result<PostRow, StoreError> {
    let pair = |first: usize| -> Result<Option<Key>, StoreError> {
        Ok(row.get::<Option<i64>>(first)?.zip(row.get::<Option<i64>>(first + 1)?))
    };
    Ok(PostRow {
        key: (row.get(0)?, row.get(1)?),
        cid: <[u8; 36]>::try_from(row.get::<Vec<u8>>(2)?).unwrap_or([0; 36]),
        sort_at_us: row.get(3)?,
        indexed_at_us: row.get(4)?,
        flags: row.get(5)?,
        root: pair(6)?,
        parent: pair(8)?,
        quote: pair(10)?,
    })
}

fn remove(tx: &mut Tx, rows: &[PostRow], heads: &mut Heads) -> Result<(), StoreError> {
    tx.execute_many(
        "DELETE FROM post WHERE (actor_id, rkey) IN
         (SELECT k.actor, k.rkey FROM {rows:actor BIGINT, rkey BIGINT} AS k)",
        rows.iter().map(|row| key_params(&row.key)),
    )?;
    remove_feed_items(tx, rows, heads)
}

/// Takes posts out of their authors' feeds.
pub(crate) fn remove_feed_items(
    tx: &mut Tx,
    rows: &[PostRow],
    heads: &mut Heads,
) -> Result<(), StoreError> {
    let line = |row: &PostRow| [row.key.0, row.sort_at_us, row.key.1, Collection::Post.code()];
    feed::remove(tx, rows.iter().map(line), heads)
}

fn insert(
    tx: &mut Tx,
    rows: &[(PostRow, &Put<Fields>)],
    heads: &mut Heads,
) -> Result<(), StoreError> {
    tx.execute_many(
        "INSERT INTO post (actor_id, rkey, cid, record, sort_at_us, indexed_at_us, flags,
            root_actor, root_rkey, parent_actor, parent_rkey, quote_actor, quote_rkey)
         {values:BIGINT,BIGINT,BLOB,TEXT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT}",
        rows.iter().map(|(row, put)| {
            [
                Param::Int(row.key.0),
                Param::Int(row.key.1),
                Param::Blob(&row.cid),
                Param::Text(&put.json),
                Param::Int(row.sort_at_us),
                Param::Int(row.indexed_at_us),
                Param::Int(row.flags),
                Param::from(row.root.map(|key| key.0)),
                Param::from(row.root.map(|key| key.1)),
                Param::from(row.parent.map(|key| key.0)),
                Param::from(row.parent.map(|key| key.1)),
                Param::from(row.quote.map(|key| key.0)),
                Param::from(row.quote.map(|key| key.1)),
            ]
        }),
    )?;
    insert_feed_items(tx, rows.iter().map(|(row, _)| row), heads)
}

/// Puts posts into their authors' feeds.
pub(crate) fn insert_feed_items<'r>(
    tx: &mut Tx,
    rows: impl Iterator<Item = &'r PostRow>,
    heads: &mut Heads,
) -> Result<(), StoreError> {
    let item = |row: &PostRow| Item {
        key: row.key,
        collection: Collection::Post,
        sort_at_us: row.sort_at_us,
        post: row.key,
        flags: row.flags,
        root_actor: row.root.map(|key| key.0),
    };
    feed::insert(tx, rows.map(item), Standing::Impossible, heads)
}

#[cfg(test)]
impl PostRow {
    pub(crate) fn for_test(key: Key, parent: Option<Key>) -> Self {
        Self {
            key,
            cid: [0; 36],
            sort_at_us: 0,
            indexed_at_us: 0,
            flags: 0,
            root: parent,
            parent,
            quote: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(rkey: i64, root: Option<Key>, parent: Option<Key>, flags: i64) -> PostRow {
        PostRow { flags, root, ..PostRow::for_test((1, rkey), parent) }
    }

    #[test]
    fn a_reply_belongs_to_the_thread_of_its_parent() {
        let root = post(1, None, None, 0);
        let reply = post(2, Some((1, 1)), Some((1, 1)), flags::REPLY);
        let deep = post(3, Some((1, 1)), Some((1, 2)), flags::REPLY);
        let stray = post(4, Some((1, 9)), Some((1, 2)), flags::REPLY);
        let bad = post(5, Some((1, 1)), Some((1, 4)), flags::REPLY);
        let marked = PostRow { flags: flags::REPLY | flags::INVALID_ROOT, ..stray.clone() };
        for (reply, parent, expected) in [
            (&reply, Some(&root), true),
            (&deep, Some(&reply), true),
            (&reply, None, false),
            // The parent is itself a reply, yet is named as the root.
            (&reply, Some(&deep), false),
            (&stray, Some(&reply), false),
            (&bad, Some(&marked), false),
        ] {
            assert_eq!(belongs(reply, parent), expected, "{reply:?} under {parent:?}");
        }
    }
}
