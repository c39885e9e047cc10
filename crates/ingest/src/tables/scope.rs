//! `scope_account`, `scope_kind`: whom ingest follows where it does not follow everybody.

use std::collections::HashMap;

use millrace_atproto::Did;
use millrace_store::{Param, StoreError, Tx};

use super::accounts::did;

/// Followed, and its row says what is to be done.
const FOLLOWED: i64 = 0;
const ENTERING: i64 = 1;
const LEAVING: i64 = 2;

/// Changes that a crash, or an end, has cut off.
#[derive(Debug, Default)]
pub(crate) struct Unsettled {
    pub(crate) entering: Vec<Did>,
    pub(crate) leaving: Vec<Did>,
}

/// Accounts that are followed, in the order of their DIDs, and whether nobody is interested in them.
pub(crate) fn page(tx: &mut Tx, after: &str, limit: u32) -> Result<Vec<(Did, bool)>, StoreError> {
    tx.query(
        "SELECT did, unwanted_us FROM scope_account WHERE did > $1 AND state <> $2 ORDER BY did LIMIT $3",
        &[after.into(), LEAVING.into(), limit.into()],
        |row| Ok((did(row, 0)?, row.get::<Option<i64>>(1)?.is_some())),
    )
}

/// Takes accounts in; those that are not followed yet.
pub(crate) fn enter(tx: &mut Tx, dids: &[Did]) -> Result<Vec<Did>, StoreError> {
    let texts: Vec<String> = dids.iter().map(ToString::to_string).collect();
    let known: HashMap<String, i64> = tx
        .query(
            "SELECT did, state FROM scope_account WHERE did IN {text_list:$1}",
            &[(&texts).into()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?
        .into_iter()
        .collect();
    let mut fresh: Vec<Did> = dids.to_vec();
    fresh.retain(|did| known.get(did.as_str()).is_none_or(|state| *state == LEAVING));
    fresh.sort_unstable();
    fresh.dedup();
    tx.execute(
        "UPDATE scope_account SET unwanted_us = NULL \
         WHERE did IN {text_list:$1} AND unwanted_us IS NOT NULL",
        &[(&texts).into()],
    )?;
    let now_us = tx.now_us();
    tx.execute_many(
        "INSERT INTO scope_account (did, state, entered_us) {values:TEXT KEY,BIGINT,BIGINT} \
         ON CONFLICT (did) DO UPDATE SET state = excluded.state, entered_us = excluded.entered_us, \
             unwanted_us = NULL",
        fresh.iter().map(|did| [Param::from(did), ENTERING.into(), now_us.into()]),
    )?;
    Ok(fresh)
}

/// Nobody is interested in these accounts any more, since `since_us`.
pub(crate) fn unwanted(tx: &mut Tx, dids: &[Did], since_us: i64) -> Result<(), StoreError> {
    let texts: Vec<String> = dids.iter().map(ToString::to_string).collect();
    tx.execute(
        "UPDATE scope_account SET unwanted_us = $2 \
         WHERE did IN {text_list:$1} AND (unwanted_us IS NULL OR unwanted_us > $2)",
        &[(&texts).into(), since_us.into()],
    )?;
    Ok(())
}

/// Whether anybody is to go.
pub(crate) fn is_due(tx: &mut Tx, before_us: i64) -> Result<bool, StoreError> {
    let due = tx.query_opt(
        "SELECT 1 FROM scope_account WHERE unwanted_us <= $1 AND state <> $2 LIMIT 1",
        &[before_us.into(), LEAVING.into()],
        |row| row.get::<i64>(0),
    )?;
    Ok(due.is_some())
}

/// Lets those go in which nobody has been interested since `before_us`: at most so many.
pub(crate) fn let_go(tx: &mut Tx, before_us: i64, limit: u32) -> Result<Vec<Did>, StoreError> {
    let gone = tx.query(
        "SELECT did FROM scope_account WHERE unwanted_us <= $1 AND state <> $2 \
         ORDER BY unwanted_us, did LIMIT $3",
        &[before_us.into(), LEAVING.into(), limit.into()],
        |row| did(row, 0),
    )?;
    let texts: Vec<String> = gone.iter().map(ToString::to_string).collect();
    tx.execute(
        "UPDATE scope_account SET state = $2 WHERE did IN {text_list:$1}",
        &[(&texts).into(), LEAVING.into()],
    )?;
    Ok(gone)
}

/// What is to be told to the lanes: at most so many of each.
pub(crate) fn unsettled(tx: &mut Tx, limit: u32) -> Result<Unsettled, StoreError> {
    let mut of = |state: i64| {
        tx.query(
            "SELECT did FROM scope_account WHERE state <> 0 AND state = $1 ORDER BY did LIMIT $2",
            &[state.into(), limit.into()],
            |row| did(row, 0),
        )
    };
    Ok(Unsettled { entering: of(ENTERING)?, leaving: of(LEAVING)? })
}

/// The rows of these accounts say what is to be done.
pub(crate) fn settle(tx: &mut Tx, entered: &[Did], left: &[Did]) -> Result<(), StoreError> {
    let texts = |dids: &[Did]| -> Vec<String> { dids.iter().map(ToString::to_string).collect() };
    tx.execute(
        "UPDATE scope_account SET state = $2 WHERE did IN {text_list:$1} AND state = $3",
        &[(&texts(entered)).into(), FOLLOWED.into(), ENTERING.into()],
    )?;
    // One that came back meanwhile stays.
    tx.execute(
        "DELETE FROM scope_account WHERE did IN {text_list:$1} AND state = $2",
        &[(&texts(left)).into(), LEAVING.into()],
    )?;
    Ok(())
}

/// The scope that `account` fits.
pub(crate) fn kind(tx: &mut Tx) -> Result<Option<String>, StoreError> {
    tx.query_opt("SELECT kind FROM scope_kind WHERE id = 1", &[], |row| row.get(0))
}

/// `account` fits this scope from now on.
pub(crate) fn set_kind(tx: &mut Tx, kind: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO scope_kind (id, kind) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET kind = excluded.kind",
        &[kind.into()],
    )?;
    Ok(())
}

/// Why an account's row says that it is not followed.
pub(crate) const OUT_OF_SCOPE: &str = "out_of_scope";

/// A page of `account`: those not in `scope_account` are not followed any more, and their rows say
/// so. Whose page ended where; none at the end.
pub(crate) fn narrow(tx: &mut Tx, after: &str, limit: u32) -> Result<Option<String>, StoreError> {
    let last = last_of_page(tx, after, limit)?;
    let Some(last) = last else { return Ok(None) };
    tx.execute(
        "UPDATE account SET sync_state = 'partial', next_try_us = NULL, error = $3 \
         WHERE did > $1 AND did <= $2 AND sync_state <> 'gone' \
             AND did NOT IN (SELECT did FROM scope_account)",
        &[after.into(), last.as_str().into(), OUT_OF_SCOPE.into()],
    )?;
    Ok(Some(last))
}

/// A page of `account`: of those that were not followed something is missing, which is fetched when
/// they are heard of again.
pub(crate) fn widen(tx: &mut Tx, after: &str, limit: u32) -> Result<Option<String>, StoreError> {
    let last = last_of_page(tx, after, limit)?;
    let Some(last) = last else { return Ok(None) };
    tx.execute(
        "UPDATE account SET sync_state = 'desynchronized' \
         WHERE did > $1 AND did <= $2 AND sync_state = 'partial' AND error = $3",
        &[after.into(), last.as_str().into(), OUT_OF_SCOPE.into()],
    )?;
    Ok(Some(last))
}

fn last_of_page(tx: &mut Tx, after: &str, limit: u32) -> Result<Option<String>, StoreError> {
    tx.query_opt(
        "SELECT max(did) FROM (SELECT did FROM account WHERE did > $1 ORDER BY did LIMIT $2) AS page",
        &[after.into(), limit.into()],
        |row| row.get::<Option<String>>(0),
    )
    .map(Option::flatten)
}

/// Forgets the set: everybody is followed.
pub(crate) fn clear(tx: &mut Tx) -> Result<(), StoreError> {
    tx.execute("DELETE FROM scope_account", &[]).map(drop)
}
