//! Whose homes are made, and what of them has to be settled.

use millrace_store::{Param, StoreError, Tx};

use super::tiers;

/// Wishes for pairs to be settled, as far as the home is one that is made.
pub(crate) fn settle_later(tx: &mut Tx, pairs: &[(i64, i64)]) -> Result<(), StoreError> {
    let mut pairs = pairs.to_vec();
    pairs.sort_unstable();
    pairs.dedup();
    let now_us = tx.now_us();
    tx.execute_many(
        "INSERT INTO settle_job (user_id, other_id, wish, created_at_us)
         SELECT k.reader, k.other, 1, k.now_us
         FROM {rows:reader BIGINT KEY, other BIGINT KEY, now_us BIGINT} AS k CROSS JOIN feed_state AS s
         WHERE s.user_id = k.reader
         ON CONFLICT (user_id, other_id) DO UPDATE SET wish = settle_job.wish + 1",
        pairs.iter().map(|pair| [pair.0, pair.1, now_us].map(Param::Int)),
    )
    .map(drop)
}

/// Notes who of those followed follows back.
pub(crate) fn follow_back(tx: &mut Tx, follows: &[(i64, i64, bool)]) -> Result<(), StoreError> {
    // Of one pair the last counts, so they are written in order.
    tx.execute_many(
        "UPDATE affinity SET mutual = k.mutual
         FROM {rows:author BIGINT KEY, reader BIGINT KEY, mutual BIGINT} AS k
         WHERE affinity.author_id = k.author AND affinity.user_id = k.reader",
        follows.iter().map(|(user, other, still)| {
            [Param::Int(*user), Param::Int(*other), Param::Bool(*still)]
        }),
    )
    .map(drop)
}

/// Notes that somebody reads here now.
pub(crate) fn reads(tx: &mut Tx, user: i64) -> Result<(), StoreError> {
    let now_us = tx.now_us();
    tx.execute(
        "INSERT INTO feed_state (user_id, last_read_at_us) VALUES ($1, $2)
         ON CONFLICT (user_id) DO UPDATE SET last_read_at_us = excluded.last_read_at_us",
        &[Param::Int(user), Param::Int(now_us)],
    )
    .map(drop)
}

/// Notes whom a home must not show.
pub(crate) fn hide(tx: &mut Tx, user: i64, others: &[i64]) -> Result<(), StoreError> {
    tx.execute_many(
        "INSERT INTO hidden (other_id, user_id) {values:BIGINT,BIGINT} ON CONFLICT DO NOTHING",
        others.iter().map(|other| [*other, user].map(Param::Int)),
    )
    .map(drop)
}

/// Has a home built anew from all there is.
pub(crate) fn build_again(tx: &mut Tx, user: i64) -> Result<(), StoreError> {
    tx.execute("UPDATE feed_state SET built_at_us = NULL WHERE user_id = $1", &[Param::Int(user)])
        .map(drop)
}

/// Forgets all of a home; whom its reader followed has one reader less.
pub(crate) fn forget(tx: &mut Tx, user: i64, push_max: i64) -> Result<(), StoreError> {
    let followed = tiers::of(tx, user)?;
    tiers::remove(tx, user, &followed, push_max)?;
    for table in ["user_feeds", "hidden", "settle_job", "feed_state"] {
        tx.execute(&format!("DELETE FROM {table} WHERE user_id = $1"), &[Param::Int(user)])?;
    }
    Ok(())
}
