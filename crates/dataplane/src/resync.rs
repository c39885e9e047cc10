//! Accounts that must be fetched again: so many of their entries were parked that those behind
//! were given up. The wish is written with that decision and stays until ingest has taken it.

use millrace_atproto::syntax::Did;
use millrace_store::{Param, Store, StoreError, Tx};

/// Wishes taken at once.
const TAKEN_MAX: i64 = 100;

/// Notes that the account's repository has to be fetched.
pub(crate) fn want(tx: &mut Tx, did: &str) -> Result<(), StoreError> {
    let now_us = tx.now_us();
    tx.execute(
        "INSERT INTO resync_wanted (did, wanted_at_us) VALUES ($1, $2) ON CONFLICT (did) DO NOTHING",
        &[Param::Text(did), Param::Int(now_us)],
    )?;
    Ok(())
}

/// The oldest wishes.
pub async fn wanted(store: &Store) -> Result<Vec<Did>, StoreError> {
    let dids: Vec<String> = store
        .read(|tx| {
            tx.query(
                "SELECT did FROM resync_wanted ORDER BY wanted_at_us, did LIMIT $1",
                &[Param::Int(TAKEN_MAX)],
                |row| row.get(0),
            )
        })
        .await?;
    Ok(dids.iter().filter_map(|did| Did::parse(did).ok()).collect())
}

/// Ingest has taken the wish.
pub async fn taken(store: &Store, did: Did) -> Result<(), StoreError> {
    store
        .write(move |tx| {
            let sql = "DELETE FROM resync_wanted WHERE did = $1";
            tx.execute(sql, &[Param::Text(did.as_str())]).map(|_| ())
        })
        .await
}
