//! PostgreSQL: one schema per domain, reached through the connection's search path, so that SQL
//! names a domain's own tables plainly and another domain's by `domain.table`, as on SQLite.
//!
//! The client is synchronous and belongs to one database thread. Reads are REPEATABLE READ READ
//! ONLY (one snapshot), writes READ COMMITTED. The server enforces the time limits, so a thread
//! always comes back; a dead connection is noticed by the kernel's own timeout.

use std::rc::Rc;
use std::time::Duration;

use foldhash::{HashMap, HashMapExt};
use postgres::fallible_iterator::FallibleIterator as _;
use postgres::types::ToSql;
use postgres::{Client, NoTls, Statement};

use super::deadline::Deadline;
use super::postgres_batch::Batch;
use super::postgres_error::Context;
use super::postgres_value::{Bound, fits, type_of};
use super::{EachRow, EngineRow, Mode, STATEMENTS_MAX};
use crate::sql::{Dialect, Rendered, render};
use crate::value::{Param, Row};
use crate::{Domain, StoreConfig, StoreError};

/// How long the kernel keeps trying to reach a server that answers nothing, beyond the statement's own limit.
const SILENCE_MS: u64 = 5_000;

/// Finds the table named by its parameter.
pub(super) const HAS_TABLE: &str =
    "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND tablename = $1";
/// Finds the schema named by its parameter.
const HAS_SCHEMA: &str = "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1";
/// The advisory lock of migrations; any number that nobody else uses.
const SCHEMA_LOCK: i64 = 0x6d69_6c6c_7261_6365;

/// How to open a connection of a domain.
#[derive(Clone)]
pub(crate) struct Connector {
    domain: Domain,
    config: Box<postgres::Config>,
    read_timeout_ms: u64,
    write_timeout_ms: u64,
    lock_timeout_ms: u64,
    migrate_timeout_ms: u64,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector").field("domain", &self.domain).finish_non_exhaustive()
    }
}

impl Connector {
    pub(super) fn new(config: &StoreConfig, domain: Domain) -> Result<Connector, StoreError> {
        let refuse = |reason: String| StoreError::Config { reason };
        let url = config.postgres_url.as_ref().ok_or_else(|| {
            refuse("store.postgres_url must be set for the engine postgres".into())
        })?;
        let mut parsed: postgres::Config =
            url.expose().parse().map_err(|e| refuse(format!("store.postgres_url: {e}")))?;
        parsed
            .application_name(&format!("millrace-{domain}"))
            .connect_timeout(Duration::from_millis(config.connect_timeout_ms))
            .keepalives_idle(Duration::from_millis(SILENCE_MS));
        Ok(Connector {
            domain,
            config: Box::new(parsed),
            read_timeout_ms: config.read_timeout_ms,
            write_timeout_ms: config.write_timeout_ms,
            lock_timeout_ms: config.lock_timeout_ms,
            migrate_timeout_ms: config.schema_wait_ms,
        })
    }

    pub(super) fn connect(
        &self,
        mode: Mode,
        deadline: &Deadline,
    ) -> Result<Connection, StoreError> {
        let statement_timeout_ms = match mode {
            Mode::Read => self.read_timeout_ms,
            Mode::Write => self.write_timeout_ms,
        };
        self.open(statement_timeout_ms, self.lock_timeout_ms, deadline.clone())
    }

    pub(super) fn connect_to_migrate(&self) -> Result<Connection, StoreError> {
        self.open(0, self.migrate_timeout_ms, Deadline::new())
    }

    pub(super) fn exists(&self) -> Result<bool, StoreError> {
        let mut connection = self.connect_to_migrate()?;
        let mut found = false;
        connection.query(HAS_SCHEMA, &[self.domain.name().into()], &mut |_| {
            found = true;
            Ok(())
        })?;
        Ok(found)
    }

    fn open(
        &self,
        statement_timeout_ms: u64,
        lock_timeout_ms: u64,
        deadline: Deadline,
    ) -> Result<Connection, StoreError> {
        let sql = format!(
            "SET search_path TO {}; SET statement_timeout = {statement_timeout_ms}; \
             SET lock_timeout = {lock_timeout_ms}; SET client_min_messages = warning",
            self.domain
        );
        let context = Context { domain: self.domain, statement: "connecting", deadline: &deadline };
        let mut config = self.config.clone();
        if statement_timeout_ms > 0 {
            let silence_ms = statement_timeout_ms.saturating_add(SILENCE_MS);
            config.tcp_user_timeout(Duration::from_millis(silence_ms));
        }
        let mut client = config.connect(NoTls).map_err(|e| context.connecting(&e))?;
        client.batch_execute(&sql).map_err(|e| context.error(&e))?;
        let domain = self.domain;
        Ok(Connection { client, domain, deadline, open: false, statements: HashMap::new() })
    }
}

