//! The newest feed items of many accounts: first the newest item of each, which says how far back
//! a page can reach at most, then a clustered range per account, never more of it than a page.
//!
//! `feed_head` knows the newest item of each account, in a few pages for thousands of them: only of
//! an account that has newer items than the cursor the one before it is looked for.

use std::cmp::Reverse;

use millrace_store::{Param, Tx};

use super::author_feed::ItemRow;
use super::cursor::TimeKey;
use crate::collection::Collection;
use crate::error::DataplaneError;

/// Sources whose items are read together at first, and four times as many each time after.
const SOURCES_TOGETHER: usize = 16;

/// Which items count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kinds {
    All,
    /// Without reposts.
    Posts,
}

impl Kinds {
    /// The bounds of `collection` in `feed_item`.
    fn condition(self, alias: &str) -> String {
        match self {
            Self::All => String::new(),
            Self::Posts => format!(" AND {alias}.collection = {}", Collection::Post.code()),
        }
    }
}

/// Where a source's items are before a cursor: `n` is its `feed_item`, `$2` to `$4` the cursor.
const BEFORE: &str = "n.actor_id = ids.id AND n.sort_at_us <= $2
    AND (n.sort_at_us, n.rkey, n.actor_id * 64 + n.collection) < ($2, $3, $4)";

/// The `wanted` newest items of all sources before the cursor.
pub(crate) fn newest(
    tx: &mut Tx,
    sources: &[i64],
    before: TimeKey,
    wanted: i64,
    kinds: Kinds,
) -> Result<Vec<ItemRow>, DataplaneError> {
    let heads = heads(tx, sources, before, kinds)?;
    from_heads(tx, heads, before, wanted, kinds)
}

/// Whom an account follows, the latest follows first; of itself it need not be told.
const FOLLOWED: &str =
    "SELECT subject_actor FROM follow WHERE actor_id = $1 AND subject_actor <> $1
    ORDER BY rkey DESC LIMIT $2";

