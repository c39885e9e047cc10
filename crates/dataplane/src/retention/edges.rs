//! Old likes and reposts, by accounts that are of no interest, of posts that are not here (any more).

use millrace_store::{Param, StoreError, Tx};

use super::keep::Keep;
use super::{Age, At, FIRST, Forgotten, Part, forget, forget_counts, next_actor};
use crate::apply::Key;
use crate::apply::post;
use crate::collection::Collection;

/// A part of one account's edges of one kind.
pub(super) fn part(
    tx: &mut Tx,
    kind: Collection,
    after: Key,
    age: Age,
    keep: &Keep,
    rows_max: u32,
) -> Result<Part, StoreError> {
    let table = if kind == Collection::Like { "\"like\"" } else { "repost" };
    let actor = after.0;
    if keep.is_of_interest(actor) || after == FIRST {
        return Ok(Part::on(next(tx, kind, table, actor)?));
    }
    let sql = format!(
        "SELECT rkey, subject_actor, subject_rkey, subject_collection, created_at_us, indexed_at_us
         FROM {table} WHERE actor_id = $1 AND rkey > $2 ORDER BY rkey LIMIT $3"
    );
    let params = [Param::Int(actor), Param::Int(after.1), Param::Int(i64::from(rows_max))];
    let rows: Vec<(i64, Key, bool)> = tx.query(&sql, &params, |row| {
        let of_post = row.get::<i64>(3)? == Collection::Post.code();
        let (created_us, indexed_us): (i64, i64) = (row.get(4)?, row.get(5)?);
        let old = created_us.min(indexed_us) < age.sorted_us && indexed_us < age.indexed_us;
        Ok((row.get(0)?, (row.get(1)?, row.get(2)?), of_post && old))
    })?;
    let Some((last, ..)) = rows.last().copied() else {
        return Ok(Part::on(next(tx, kind, table, actor)?));
    };
    let looked = rows.len();
    let old: Vec<(i64, Key)> =
        rows.into_iter().filter(|(.., old)| *old).map(|(rkey, post, _)| (rkey, post)).collect();
    let posts: Vec<Key> = old.iter().map(|(_, post)| *post).collect();
    let here = post::load(tx, &posts)?;
    let going: Vec<(i64, Key)> =
        old.into_iter().filter(|(_, post)| !here.contains_key(post)).collect();
    let records: Vec<(Collection, Key)> =
        going.iter().map(|(rkey, _)| (kind, (actor, *rkey))).collect();
    forget(tx, &records)?;
    let mut subjects: Vec<Key> = going.iter().map(|(_, post)| *post).collect();
    subjects.sort_unstable();
    subjects.dedup();
    forget_counts(tx, subjects.into_iter())?;
    let gone = Forgotten { edges: going.len() as u64, ..Forgotten::default() };
    Ok(Part { at: At::Edges(kind, (actor, last)), gone, rows: looked })
}

fn next(tx: &mut Tx, kind: Collection, table: &str, actor: i64) -> Result<At, StoreError> {
    Ok(match next_actor(tx, table, actor)? {
        Some(actor) => At::Edges(kind, (actor, i64::MIN)),
        None if kind == Collection::Like => At::Edges(Collection::Repost, FIRST),
        None => At::Notices(i64::MIN),
    })
}