/// One open connection.
pub(crate) struct Connection {
    client: Client,
    domain: Domain,
    deadline: Deadline,
    /// A transaction is open, or may be.
    open: bool,
    statements: HashMap<Box<str>, Rc<Prepared>>,
}

/// What is done with each batch: the statement, and one array for each of its parameters.
type RunBatch<'f> =
    &'f mut dyn FnMut(&mut Connection, &Prepared, &[&(dyn ToSql + Sync)]) -> Result<(), StoreError>;

/// A statement the server knows.
struct Prepared {
    rendered: Rendered,
    statement: Statement,
}

impl Connection {
    pub(super) fn begin(&mut self, mode: Mode) -> Result<(), StoreError> {
        self.open = true;
        self.plain(match mode {
            Mode::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Mode::Write => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        })
    }

    pub(super) fn commit(&mut self) -> Result<(), StoreError> {
        self.plain("COMMIT")?;
        self.open = false;
        Ok(())
    }

    pub(super) fn rollback(&mut self) -> Result<(), StoreError> {
        if self.open {
            self.plain("ROLLBACK")?;
            self.open = false;
        }
        Ok(())
    }

    pub(super) fn is_broken(&self) -> bool {
        self.open || self.client.is_closed()
    }

    pub(super) fn query(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        each: EachRow<'_>,
    ) -> Result<(), StoreError> {
        let prepared = self.prepare(sql, params)?;
        let bound = bound(params);
        let rows = self.client.query(&prepared.statement, &as_sql(&bound));
        for row in rows.map_err(|e| self.context(sql).error(&e))? {
            each(&Row(EngineRow::Postgres(&row)))?;
        }
        Ok(())
    }

    /// Like [`Connection::query`], holding one row at a time.
    pub(super) fn stream(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        each: EachRow<'_>,
    ) -> Result<(), StoreError> {
        let prepared = self.prepare(sql, params)?;
        let context = Context { domain: self.domain, statement: sql, deadline: &self.deadline };
        let bound = bound(params);
        let rows = self.client.query_raw(&prepared.statement, as_sql(&bound));
        let mut rows = rows.map_err(|e| context.error(&e))?;
        while let Some(row) = rows.next().map_err(|e| context.error(&e))? {
            each(&Row(EngineRow::Postgres(&row)))?;
        }
        Ok(())
    }

    pub(super) fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64, StoreError> {
        let prepared = self.prepare(sql, params)?;
        let bound = bound(params);
        self.client
            .execute(&prepared.statement, &as_sql(&bound))
            .map_err(|e| self.context(sql).error(&e))
    }

