//! `backfill_job` and what belongs to a job: its lists, its accounts that are not settled, its failures.

use std::collections::{BTreeMap, HashMap, HashSet};

use millrace_atproto::Did;
use millrace_store::{Param, Row, StoreError, Tx};

use super::accounts;
use crate::backfill::{BackfillJob, BackfillKind, BackfillState, BeginBackfill};
use crate::model::{AccountState, SyncState};

/// Jobs kept; of those that have ended the oldest go.
const JOBS_KEPT: i64 = 100;
/// The list of a job whose accounts are named.
pub(crate) const NAMED: &str = "named";

const COLUMNS: &str = "id, kind, asked, again, state, found, passed, fetched, records, bytes, error, begun_us, \
                       changed_us, ended_us";

/// A list of a job that is not read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenList {
    pub(crate) job: i64,
    pub(crate) kind: BackfillKind,
    pub(crate) again: bool,
    pub(crate) origin: String,
    pub(crate) cursor: Option<String>,
}

/// An account that was wished for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Awaited {
    pub(crate) did: Did,
    pub(crate) wished_us: i64,
    /// Its row, if there is one.
    pub(crate) account: Option<AccountState>,
}

/// What became of some accounts of a job.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) dids: Vec<Did>,
    pub(crate) passed: u64,
    pub(crate) fetched: u64,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    pub(crate) failed: BTreeMap<String, u64>,
}

/// Where a list is read next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next<'a> {
    At(&'a str),
    End,
}

/// Begins a job over these lists; its number.
pub(crate) fn begin(
    tx: &mut Tx,
    wanted: &BeginBackfill,
    origins: &[String],
) -> Result<i64, StoreError> {
    let now_us = tx.now_us();
    let asked = wanted.list.as_ref().map(ToString::to_string).unwrap_or_default();
    let id: i64 = tx.query_one(
        "INSERT INTO backfill_job (kind, asked, again, state, found, passed, fetched, records, bytes, begun_us, \
             changed_us) \
         VALUES ($1, $2, $3, 'running', 0, 0, 0, 0, 0, $4, $4) RETURNING id",
        &[wanted.kind.name().into(), (&asked).into(), wanted.again.into(), now_us.into()],
        |row| row.get(0),
    )?;
    for origin in origins {
        tx.execute(
            "INSERT INTO backfill_list (job_id, origin, done) VALUES ($1, $2, 0)",
            &[id.into(), origin.into()],
        )?;
    }
    let kept = "SELECT id FROM backfill_job ORDER BY id DESC LIMIT $1";
    for table in ["backfill_list", "backfill_failure"] {
        let sql = format!(
            "DELETE FROM {table} WHERE job_id NOT IN ({kept}) AND job_id IN \
                 (SELECT id FROM backfill_job WHERE ended_us IS NOT NULL)"
        );
        tx.execute(&sql, &[JOBS_KEPT.into()])?;
    }
    let sql = format!("DELETE FROM backfill_job WHERE id NOT IN ({kept}) AND ended_us IS NOT NULL");
    tx.execute(&sql, &[JOBS_KEPT.into()])?;
    Ok(id)
}

