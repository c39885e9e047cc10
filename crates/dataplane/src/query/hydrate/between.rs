//! Blocks: who blocks whom, directly or by a list. A list counts only as long as it stands, is for
//! moderation, and its owner is active. Nobody blocks themselves.

use foldhash::{HashMap, HashMapExt, HashSet};
use millrace_store::{Param, StoreError, Tx};

use super::PostKey;
use super::counts::Counted;
use crate::collection::Collection;

/// One account and another.
pub(crate) type Pair = (i64, i64);

const DIRECT: &str = "SELECT k.source, k.target, (SELECT min(s.rkey) FROM block_by_subject AS s
        WHERE s.subject_actor = k.target AND s.actor_id = k.source)
    FROM {rows:source BIGINT, target BIGINT} AS k";

/// Of an account's blocks of lists the first thousand are looked at.
const BY_LIST: &str = "SELECT k.source, k.target, (SELECT min(b.rkey)
        FROM (SELECT l.rkey, l.list_actor, l.list_rkey FROM list_block AS l
              WHERE l.actor_id = k.source ORDER BY l.rkey LIMIT 1000) AS b
        CROSS JOIN list_item_by_list AS i CROSS JOIN document AS d CROSS JOIN actor AS a
        WHERE i.actor_id = b.list_actor AND i.list_rkey = b.list_rkey AND i.subject_actor = k.target
          AND d.actor_id = b.list_actor AND d.collection = k.list AND d.rkey = b.list_rkey AND d.purpose = 1
          AND a.actor_id = b.list_actor AND a.active = 1)
    FROM {rows:source BIGINT, target BIGINT, list BIGINT} AS k";

/// For each pair the record by which the one blocks the other, where there is one.
pub(super) fn direct(
    tx: &mut Tx,
    counted: &mut Counted,
    pairs: impl IntoIterator<Item = Pair>,
) -> Result<HashMap<Pair, i64>, StoreError> {
    let mut pairs = distinct(pairs);
    counted.read(tx, pairs.iter().map(|pair| pair.0))?;
    pairs.retain(|pair| counted.of(pair.0).blocks > 0);
    let rows =
        tx.query_many(DIRECT, pairs.iter().map(|pair| [pair.0, pair.1].map(Param::Int)), |row| {
            Ok(((row.get(0)?, row.get(1)?), row.get::<Option<i64>>(2)?))
        })?;
    Ok(rows.into_iter().filter_map(|(pair, rkey)| Some((pair, rkey?))).collect())
}

/// For each pair the list by which the one blocks the other, where there is one.
pub(super) fn by_list(
    tx: &mut Tx,
    counted: &mut Counted,
    pairs: impl IntoIterator<Item = Pair>,
) -> Result<HashMap<Pair, PostKey>, StoreError> {
    let mut pairs = distinct(pairs);
    counted.read(tx, pairs.iter().map(|pair| pair.0))?;
    pairs.retain(|pair| counted.of(pair.0).list_blocks > 0);
    if pairs.is_empty() {
        return Ok(HashMap::new());
    }
    let list = Collection::List.code();
    let rows: Vec<(Pair, Option<i64>)> = tx.query_many(
        BY_LIST,
        pairs.iter().map(|pair| [pair.0, pair.1, list].map(Param::Int)),
        |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)),
    )?;
    let found = rows.into_iter().filter_map(|(pair, rkey)| Some((pair, rkey?)));
    let lists = tx.query_many(
        "SELECT k.source, k.target, l.list_actor, l.list_rkey
         FROM {rows:source BIGINT, target BIGINT, rkey BIGINT} AS k CROSS JOIN list_block AS l
         WHERE l.actor_id = k.source AND l.rkey = k.rkey",
        found.map(|(pair, rkey)| [pair.0, pair.1, rkey].map(Param::Int)),
        |row| Ok(((row.get(0)?, row.get(1)?), (row.get(2)?, row.get(3)?))),
    )?;
    Ok(lists.into_iter().collect())
}

/// Those of `pairs` between whom a block stands, whoever set it.
pub(crate) fn blocked(
    tx: &mut Tx,
    counted: &mut Counted,
    pairs: impl IntoIterator<Item = Pair>,
) -> Result<HashSet<Pair>, StoreError> {
    let pairs = distinct(pairs);
    let both = || pairs.iter().flat_map(|pair| [*pair, (pair.1, pair.0)]);
    let direct = direct(tx, counted, both())?;
    let by_list = by_list(tx, counted, both())?;
    let stands = |pair: &Pair| direct.contains_key(pair) || by_list.contains_key(pair);
    Ok(pairs.iter().copied().filter(|pair| stands(pair) || stands(&(pair.1, pair.0))).collect())
}

/// Each pair once, in order, and nobody with themselves.
fn distinct(pairs: impl IntoIterator<Item = Pair>) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = pairs.into_iter().filter(|pair| pair.0 != pair.1).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}
