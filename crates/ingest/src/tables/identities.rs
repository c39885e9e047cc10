//! `identity_task`: when each account's handle is to be looked at next. A request that comes while
//! the account is being looked at survives the end of that look: `requested_us` tells them apart.

use millrace_atproto::Did;
use millrace_store::{Param, StoreError, Tx};

use super::accounts::{count, did};

/// A task that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) did: Did,
    pub(crate) requested_us: i64,
    pub(crate) due_us: i64,
    /// Somebody asked for it, as opposed to the schedule.
    pub(crate) hinted: bool,
    pub(crate) attempts: u32,
    /// Whether an identity was ever announced in the log; if so, this one:
    pub(crate) announced: bool,
    pub(crate) handle: Option<String>,
    pub(crate) pds: Option<String>,
}

impl Task {
    /// Whether the account's host was announced, and is now another.
    pub(crate) fn moved_to(&self, pds: &str) -> bool {
        self.announced && self.pds.as_deref().is_some_and(|before| before != pds)
    }
}

/// What became of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) did: Did,
    /// As it was when the task was taken.
    pub(crate) requested_us: i64,
    pub(crate) due_us: i64,
    pub(crate) attempts: u32,
    pub(crate) announced: bool,
    /// The handle is its own now, and was not before: whoever had it is looked at again.
    pub(crate) taken: bool,
    pub(crate) handle: Option<String>,
    pub(crate) pds: Option<String>,
    pub(crate) error: Option<String>,
}

/// Asks for accounts to be looked at from `due_us` on.
pub(crate) fn request(tx: &mut Tx, dids: &[(Did, i64)]) -> Result<(), StoreError> {
    let rows = dids.iter().map(|(did, at_us)| -> [Param<'_>; 5] {
        [did.into(), (*at_us).into(), (*at_us).into(), 0_i64.into(), 0_i64.into()]
    });
    tx.execute_many(
        "INSERT INTO identity_task (did, due_us, requested_us, attempts, announced) \
         {values:TEXT KEY,BIGINT,BIGINT,BIGINT,BIGINT} \
         ON CONFLICT (did) DO UPDATE SET due_us = excluded.due_us, requested_us = excluded.requested_us, \
             attempts = excluded.attempts",
        rows,
    )?;
    Ok(())
}

/// Tasks that are due, the longest due first.
pub(crate) fn due(tx: &mut Tx, now_us: i64, limit: u32) -> Result<Vec<Task>, StoreError> {
    tx.query(
        "SELECT did, requested_us, attempts, announced, handle, pds, due_us FROM identity_task \
         WHERE due_us <= $1 ORDER BY due_us, did LIMIT $2",
        &[now_us.into(), limit.into()],
        |row| {
            let (requested_us, due_us) = (row.get(1)?, row.get(6)?);
            Ok(Task {
                did: did(row, 0)?,
                requested_us,
                due_us,
                hinted: requested_us == due_us,
                attempts: count(row.get(2)?),
                announced: row.get(3)?,
                handle: row.get(4)?,
                pds: row.get(5)?,
            })
        },
    )
}

/// Keeps outcomes; a task that was requested again meanwhile stays due.
pub(crate) fn settle(tx: &mut Tx, outcomes: &[Outcome]) -> Result<(), StoreError> {
    for outcome in outcomes {
        tx.execute(
            "UPDATE identity_task SET \
                 due_us = CASE WHEN requested_us = $2 THEN $3 ELSE due_us END, \
                 attempts = CASE WHEN requested_us = $2 THEN $4 ELSE attempts END, \
                 announced = $5, handle = $6, pds = $7, error = $8 \
             WHERE did = $1",
            &[
                (&outcome.did).into(),
                outcome.requested_us.into(),
                outcome.due_us.into(),
                outcome.attempts.into(),
                outcome.announced.into(),
                outcome.handle.as_deref().into(),
                outcome.pds.as_deref().into(),
                outcome.error.as_deref().into(),
            ],
        )?;
        if outcome.taken {
            let now_us = tx.now_us();
            tx.execute(
                "UPDATE identity_task SET due_us = $3, requested_us = $3 WHERE handle = $2 AND did <> $1",
                &[(&outcome.did).into(), outcome.handle.as_deref().into(), now_us.into()],
            )?;
        }
    }
    Ok(())
}