/// Takes accounts of one of the job's lists in, and notes where that list goes on. Those of which nothing
/// is missing, and those that are gone, are only counted. How many were passed over.
pub(crate) fn take_in(
    tx: &mut Tx,
    list: &OpenList,
    dids: &[Did],
    next: Next<'_>,
) -> Result<u64, StoreError> {
    let texts: Vec<String> = dids.iter().map(ToString::to_string).collect();
    let mut known: HashSet<String> = tx
        .query(
            "SELECT did FROM backfill_account WHERE job_id = $1 AND did IN {text_list:$2}",
            &[list.job.into(), (&texts).into()],
            |row| row.get(0),
        )?
        .into_iter()
        .collect();
    let here = accounts::load_many(tx, &texts)?;
    let here: HashMap<&str, &AccountState> =
        here.iter().map(|account| (account.did.as_str(), account)).collect();
    let (mut found, mut passed, mut fresh) = (0_u64, 0_u64, Vec::new());
    for did in dids {
        if !known.insert(did.to_string()) {
            continue;
        }
        found += 1;
        match here.get(did.as_str()).is_some_and(|account| is_passed(account, list.again)) {
            true => passed += 1,
            false => fresh.push(did),
        }
    }
    fresh.sort_unstable();
    tx.execute_many(
        "INSERT INTO backfill_account (job_id, did) {values:BIGINT KEY,TEXT KEY} ON CONFLICT (job_id, did) DO NOTHING",
        fresh.iter().map(|did| [Param::Int(list.job), Param::from(*did)]),
    )?;
    let (cursor, done) = match next {
        Next::At(cursor) => (Some(cursor), false),
        Next::End => (None, true),
    };
    tx.execute(
        "UPDATE backfill_list SET cursor = $3, done = $4 WHERE job_id = $1 AND origin = $2",
        &[list.job.into(), (&list.origin).into(), cursor.into(), done.into()],
    )?;
    let now_us = tx.now_us();
    tx.execute(
        "UPDATE backfill_job SET found = found + $2, passed = passed + $3, changed_us = $4, error = NULL WHERE id = $1",
        &[list.job.into(), count(found), count(passed), now_us.into()],
    )?;
    Ok(passed)
}

/// Whether there is nothing to fetch.
pub(crate) fn is_passed(account: &AccountState, again: bool) -> bool {
    match account.sync_state {
        SyncState::Gone => true,
        SyncState::Complete => !again && account.next_try_us.is_none(),
        _ => false,
    }
}

/// A job's list of that name, while it is open.
pub(crate) fn open_list(
    tx: &mut Tx,
    job: i64,
    origin: &str,
) -> Result<Option<OpenList>, StoreError> {
    Ok(open_lists(tx)?.into_iter().find(|list| list.job == job && list.origin == origin))
}

/// Lists of jobs that have not ended, not read to their end.
pub(crate) fn open_lists(tx: &mut Tx) -> Result<Vec<OpenList>, StoreError> {
    tx.query(
        "SELECT l.job_id, j.kind, j.again, l.origin, l.cursor \
         FROM backfill_job AS j JOIN backfill_list AS l ON l.job_id = j.id \
         WHERE j.ended_us IS NULL AND l.done = 0 ORDER BY l.job_id, l.origin",
        &[],
        |row| {
            Ok(OpenList {
                job: row.get(0)?,
                kind: kind(row, 1)?,
                again: row.get(2)?,
                origin: row.get(3)?,
                cursor: row.get(4)?,
            })
        },
    )
}

/// Jobs, the newest first.
pub(crate) fn list(tx: &mut Tx) -> Result<Vec<BackfillJob>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM backfill_job ORDER BY id DESC LIMIT $1");
    let jobs = tx.query(&sql, &[JOBS_KEPT.into()], job)?;
    with_parts(tx, jobs)
}

/// Jobs that have not ended, the oldest first.
pub(crate) fn open(tx: &mut Tx) -> Result<Vec<BackfillJob>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM backfill_job WHERE ended_us IS NULL ORDER BY id");
    let jobs = tx.query(&sql, &[], job)?;
    with_parts(tx, jobs)
}

/// One job.
pub(crate) fn get(tx: &mut Tx, id: i64) -> Result<Option<BackfillJob>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM backfill_job WHERE id = $1");
    let found = tx.query_opt(&sql, &[id.into()], job)?;
    Ok(with_parts(tx, found.into_iter().collect())?.pop())
}

fn with_parts(tx: &mut Tx, mut jobs: Vec<BackfillJob>) -> Result<Vec<BackfillJob>, StoreError> {
    for job in &mut jobs {
        job.failed = tx
            .query(
                "SELECT reason, accounts FROM backfill_failure WHERE job_id = $1",
                &[job.id.into()],
                |row| Ok((row.get(0)?, number(row, 1)?)),
            )?
            .into_iter()
            .collect();
        if !job.state.has_ended() {
            let open: i64 = tx.query_one(
                "SELECT count(*) FROM backfill_list WHERE job_id = $1 AND done = 0",
                &[job.id.into()],
                |row| row.get(0),
            )?;
            job.listing = open > 0;
        }
    }
    Ok(jobs)
}

