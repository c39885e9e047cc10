//! `account`: one row for each account ever seen. The lane that an account belongs to is the only
//! writer of its row, by way of the checkpoint.

use millrace_atproto::{Cid, Did, Tid};
use millrace_store::{Param, Row, StoreError, Tx};

use crate::model::{AccountState, CountsExact, SyncState};

const COLUMNS: &str = "did, sync_state, rev, data_cid, pds, active, status, status_us, updated_us, attempts, \
                       next_try_us, error";

/// Accounts whose repository is due to be fetched, as the scheduler needs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) did: Did,
    pub(crate) pds: Option<String>,
    pub(crate) attempts: u32,
    /// Why the last attempt failed.
    pub(crate) error: Option<String>,
}

pub(crate) fn load(tx: &mut Tx, did: &Did) -> Result<Option<AccountState>, StoreError> {
    tx.query_opt(&format!("SELECT {COLUMNS} FROM account WHERE did = $1"), &[did.into()], account)
}

pub(crate) fn load_many(tx: &mut Tx, dids: &[String]) -> Result<Vec<AccountState>, StoreError> {
    tx.query(
        &format!("SELECT {COLUMNS} FROM account WHERE did IN {{text_list:$1}}"),
        &[dids.into()],
        account,
    )
}

/// Some account, if there is one.
pub(crate) fn any(tx: &mut Tx) -> Result<Option<Did>, StoreError> {
    tx.query_opt("SELECT did FROM account LIMIT 1", &[], |row| did(row, 0))
}

/// Writes rows whole.
pub(crate) fn save(tx: &mut Tx, accounts: &[AccountState]) -> Result<(), StoreError> {
    let data: Vec<Option<[u8; 36]>> =
        accounts.iter().map(|a| a.data.map(|cid| cid.to_bytes())).collect();
    let rows = accounts.iter().zip(&data).map(|(account, data)| -> [Param<'_>; 12] {
        [
            (&account.did).into(),
            account.sync_state.name().into(),
            account.rev.map(rev_to_i64).into(),
            data.as_ref().map(<[u8; 36]>::as_slice).into(),
            account.pds.as_deref().into(),
            account.active.into(),
            account.status.as_deref().into(),
            account.status_us.into(),
            account.updated_us.into(),
            account.attempts.into(),
            account.next_try_us.into(),
            account.error.as_deref().into(),
        ]
    });
    tx.execute_many(
        "INSERT INTO account (did, sync_state, rev, data_cid, pds, active, status, status_us, updated_us, attempts, \
             next_try_us, error) \
         {values:TEXT KEY,TEXT,BIGINT,BLOB,TEXT,BIGINT,TEXT,BIGINT,BIGINT,BIGINT,BIGINT,TEXT} \
         ON CONFLICT (did) DO UPDATE SET sync_state = excluded.sync_state, rev = excluded.rev, \
             data_cid = excluded.data_cid, pds = excluded.pds, active = excluded.active, status = excluded.status, \
             status_us = excluded.status_us, updated_us = excluded.updated_us, attempts = excluded.attempts, \
             next_try_us = excluded.next_try_us, error = excluded.error",
        rows,
    )?;
    Ok(())
}

/// Rows looked at for one answer: a busy host may have millions that are due.
const DUE_LOOK_ROWS_MAX: u32 = 4_096;

/// Accounts that are due, the longest due first, leaving out those on hosts that are busy.
pub(crate) fn due(
    tx: &mut Tx,
    now_us: i64,
    busy_hosts: &[String],
    limit: u32,
) -> Result<Vec<Due>, StoreError> {
    tx.query(
        "SELECT did, pds, attempts, error FROM ( \
             SELECT did, pds, attempts, error, next_try_us FROM account \
             WHERE next_try_us <= $1 ORDER BY next_try_us LIMIT $4 \
         ) AS oldest \
         WHERE pds IS NULL OR pds NOT IN {text_list:$2} \
         ORDER BY next_try_us, did LIMIT $3",
        &[now_us.into(), busy_hosts.into(), limit.into(), DUE_LOOK_ROWS_MAX.into()],
        |row| {
            Ok(Due {
                did: did(row, 0)?,
                pds: row.get(1)?,
                attempts: count(row.get(2)?),
                error: row.get(3)?,
            })
        },
    )
}

/// How many accounts are in each state.
pub(crate) fn counts(tx: &mut Tx) -> Result<Vec<(String, i64)>, StoreError> {
    tx.query(
        "SELECT sync_state, CAST(count(*) AS BIGINT) FROM account GROUP BY sync_state",
        &[],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

fn account(row: &Row<'_>) -> Result<AccountState, StoreError> {
    let state: String = row.get(1)?;
    let rev: Option<i64> = row.get(2)?;
    let data: Option<Vec<u8>> = row.get(3)?;
    Ok(AccountState {
        did: did(row, 0)?,
        sync_state: SyncState::parse(&state).ok_or_else(|| unreadable(1, "a sync state"))?,
        rev: rev.map(rev_from_i64),
        data: data
            .map(|bytes| Cid::from_bytes(&bytes).map_err(|_| unreadable(3, "a CID")))
            .transpose()?,
        pds: row.get(4)?,
        active: row.get(5)?,
        status: row.get(6)?,
        status_us: row.get(7)?,
        updated_us: row.get(8)?,
        attempts: count(row.get(9)?),
        next_try_us: row.get(10)?,
        error: row.get(11)?,
        out_of_scope: false,
        counts_exact: CountsExact::default(),
    })
}

pub(super) fn did(row: &Row<'_>, column: usize) -> Result<Did, StoreError> {
    Did::parse(row.text(column)?).map_err(|_| unreadable(column, "a DID"))
}

pub(super) fn count(stored: i64) -> u32 {
    u32::try_from(stored.max(0)).unwrap_or(u32::MAX)
}

fn unreadable(column: usize, wanted: &'static str) -> StoreError {
    StoreError::Column { column, wanted, found: "something else" }
}

/// A TID's top bit is clear, so that it fits.
fn rev_to_i64(rev: Tid) -> i64 {
    i64::try_from(rev.to_u64()).unwrap_or(i64::MAX)
}

fn rev_from_i64(stored: i64) -> Tid {
    Tid::from_u64(stored.cast_unsigned())
}
