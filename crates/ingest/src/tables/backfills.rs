//! `backfill`: how far `listRepos` of each host has been read, so that a restart goes on from there.

use millrace_store::{StoreError, Tx};

/// Where the list is read next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) cursor: Option<String>,
    pub(crate) repos: i64,
}

/// The unfinished reading of a host's list; from the beginning if the last one was finished.
pub(crate) fn resume(tx: &mut Tx, origin: &str) -> Result<Progress, StoreError> {
    let stored = tx.query_opt(
        "SELECT cursor, repos FROM backfill WHERE origin = $1 AND done_us IS NULL",
        &[origin.into()],
        |row| Ok(Progress { cursor: row.get(0)?, repos: row.get(1)? }),
    )?;
    Ok(stored.unwrap_or_default())
}

/// Keeps how far the list has been read.
pub(crate) fn save(
    tx: &mut Tx,
    origin: &str,
    progress: &Progress,
    done: bool,
) -> Result<(), StoreError> {
    let now_us = tx.now_us();
    tx.execute(
        "INSERT INTO backfill (origin, cursor, repos, done_us, updated_us) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (origin) DO UPDATE SET cursor = excluded.cursor, repos = excluded.repos, \
             done_us = excluded.done_us, updated_us = excluded.updated_us",
        &[
            origin.into(),
            progress.cursor.as_deref().into(),
            progress.repos.into(),
            done.then_some(now_us).into(),
            now_us.into(),
        ],
    )?;
    Ok(())
}