/// Accounts of a job that are waited for: at most so many.
pub(crate) fn awaited(tx: &mut Tx, job: i64, limit: u32) -> Result<Vec<Awaited>, StoreError> {
    let wished: Vec<(Did, i64)> = tx.query(
        "SELECT did, wished_us FROM backfill_account WHERE job_id = $1 AND wished_us IS NOT NULL \
         ORDER BY did LIMIT $2",
        &[job.into(), limit.into()],
        |row| Ok((accounts::did(row, 0)?, row.get(1)?)),
    )?;
    let texts: Vec<String> = wished.iter().map(|(did, _)| did.to_string()).collect();
    let mut here: HashMap<Did, AccountState> = HashMap::new();
    for some in texts.chunks(1_000) {
        let rows = accounts::load_many(tx, some)?;
        here.extend(rows.into_iter().map(|account| (account.did.clone(), account)));
    }
    let with_row = |(did, wished_us): (Did, i64)| {
        let account = here.remove(did.as_str());
        Awaited { did, wished_us, account }
    };
    Ok(wished.into_iter().map(with_row).collect())
}

/// The next accounts of a job to be wished for.
pub(crate) fn waiting(tx: &mut Tx, job: i64, limit: u32) -> Result<Vec<Did>, StoreError> {
    tx.query(
        "SELECT did FROM backfill_account WHERE job_id = $1 AND wished_us IS NULL ORDER BY did LIMIT $2",
        &[job.into(), limit.into()],
        |row| accounts::did(row, 0),
    )
}

/// How many of a job's accounts wait to be wished for, counted up to a limit.
pub(crate) fn waiting_up_to(tx: &mut Tx, job: i64, limit: u32) -> Result<i64, StoreError> {
    tx.query_one(
        "SELECT count(*) FROM (SELECT 1 FROM backfill_account WHERE job_id = $1 AND wished_us IS NULL \
             LIMIT $2) AS some",
        &[job.into(), limit.into()],
        |row| row.get(0),
    )
}

/// These are wished for from now on.
pub(crate) fn wished(tx: &mut Tx, job: i64, dids: &[Did]) -> Result<(), StoreError> {
    let texts: Vec<String> = dids.iter().map(ToString::to_string).collect();
    let now_us = tx.now_us();
    tx.execute(
        "UPDATE backfill_account SET wished_us = $3 WHERE job_id = $1 AND did IN {text_list:$2}",
        &[job.into(), (&texts).into(), now_us.into()],
    )?;
    Ok(())
}

/// What was wished for `again` before this process ran is wished for once more: whether it has been
/// fetched since cannot be told.
pub(crate) fn wish_anew(tx: &mut Tx) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE backfill_account SET wished_us = NULL \
         WHERE wished_us IS NOT NULL AND job_id IN (SELECT id FROM backfill_job WHERE again = 1)",
        &[],
    )?;
    Ok(())
}

/// Counts what became of accounts, which are a matter of this job no more.
pub(crate) fn settle(tx: &mut Tx, job: i64, settled: &Settled) -> Result<(), StoreError> {
    let texts: Vec<String> = settled.dids.iter().map(ToString::to_string).collect();
    tx.execute(
        "DELETE FROM backfill_account WHERE job_id = $1 AND did IN {text_list:$2}",
        &[job.into(), (&texts).into()],
    )?;
    for (reason, accounts) in &settled.failed {
        tx.execute(
            "INSERT INTO backfill_failure (job_id, reason, accounts) VALUES ($1, $2, $3) \
             ON CONFLICT (job_id, reason) DO UPDATE SET accounts = backfill_failure.accounts + excluded.accounts",
            &[job.into(), reason.into(), count(*accounts)],
        )?;
    }
    let now_us = tx.now_us();
    tx.execute(
        "UPDATE backfill_job SET passed = passed + $2, fetched = fetched + $3, records = records + $4, \
             bytes = bytes + $5, changed_us = $6 WHERE id = $1",
        &[
            job.into(),
            count(settled.passed),
            count(settled.fetched),
            count(settled.records),
            count(settled.bytes),
            now_us.into(),
        ],
    )?;
    Ok(())
}

