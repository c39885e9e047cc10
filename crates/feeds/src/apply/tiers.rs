//! Whom readers follow: the rows of `affinity`, and with them how many follow an account and whether its items
//! are written into homes or looked up.
//!
//! What must stay true: `author_tier.followers` is the number of an account's rows in `affinity`, so both change
//! here alone.

use std::collections::BTreeMap;

use millrace_store::{Param, StoreError, Tx};

/// Items are written into homes.
pub(crate) const PUSH: i64 = 0;
/// Items are looked up when a home is read.
pub(crate) const PULL: i64 = 1;

/// One account that a reader follows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Close {
    pub author: i64,
    pub mutual: bool,
    pub interactions: f64,
}

/// Notes whom `user` follows; who is noted already is known better now. Only what was really inserted counts.
pub(crate) fn put(
    tx: &mut Tx,
    user: i64,
    close: &[Close],
    push_max: i64,
) -> Result<(), StoreError> {
    let now_us = tx.now_us();
    let row = |one: &Close| {
        [
            Param::Int(one.author),
            Param::Int(user),
            Param::Bool(one.mutual),
            Param::Real(one.interactions),
            Param::Int(now_us),
        ]
    };
    let new: BTreeMap<i64, i64> = tx
        .query_many(
            "INSERT INTO affinity (author_id, user_id, mutual, interactions, updated_at_us)
             {values:BIGINT KEY,BIGINT KEY,BIGINT,DOUBLE,BIGINT} ON CONFLICT DO NOTHING RETURNING author_id",
            close.iter().map(row),
            |row| Ok((row.get(0)?, 1)),
        )?
        .into_iter()
        .collect();
    tx.execute_many(
        "UPDATE affinity SET mutual = k.mutual, interactions = k.interactions, updated_at_us = k.now_us
         FROM {rows:author BIGINT, reader BIGINT, mutual BIGINT, interactions DOUBLE, now_us BIGINT} AS k
         WHERE affinity.author_id = k.author AND affinity.user_id = k.reader",
        close.iter().filter(|one| !new.contains_key(&one.author)).map(row),
    )?;
    count(tx, new, push_max)
}

/// Notes that `user` follows none of `authors`.
pub(crate) fn remove(
    tx: &mut Tx,
    user: i64,
    authors: &[i64],
    push_max: i64,
) -> Result<(), StoreError> {
    let gone = tx.query(
        "DELETE FROM affinity WHERE user_id = $1 AND author_id IN (SELECT ids.id FROM {id_list:$2} AS ids)
         RETURNING author_id",
        &[Param::Int(user), Param::Ids(authors)],
        |row| Ok((row.get(0)?, -1)),
    )?;
    count(tx, gone.into_iter().collect(), push_max)
}

/// All whom `user` follows.
pub(crate) fn of(tx: &mut Tx, user: i64) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT author_id FROM affinity WHERE user_id = $1 ORDER BY author_id";
    tx.query(sql, &[Param::Int(user)], |row| row.get(0))
}

/// Moves the numbers of followers, and who has too many or few enough changes tier.
fn count(tx: &mut Tx, changes: BTreeMap<i64, i64>, push_max: i64) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    tx.execute_many(
        "INSERT INTO author_tier (actor_id, followers) {values:BIGINT KEY,BIGINT}
         ON CONFLICT (actor_id) DO UPDATE SET followers = author_tier.followers + excluded.followers",
        changes.iter().map(|(author, change)| [*author, *change].map(Param::Int)),
    )?;
    let authors: Vec<i64> = changes.into_keys().collect();
    let fifth = push_max / 5;
    tx.execute(
        "UPDATE author_tier SET tier = $3
         WHERE actor_id IN (SELECT ids.id FROM {id_list:$1} AS ids) AND tier = $4 AND followers > $2",
        &[
            Param::Ids(&authors),
            Param::Int(push_max.saturating_add(fifth)),
            Param::Int(PULL),
            Param::Int(PUSH),
        ],
    )?;
    // What came while they were looked up is in no home: it is settled for every reader.
    let back = tx.query(
        "SELECT t.actor_id FROM {id_list:$1} AS ids CROSS JOIN author_tier AS t
         WHERE t.actor_id = ids.id AND t.tier = $3 AND t.followers < $2",
        &[Param::Ids(&authors), Param::Int(push_max.saturating_sub(fifth)), Param::Int(PULL)],
        |row| row.get::<i64>(0),
    )?;
    let now_us = tx.now_us();
    for author in back {
        tx.execute(
            "UPDATE author_tier SET tier = $2 WHERE actor_id = $1",
            &[Param::Int(author), Param::Int(PUSH)],
        )?;
        tx.execute(
            "INSERT INTO settle_job (user_id, other_id, wish, created_at_us)
             SELECT a.user_id, a.author_id, 1, $2 FROM affinity AS a WHERE a.author_id = $1
             ON CONFLICT (user_id, other_id) DO UPDATE SET wish = settle_job.wish + 1",
            &[Param::Int(author), Param::Int(now_us)],
        )?;
    }
    tx.execute(
        "DELETE FROM author_tier WHERE actor_id IN (SELECT ids.id FROM {id_list:$1} AS ids) AND followers <= 0",
        &[Param::Ids(&authors)],
    )
    .map(drop)
}
