//! What is done with posts: they become due to be scored again, and who did it comes closer to their authors.

use std::collections::BTreeMap;

use millrace_dataplane::query::home_sources::INTERACTION_HALF_US;
use millrace_store::{Param, StoreError, Tx};

use crate::model::PostKey;

/// Has posts that stand in homes scored again once, some time later; sooner, where that is wished already.
pub(crate) fn make_due(tx: &mut Tx, posts: &[PostKey], after_us: i64) -> Result<(), StoreError> {
    let due_us = tx.now_us().saturating_add(after_us);
    let mut posts = posts.to_vec();
    posts.sort_unstable();
    posts.dedup();
    tx.execute_many(
        "UPDATE post_stats SET due_us = k.due_us
         FROM {rows:actor BIGINT, rkey BIGINT, due_us BIGINT} AS k
         WHERE post_stats.post_actor = k.actor AND post_stats.post_rkey = k.rkey 
           AND (post_stats.due_us IS NULL OR post_stats.due_us > k.due_us)",
        posts.iter().map(|post| [post.0, post.1, due_us].map(Param::Int)),
    )
    .map(drop)
}

/// Counts what readers did with the posts of whom they follow.
pub(crate) fn interacted(tx: &mut Tx, interactions: &[(i64, i64)]) -> Result<(), StoreError> {
    let mut counts: BTreeMap<(i64, i64), f64> = BTreeMap::new();
    for (user, author) in interactions.iter().filter(|(user, author)| user != author) {
        *counts.entry((*author, *user)).or_default() += 1.0;
    }
    let known: Vec<((i64, i64), f64, i64)> = tx.query_many(
        "SELECT a.author_id, a.user_id, a.interactions, a.updated_at_us
         FROM {rows:author BIGINT, reader BIGINT} AS k CROSS JOIN affinity AS a
         WHERE a.author_id = k.author AND a.user_id = k.reader",
        counts.keys().map(|pair| [pair.0, pair.1].map(Param::Int)),
        |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?, row.get(3)?)),
    )?;
    let now_us = tx.now_us();
    tx.execute_many(
        "UPDATE affinity SET interactions = k.interactions, updated_at_us = k.now_us
         FROM {rows:author BIGINT, reader BIGINT, interactions DOUBLE, now_us BIGINT} AS k
         WHERE affinity.author_id = k.author AND affinity.user_id = k.reader",
        known.iter().map(|(pair, value, at_us)| {
            let more = counts.get(pair).copied().unwrap_or_default();
            let value = faded(*value, now_us.saturating_sub(*at_us)) + more;
            [Param::Int(pair.0), Param::Int(pair.1), Param::Real(value), Param::Int(now_us)]
        }),
    )
    .map(drop)
}

/// What interactions are worth after a time.
#[expect(clippy::cast_precision_loss, reason = "a weight is rough")]
pub(crate) fn faded(interactions: f64, age_us: i64) -> f64 {
    interactions * (-(age_us.max(0) as f64) / INTERACTION_HALF_US as f64).exp2()
}