/// Ends a running job if every list is read and every account settled; whether it is at its end.
pub(crate) fn end_if_done(tx: &mut Tx, job: i64) -> Result<bool, StoreError> {
    let now_us = tx.now_us();
    let ended = tx.execute(
        "UPDATE backfill_job SET state = 'done', ended_us = $2, changed_us = $2 \
         WHERE id = $1 AND state = 'running' \
             AND NOT EXISTS (SELECT 1 FROM backfill_list WHERE job_id = $1 AND done = 0) \
             AND NOT EXISTS (SELECT 1 FROM backfill_account WHERE job_id = $1)",
        &[job.into(), now_us.into()],
    )?;
    Ok(ended > 0)
}

/// Another state; of one that has ended nothing is waited for.
pub(crate) fn change(tx: &mut Tx, job: i64, state: BackfillState) -> Result<(), StoreError> {
    let now_us = tx.now_us();
    let ended_us = state.has_ended().then_some(now_us);
    tx.execute(
        "UPDATE backfill_job SET state = $2, changed_us = $3, ended_us = $4 WHERE id = $1",
        &[job.into(), state.name().into(), now_us.into(), ended_us.into()],
    )?;
    if state.has_ended() {
        tx.execute("DELETE FROM backfill_account WHERE job_id = $1", &[job.into()])?;
    }
    Ok(())
}

/// Whether everybody whom hosts list has been looked for once, by a backfill or by `ingest.backfill`.
pub(crate) fn has_listed_all(tx: &mut Tx) -> Result<bool, StoreError> {
    let found = tx.query_opt(
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM backfill_job WHERE kind = 'network' AND state = 'done') \
             OR EXISTS (SELECT 1 FROM backfill WHERE done_us IS NOT NULL)",
        &[],
        |row| row.get::<i64>(0),
    )?;
    Ok(found.is_some())
}

/// Why a list of the job cannot be read.
pub(crate) fn note_error(tx: &mut Tx, job: i64, error: &str) -> Result<(), StoreError> {
    let now_us = tx.now_us();
    tx.execute(
        "UPDATE backfill_job SET error = $2, changed_us = $3 WHERE id = $1",
        &[job.into(), error.into(), now_us.into()],
    )?;
    Ok(())
}

fn job(row: &Row<'_>) -> Result<BackfillJob, StoreError> {
    let state: String = row.get(4)?;
    Ok(BackfillJob {
        id: row.get(0)?,
        kind: kind(row, 1)?,
        asked: row.get(2)?,
        again: row.get(3)?,
        state: BackfillState::parse(&state).ok_or_else(|| unreadable(4, "a backfill's state"))?,
        listing: false,
        found: number(row, 5)?,
        passed: number(row, 6)?,
        fetched: number(row, 7)?,
        failed: BTreeMap::new(),
        records: number(row, 8)?,
        bytes: number(row, 9)?,
        error: row.get(10)?,
        begun_us: row.get(11)?,
        changed_us: row.get(12)?,
        ended_us: row.get(13)?,
        accounts_per_second: None,
        records_per_second: None,
        left_us: None,
    })
}

fn kind(row: &Row<'_>, column: usize) -> Result<BackfillKind, StoreError> {
    BackfillKind::parse(row.text(column)?).ok_or_else(|| unreadable(column, "a kind of backfill"))
}

fn unreadable(column: usize, wanted: &'static str) -> StoreError {
    StoreError::Column { column, wanted, found: "something else" }
}

fn number(row: &Row<'_>, column: usize) -> Result<u64, StoreError> {
    Ok(u64::try_from(row.get::<i64>(column)?).unwrap_or(0))
}

fn count(number: u64) -> Param<'static> {
    Param::Int(i64::try_from(number).unwrap_or(i64::MAX))
}