/// The `wanted` newest items before the cursor of those whom an account follows by its latest follows. Where
/// none of them brought anything since the cursor, few of thousands need to be named.
pub(crate) fn newest_of_followed(
    tx: &mut Tx,
    actor: i64,
    follows_max: i64,
    before: TimeKey,
    wanted: i64,
) -> Result<Vec<ItemRow>, DataplaneError> {
    // Somebody may be followed twice, and the last head may be as old as others that are left out.
    let looked_at = 2 * wanted;
    let sql = format!(
        "SELECT h.sort_at_us, h.actor_id FROM ({FOLLOWED}) AS f CROSS JOIN feed_head AS h
         WHERE h.actor_id = f.subject_actor ORDER BY h.sort_at_us DESC LIMIT $3"
    );
    let params = [actor, follows_max, looked_at].map(Param::Int);
    let mut heads: Vec<(i64, i64)> =
        tx.query(&sql, &params, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (first, last) = (heads.first().copied(), heads.last().copied());
    let are_all = (heads.len() as i64) < looked_at;
    heads.sort_unstable_by(|left, right| right.cmp(left));
    heads.dedup();
    let floor = heads.get((wanted - 1) as usize);
    let is_enough = are_all || floor.zip(last).is_some_and(|(floor, last)| floor.0 > last.0);
    if is_enough && first.is_none_or(|first| first.0 < before.time_us) {
        return from_heads(tx, heads, before, wanted, Kinds::All);
    }
    let params = [actor, follows_max].map(Param::Int);
    let mut sources: Vec<i64> = tx.query(FOLLOWED, &params, |row| row.get(0))?;
    sources.sort_unstable();
    sources.dedup();
    newest(tx, &sources, before, wanted, Kinds::All)
}

/// The `wanted` newest items, of sources with the times of their newest.
fn from_heads(
    tx: &mut Tx,
    mut heads: Vec<(i64, i64)>,
    before: TimeKey,
    wanted: i64,
    kinds: Kinds,
) -> Result<Vec<ItemRow>, DataplaneError> {
    heads.sort_unstable_by(|left, right| right.cmp(left));
    // With that many sources, no item older than the last of their newest ones is on the page.
    let mut floor_us = match heads.get((wanted - 1) as usize) {
        Some((head_us, _)) => *head_us,
        None => i64::MIN,
    };
    let mut rows: Vec<ItemRow> = Vec::new();
    let mut left = heads.as_slice();
    let mut together = SOURCES_TOGETHER;
    // What the first sources brought may be newer than anything of the others.
    while left.first().is_some_and(|head| head.0 >= floor_us) {
        let (some, others) = left.split_at(together.min(left.len()));
        let sources = some.iter().filter(|head| head.0 >= floor_us).map(|head| head.1);
        let sources: Vec<i64> = sources.collect();
        rows.extend(since(tx, &sources, before, floor_us, wanted, kinds)?);
        rows.sort_unstable_by_key(|row| Reverse(row.position()));
        rows.truncate(usize::try_from(wanted).unwrap_or_default());
        if rows.len() as i64 == wanted {
            floor_us = rows.last().map_or(floor_us, |row| row.sort_at_us.max(floor_us));
        }
        (left, together) = (others, together * 4);
    }
    Ok(rows)
}

/// The time of each source's newest item before the cursor, with the source.
pub(super) fn heads(
    tx: &mut Tx,
    sources: &[i64],
    before: TimeKey,
    kinds: Kinds,
) -> Result<Vec<(i64, i64)>, DataplaneError> {
    let sought = format!(
        "(SELECT n.sort_at_us FROM feed_item AS n WHERE {BEFORE}{}
            ORDER BY n.sort_at_us DESC, n.rkey DESC LIMIT 1)",
        kinds.condition("n")
    );
    let head = match kinds {
        Kinds::All => {
            format!("CASE WHEN h.sort_at_us < $2 THEN h.sort_at_us ELSE {sought} END")
        }
        // The newest item may be a repost.
        Kinds::Posts => sought,
    };
    let sql = format!(
        "SELECT ids.id, {head} FROM {{id_list:$1}} AS ids CROSS JOIN feed_head AS h
         WHERE h.actor_id = ids.id"
    );
    let params = [
        Param::Ids(sources),
        Param::Int(before.time_us),
        Param::Int(before.key),
        Param::Int(before.actor),
    ];
    let rows: Vec<(i64, Option<i64>)> =
        tx.query(&sql, &params, |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.into_iter().filter_map(|(source, head)| Some((head?, source))).collect())
}

/// The newest items not older than `floor_us`; of one source never more than a page is read.
fn since(
    tx: &mut Tx,
    sources: &[i64],
    before: TimeKey,
    floor_us: i64,
    wanted: i64,
    kinds: Kinds,
) -> Result<Vec<ItemRow>, DataplaneError> {
    let (of_one, of_all) = (kinds.condition("n"), kinds.condition("i"));
    let own_floor = format!(
        "SELECT n.sort_at_us FROM feed_item AS n WHERE {BEFORE}{of_one} AND n.sort_at_us >= $5
         ORDER BY n.sort_at_us DESC, n.rkey DESC LIMIT 1 OFFSET $6"
    );
    let sql = format!(
        "SELECT i.sort_at_us, i.rkey, i.collection, i.post_actor, i.post_rkey, i.actor_id
         FROM {{id_list:$1}} AS ids CROSS JOIN feed_item AS i
         WHERE i.actor_id = ids.id AND i.sort_at_us <= $2 AND i.sort_at_us >= COALESCE(({own_floor}), $5)
           AND (i.sort_at_us, i.rkey, i.actor_id * 64 + i.collection) < ($2, $3, $4){of_all}
         ORDER BY i.sort_at_us DESC, i.rkey DESC, i.actor_id * 64 + i.collection DESC LIMIT $6"
    );
    Ok(tx.query(
        &sql,
        &[
            Param::Ids(sources),
            Param::Int(before.time_us),
            Param::Int(before.key),
            Param::Int(before.actor),
            Param::Int(floor_us),
            Param::Int(wanted),
        ],
        |row| {
            Ok(ItemRow {
                sort_at_us: row.get(0)?,
                rkey: row.get(1)?,
                collection: row.get(2)?,
                post_actor: row.get(3)?,
                post_rkey: row.get(4)?,
                actor: row.get(5)?,
            })
        },
    )?)
}