    pub(super) fn execute_many<'p, R: AsRef<[Param<'p>]>>(
        &mut self,
        sql: &str,
        rows: impl Iterator<Item = R>,
    ) -> Result<u64, StoreError> {
        let mut changed = 0;
        self.in_batches(sql, rows, &mut |it, prepared, params| {
            changed += it
                .client
                .execute(&prepared.statement, params)
                .map_err(|e| it.context(sql).error(&e))?;
            Ok(())
        })?;
        Ok(changed)
    }

    pub(super) fn query_many<'p, R: AsRef<[Param<'p>]>>(
        &mut self,
        sql: &str,
        rows: impl Iterator<Item = R>,
        each: EachRow<'_>,
    ) -> Result<(), StoreError> {
        self.in_batches(sql, rows, &mut |it, prepared, params| {
            let rows = it.client.query(&prepared.statement, params);
            for row in rows.map_err(|e| it.context(sql).error(&e))? {
                each(&Row(EngineRow::Postgres(&row)))?;
            }
            Ok(())
        })
    }

    pub(super) fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        let rendered = render(sql, Dialect::Postgres).map_err(|reason| refused(sql, reason))?;
        self.plain(&rendered.text)
    }

    /// Unqualified names mean `domain`'s tables until the transaction ends; whether it is there.
    pub(crate) fn turn_to(&mut self, domain: Domain) -> Result<bool, StoreError> {
        self.domain = domain;
        // Statements are prepared with the tables that their names meant.
        self.statements.clear();
        self.plain(&format!("SET LOCAL search_path TO {domain}"))?;
        let mut found = false;
        self.query(HAS_SCHEMA, &[domain.name().into()], &mut |_| {
            found = true;
            Ok(())
        })?;
        Ok(found)
    }

    pub(crate) fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// One process migrates at a time, whichever domain; the schema is made if it is missing.
    pub(super) fn lock_schema(&mut self) -> Result<(), StoreError> {
        self.query("SELECT pg_advisory_xact_lock($1)", &[SCHEMA_LOCK.into()], &mut |_| Ok(()))?;
        let sql = format!("CREATE SCHEMA IF NOT EXISTS {}", self.domain);
        self.plain(&sql)
    }

    /// Text is compared byte by byte, as on SQLite, whatever the database's locale.
    pub(super) fn compare_text_bytewise(&mut self) -> Result<(), StoreError> {
        let mut columns: Vec<(String, String)> = Vec::new();
        self.query(
            "SELECT c.relname, a.attname FROM pg_catalog.pg_attribute a
             JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
             JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation AND l.collname = 'default'
             WHERE a.attnum > 0 AND NOT a.attisdropped
             ORDER BY 1, 2",
            &[],
            &mut |row| {
                columns.push((row.get(0)?, row.get(1)?));
                Ok(())
            },
        )?;
        for (table, column) in columns {
            let sql = format!(
                "ALTER TABLE \"{table}\" ALTER COLUMN \"{column}\" TYPE text COLLATE \"C\""
            );
            self.plain(&sql)?;
        }
        Ok(())
    }

    /// Runs `run` once for each batch of rows; row by row when the statement has no batch token.
    fn in_batches<'p, R: AsRef<[Param<'p>]>>(
        &mut self,
        sql: &str,
        rows: impl Iterator<Item = R>,
        run: RunBatch<'_>,
    ) -> Result<(), StoreError> {
        let shape = match self.statements.get(sql) {
            Some(known) => known.rendered.batch.clone(),
            None => render(sql, Dialect::Postgres).map_err(|reason| refused(sql, reason))?.batch,
        };
        if shape.is_empty() {
            for row in rows {
                let prepared = self.prepare(sql, row.as_ref())?;
                run(self, &prepared, &as_sql(&bound(row.as_ref())))?;
            }
            return Ok(());
        }
        let prepared = self.prepare(sql, &[])?;
        let mut batch = Batch::new(&shape);
        for row in rows {
            let row = row.as_ref();
            if !batch.takes(row) {
                run(self, &prepared, &batch.as_sql())?;
                batch = Batch::new(&shape);
            }
            batch.push(row).map_err(|reason| refused(sql, reason))?;
        }
        if batch.is_empty() {
            return Ok(());
        }
        run(self, &prepared, &batch.as_sql())
    }

    /// The prepared statement; prepared anew when its parameters are of other types than before.
    fn prepare(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Rc<Prepared>, StoreError> {
        if let Some(known) = self.statements.get(sql)
            && (!known.rendered.batch.is_empty() || fits(params, known.statement.params()))
        {
            return Ok(Rc::clone(known));
        }
        let rendered = render(sql, Dialect::Postgres).map_err(|reason| refused(sql, reason))?;
        if rendered.batch.is_empty() && rendered.parameters != params.len() {
            let (given, wanted) = (params.len(), rendered.parameters);
            return Err(refused(sql, format!("{given} parameters for {wanted} places")));
        }
        let types: Vec<_> = params.iter().map(type_of).collect();
        let statement = self
            .client
            .prepare_typed(&rendered.text, &types)
            .map_err(|e| self.context(sql).error(&e))?;
        if self.statements.len() >= STATEMENTS_MAX {
            self.statements.clear();
        }
        let prepared = Rc::new(Prepared { rendered, statement });
        self.statements.insert(sql.into(), Rc::clone(&prepared));
        Ok(prepared)
    }

    fn plain(&mut self, sql: &str) -> Result<(), StoreError> {
        self.client.batch_execute(sql).map_err(|e| self.context(sql).error(&e))
    }

    fn context<'s>(&'s self, statement: &'s str) -> Context<'s> {
        Context { domain: self.domain, statement, deadline: &self.deadline }
    }
}

fn refused(sql: &str, reason: String) -> StoreError {
    StoreError::Sql { reason, statement: sql.to_owned() }
}

fn bound<'a, 'p>(params: &'a [Param<'p>]) -> Vec<Bound<'a, 'p>> {
    params.iter().map(Bound).collect()
}

fn as_sql<'a>(bound: &'a [Bound<'_, '_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    bound.iter().map(|it| it as &(dyn ToSql + Sync)).collect()
}
