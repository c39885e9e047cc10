//! Old posts of accounts that are of no interest, account by account.

use millrace_store::{Param, StoreError, Tx};

use super::keep::Keep;
use super::{Age, At, FIRST, Forgotten, Part, forget, forget_counts, next_actor};
use crate::apply::Key;
use crate::apply::post;
use crate::collection::Collection;

/// A part of one account's posts.
pub(super) fn part(
    tx: &mut Tx,
    after: Key,
    age: Age,
    keep: &Keep,
    rows_max: u32,
) -> Result<Part, StoreError> {
    let actor = after.0;
    if keep.is_of_interest(actor) || after == FIRST {
        return Ok(Part::on(next(tx, actor)?));
    }
    let keys: Vec<(Key, bool)> = tx.query(
        "SELECT rkey, sort_at_us, indexed_at_us FROM post WHERE actor_id = $1 AND rkey > $2
         ORDER BY rkey LIMIT $3",
        &[Param::Int(actor), Param::Int(after.1), Param::Int(i64::from(rows_max))],
        |row| {
            let (rkey, sorted_us, indexed_us): (i64, i64, i64) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(((actor, rkey), sorted_us < age.sorted_us && indexed_us < age.indexed_us))
        },
    )?;
    let Some((last, _)) = keys.last().copied() else {
        return Ok(Part::on(next(tx, actor)?));
    };
    let rows = keys.len();
    let old: Vec<Key> = keys.into_iter().filter(|(_, old)| *old).map(|(key, _)| key).collect();
    let found = post::load(tx, &old)?;
    let mut going: Vec<Key> =
        found.into_values().filter(|row| !keep.by_row(row)).map(|row| row.key).collect();
    going.sort_unstable();
    let taken_part_in = keep.taken_part_in(tx, &going)?;
    going.retain(|key| !taken_part_in.contains(key));
    let records: Vec<(Collection, Key)> = going
        .iter()
        .flat_map(|key| {
            // A gate stands under the key of its post.
            [Collection::Post, Collection::Threadgate, Collection::Postgate]
                .map(|collection| (collection, *key))
        })
        .collect();
    forget(tx, &records)?;
    forget_counts(tx, going.iter().copied())?;
    let gone = Forgotten { posts: going.len() as u64, ..Forgotten::default() };
    Ok(Part { at: At::Posts(last), gone, rows })
}

/// The next account; after the last one, what pointed at posts.
fn next(tx: &mut Tx, actor: i64) -> Result<At, StoreError> {
    Ok(match next_actor(tx, "post", actor)? {
        Some(actor) => At::Posts((actor, i64::MIN)),
        None => At::Edges(Collection::Like, FIRST),
    })
}
