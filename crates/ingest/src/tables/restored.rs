//! After a restore: the tables are of another moment than the network, and perhaps than each other.

use millrace_store::{StoreError, Tx};

/// What is known of repositories after a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The data-plane's rows are of the same moment: a repository that has not moved on since is complete.
    Records,
    /// They are not there: every repository is fetched as if it had never been seen.
    Nothing,
}

/// Has every account's repository fetched, the longest unchanged first; those that are gone stay gone.
/// Call it on the `ingest` domain before anybody works on it. How many they are.
///
/// # Errors
/// The tables cannot be written.
pub fn want_all(tx: &mut Tx, kept: Kept) -> Result<u64, StoreError> {
    let now_us = tx.now_us();
    let forgotten = match kept {
        Kept::Records => "",
        // What a host says of the account's status is told again too.
        Kept::Nothing => {
            ", rev = NULL, data_cid = NULL, active = 1, status = NULL, status_us = NULL"
        }
    };
    if kept == Kept::Nothing {
        tx.execute(
            "UPDATE identity_task SET due_us = $1, requested_us = $1, attempts = 0, announced = 0,
                 handle = NULL, pds = NULL",
            &[now_us.into()],
        )?;
        // No repository has labels: labelers are read from the oldest again.
        tx.execute("DELETE FROM source_position WHERE name LIKE 'labeler:%'", &[])?;
    }
    tx.execute(
        &format!(
            "UPDATE account SET sync_state = 'desynchronized', next_try_us = $1, attempts = 0,
                 error = 'restored from a backup', updated_us = $1{forgotten}
             WHERE sync_state <> 'gone'"
        ),
        &[now_us.into()],
    )
}

/// Notes for every source that a part of its stream may be missing: from its cursor on.
///
/// # Errors
/// The tables cannot be written.
pub fn note_gaps(tx: &mut Tx) -> Result<u64, StoreError> {
    let now_us = tx.now_us();
    tx.execute(
        "INSERT INTO source_gap (source, reason, from_seq, to_seq, noticed_us)
         SELECT name, 'restored', cursor_seq, NULL, $1 FROM source_position",
        &[now_us.into()],
    )
}

/// The stored position of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPosition {
    pub source: String,
    /// Whose numbers these are.
    pub address: String,
    pub cursor: i64,
    /// The time of the last event read.
    pub event_us: Option<i64>,
    pub updated_us: i64,
}

/// Every stored position.
///
/// # Errors
/// The tables cannot be read.
pub fn positions(tx: &mut Tx) -> Result<Vec<StoredPosition>, StoreError> {
    tx.query(
        "SELECT name, address, cursor_seq, event_us, updated_us FROM source_position
         ORDER BY name, updated_us DESC",
        &[],
        |row| {
            Ok(StoredPosition {
                source: row.get(0)?,
                address: row.get(1)?,
                cursor: row.get(2)?,
                event_us: row.get(3)?,
                updated_us: row.get(4)?,
            })
        },
    )
}

/// Accounts by how much of them is here.
///
/// # Errors
/// The tables cannot be read.
pub fn account_counts(tx: &mut Tx) -> Result<Vec<(String, i64)>, StoreError> {
    super::accounts::counts(tx)
}
