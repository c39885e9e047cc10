//! The unit of work: what a closure given to [`crate::Store::read`] or [`crate::Store::write`] may
//! do. Everything is synchronous; the closure runs on a database thread.
//!
//! What must stay true: both engines give the same answers for the same calls; once a statement
//! has failed, the transaction cannot commit (PostgreSQL would not, so SQLite does not either),
//! unless the failure was inside a [`Tx::savepoint`].

use millrace_runtime::clock::SharedClock;

use crate::dictionary::known::Known;
use crate::engine::deadline::Deadline;
use crate::engine::{Connection, Mode};
use crate::sql::Dialect;
use crate::{Domain, Param, Row, StoreError};

/// Rows a single [`Tx::query`] may return; use [`Tx::for_each`] to go through more.
pub const QUERY_ROWS_MAX: usize = 1_000_000;

/// An open transaction on one domain.
pub struct Tx {
    pub(crate) connection: Connection,
    domain: Domain,
    clock: SharedClock,
    deadline: Deadline,
    failed: Option<String>,
    outbox_pushed: bool,
    savepoints: u32,
    /// From one transaction to the next.
    pub(crate) known: Known,
}

impl Tx {
    pub(crate) fn new(
        connection: Connection,
        domain: Domain,
        clock: SharedClock,
        deadline: Deadline,
    ) -> Tx {
        Tx {
            connection,
            domain,
            clock,
            deadline,
            failed: None,
            outbox_pushed: false,
            savepoints: 0,
            known: Known::default(),
        }
    }

    /// Every row of the answer, mapped.
    pub fn query<T>(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows = Vec::new();
        self.attempt(|connection| {
            connection.query(sql, params, &mut |row| {
                if rows.len() >= QUERY_ROWS_MAX {
                    return Err(too_many(rows.len(), sql));
                }
                rows.push(map(row)?);
                Ok(())
            })
        })?;
        Ok(rows)
    }

    /// The row, if there is one; more than one is an error.
    pub fn query_opt<T>(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut found = None;
        self.attempt(|connection| {
            connection.query(sql, params, &mut |row| {
                if found.is_some() {
                    return Err(too_many(2, sql));
                }
                found = Some(map(row)?);
                Ok(())
            })
        })?;
        Ok(found)
    }

    /// The one row of the answer; none or several are an error.
    pub fn query_one<T>(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.query_opt(sql, params, map)?.ok_or_else(|| too_many(0, sql))
    }

    /// Hands each row to `each` as it arrives, for scans too large to hold.
    pub fn for_each(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        mut each: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.attempt(|connection| connection.stream(sql, params, &mut each))
    }

    /// Runs a statement that returns no rows; the number of rows it changed.
    pub fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64, StoreError> {
        self.attempt(|connection| connection.execute(sql, params))
    }

    /// Runs `sql` once for each row of parameters, in order; the number of rows changed.
    ///
    /// With a `{values:…}` or `{rows:…}` token PostgreSQL runs it once for many rows. Columns marked
    /// `KEY` there say which rows change the same thing: those are still applied one after the other.
    pub fn execute_many<'p, R: AsRef<[Param<'p>]>>(
        &mut self,
        sql: &str,
        rows: impl IntoIterator<Item = R>,
    ) -> Result<u64, StoreError> {
        self.attempt(|connection| connection.execute_many(sql, rows.into_iter()))
    }

    /// Like [`Tx::execute_many`] with a RETURNING clause. With `ON CONFLICT DO NOTHING` only what
    /// was really inserted comes back, so counters move by what happened, not by what was asked.
    pub fn query_many<'p, R: AsRef<[Param<'p>]>, T>(
        &mut self,
        sql: &str,
        rows: impl IntoIterator<Item = R>,
        mut map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut out = Vec::new();
        self.attempt(|connection| {
            connection.query_many(sql, rows.into_iter(), &mut |row| {
                out.push(map(row)?);
                Ok(())
            })
        })?;
        Ok(out)
    }

    /// Runs `work`; if it fails, what it did is undone and the transaction goes on.
    pub fn savepoint<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut Tx) -> Result<T, E>,
    ) -> Result<T, E> {
        let name = format!("s{}", self.savepoints);
        let pushed = self.outbox_pushed;
        self.script(&format!("SAVEPOINT {name}"))?;
        self.savepoints += 1;
        let result = work(self);
        self.savepoints -= 1;
        if result.is_ok() && self.failed.is_none() {
            self.script(&format!("RELEASE SAVEPOINT {name}"))?;
            return result;
        }
        let swallowed = self.failed.take();
        self.outbox_pushed = pushed;
        self.script(&format!("ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}"))?;
        match (result, swallowed) {
            (Ok(_), Some(reason)) => Err(StoreError::Aborted { reason }.into()),
            (result, _) => result,
        }
    }

    /// The time, for columns ending in `_us`.
    pub fn now_us(&self) -> i64 {
        self.clock.now_us()
    }

    /// The SQL the engine understands.
    pub(crate) fn dialect(&self) -> Dialect {
        self.connection.dialect()
    }

    /// Whose tables an unqualified name means.
    pub fn domain(&self) -> Domain {
        self.domain
    }

    /// Notes that the outbox has something for its relay.
    pub(crate) fn outbox_pushed(&mut self) {
        self.outbox_pushed = true;
    }

    /// Makes unqualified names mean another domain's tables from now on; whether that domain is there.
    /// Only for a transaction over several domains on PostgreSQL: a backup's, a restore's.
    pub(crate) fn turn_to(&mut self, domain: Domain) -> Result<bool, StoreError> {
        self.domain = domain;
        self.attempt(|connection| connection.postgres()?.turn_to(domain))
    }

    /// The client below, for COPY.
    pub(crate) fn postgres_client(&mut self) -> Result<&mut postgres::Client, StoreError> {
        Ok(self.connection.postgres()?.client())
    }

    /// Runs statements without parameters.
    pub(crate) fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        self.attempt(|connection| connection.script(sql))
    }

    pub(crate) fn start(&mut self, mode: Mode) -> Result<(), StoreError> {
        self.failed = None;
        self.outbox_pushed = false;
        self.savepoints = 0;
        self.connection.begin(mode)
    }

    /// Between two transactions: gives memory back.
    pub(crate) fn rest(&mut self) {
        self.known = Known::default();
        self.connection.rest();
    }

    /// Commits; whether the outbox was written to.
    pub(crate) fn commit(&mut self) -> Result<bool, StoreError> {
        if let Some(reason) = self.failed.take() {
            return Err(StoreError::Aborted { reason });
        }
        self.connection.commit()?;
        Ok(self.outbox_pushed)
    }

    pub(crate) fn rollback(&mut self) {
        if let Err(error) = self.connection.rollback() {
            tracing::debug!(store.domain = %self.domain, %error, "rollback failed, connection dropped");
        }
    }

    /// One statement: refused after the deadline, remembered when it fails.
    fn attempt<T>(
        &mut self,
        statement: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let result = if self.deadline.passed() {
            Err(self.deadline.error(self.domain))
        } else {
            statement(&mut self.connection)
        };
        result.inspect_err(|error| self.failed = Some(error.to_string()))
    }
}

fn too_many(rows: usize, sql: &str) -> StoreError {
    StoreError::RowCount { rows, statement: sql.to_owned() }
}
