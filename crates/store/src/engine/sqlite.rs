//! SQLite: one file per domain in WAL mode, one writer, many readers.
//!
//! Readers open the file read-only, so that no question can write; other domains are attached
//! read-only on every connection, so that a write transaction touches one file. The writer's
//! connection syncs as the domain's [`Durability`] asks.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use foldhash::{HashMap, HashMapExt};
use rusqlite::config::DbConfig;
use rusqlite::types::{Null, Value, ValueRef};
use rusqlite::vtab::array::{self, Array};
use rusqlite::{CachedStatement, OpenFlags};

use super::deadline::Deadline;
use super::sqlite_error::Context;
use super::{EachRow, EngineRow, Mode, STATEMENTS_MAX};
use crate::domain::Durability;
use crate::sql::{Dialect, Rendered, render};
use crate::value::{Cell, Param, Row, storable};
use crate::{Domain, StoreConfig, StoreError};

/// Virtual-machine steps between two looks at the clock, some tens of microseconds.
const STEPS_BETWEEN_LOOKS: i32 = 5_000;
/// An attached domain gets this part of a reader's page cache, besides.
const ATTACHED_PART: u64 = 4;
/// Size to which the write-ahead log's file shrinks after a checkpoint that emptied it.
const WAL_BYTES_KEPT: u32 = 16 << 20;
/// Between two attempts to set a file's mode while another process sets it.
const WAL_RETRY_MS: u64 = 5;

/// Finds the table named by its parameter.
pub(super) const HAS_TABLE: &str = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1";

/// How to open a connection of a domain.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    domain: Domain,
    path: PathBuf,
    attach: Vec<(Domain, PathBuf)>,
    lock_timeout_ms: u64,
    reader_cache_bytes: u64,
    reader_mmap_bytes: u64,
    writer_cache_bytes: u64,
    wal_autocheckpoint_pages: u32,
}

impl Connector {
    pub(super) fn new(config: &StoreConfig, domain: Domain, attach: &[Domain]) -> Connector {
        let path_of = |domain: Domain| config.dir().join(format!("{domain}.db"));
        Connector {
            domain,
            path: path_of(domain),
            attach: attach.iter().map(|it| (*it, path_of(*it))).collect(),
            lock_timeout_ms: config.lock_timeout_ms,
            reader_cache_bytes: config.reader_cache_bytes,
            reader_mmap_bytes: config.reader_mmap_bytes,
            writer_cache_bytes: config.writer_cache_bytes,
            wal_autocheckpoint_pages: config.wal_autocheckpoint_pages,
        }
    }

    pub(super) fn exists(&self) -> bool {
        self.path.exists()
    }

    pub(super) fn file_bytes(&self) -> u64 {
        let bytes = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |file| file.len());
        bytes(&self.path).saturating_add(bytes(&self.wal_path()))
    }

    pub(crate) fn wal_path(&self) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push("-wal");
        PathBuf::from(path)
    }

    pub(super) fn connect(
        &self,
        mode: Mode,
        deadline: &Deadline,
    ) -> Result<Connection, StoreError> {
        let (access, mapped_bytes) = match mode {
            Mode::Read => (OpenFlags::SQLITE_OPEN_READ_ONLY, self.reader_mmap_bytes),
            Mode::Write => (OpenFlags::SQLITE_OPEN_READ_WRITE, 0),
        };
        let mut connection = self.open(access)?;
        match mode {
            Mode::Read => self.set(&connection, &cache_of(self.reader_cache_bytes))?,
            Mode::Write => self.set_writer(&connection)?,
        }
        for (domain, path) in &self.attach {
            self.attach_read_only(&connection, *domain, path)?;
            let bytes = self.reader_cache_bytes / ATTACHED_PART;
            self.set(&connection, &format!("PRAGMA {domain}.cache_size = -{}", bytes / 1_024))?;
        }
        let look = deadline.clone();
        connection
            .progress_handler(STEPS_BETWEEN_LOOKS, Some(move || look.passed()))
            .map_err(|e| self.context().error(e))?;
        Ok(Connection::new(connection, self.domain, deadline.clone(), mapped_bytes))
    }

    pub(super) fn connect_to_migrate(&self) -> Result<Connection, StoreError> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| StoreError::Unavailable {
                domain: self.domain,
                reason: format!("{}: {error}", folder.display()),
            })?;
        }
        let access = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let connection = self.open(access)?;
        self.switch_to_wal(&connection)?;
        self.set_writer(&connection)?;
        Ok(Connection::new(connection, self.domain, Deadline::new(), 0))
    }

    /// SQLite does not wait for others while it changes the mode, lest two wait for each other.
    fn switch_to_wal(&self, connection: &rusqlite::Connection) -> Result<(), StoreError> {
        let mut left_ms = self.lock_timeout_ms;
        loop {
            match self.set(connection, "PRAGMA journal_mode = WAL") {
                Err(StoreError::Busy { .. }) if left_ms > 0 => {
                    let pause_ms = left_ms.min(WAL_RETRY_MS);
                    std::thread::park_timeout(Duration::from_millis(pause_ms));
                    left_ms -= pause_ms;
                }
                done => return done,
            }
        }
    }

    /// A connection for the task that folds the write-ahead log into the database.
    pub(super) fn connect_to_checkpoint(&self) -> Result<rusqlite::Connection, StoreError> {
        let connection = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        self.set_writer(&connection)?;
        self.set(&connection, &cache_of(self.reader_cache_bytes))?;
        Ok(connection)
    }

    /// Moves what no reader needs any more from the write-ahead log into the database; whether that was all.
    pub(super) fn checkpoint(&self, connection: &rusqlite::Connection) -> Result<bool, StoreError> {
        connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
                Ok(row.get::<_, i64>(1)? == row.get::<_, i64>(2)?)
            })
            .map_err(|e| self.context().error(e))
    }

    /// Folds the whole write-ahead log in and removes it with its index. Only a connection that may
    /// write can, and only as the last one: where a reader was the last, both files have stayed.
    pub(super) fn finish(&self) -> Result<(), StoreError> {
        let connection = self.connect_to_checkpoint()?;
        self.checkpoint(&connection)?;
        connection.close().map_err(|(_, e)| self.context().error(e))
    }

    fn open(&self, access: OpenFlags) -> Result<rusqlite::Connection, StoreError> {
        let flags = access | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = rusqlite::Connection::open_with_flags(&self.path, flags)
            .map_err(|e| self.context().error(e))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        array::load_module(&connection).map_err(|e| self.context().error(e))?;
        // Else a statement is planned again whenever a bound value might lead to another plan.
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
            .map_err(|e| self.context().error(e))?;
        self.set(
            &connection,
            &format!(
                "PRAGMA busy_timeout = {}; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; \
                 PRAGMA case_sensitive_like = ON; PRAGMA trusted_schema = OFF",
                self.lock_timeout_ms
            ),
        )?;
        Ok(connection)
    }

    fn set_writer(&self, connection: &rusqlite::Connection) -> Result<(), StoreError> {
        let synchronous = match self.domain.durability() {
            Durability::Full => "FULL",
            Durability::Normal => "NORMAL",
        };
        let cache = cache_of(self.writer_cache_bytes);
        let pages = self.wal_autocheckpoint_pages;
        self.set(
            connection,
            &format!(
                "PRAGMA synchronous = {synchronous}; PRAGMA wal_autocheckpoint = {pages}; \
                 PRAGMA journal_size_limit = {WAL_BYTES_KEPT}; {cache}"
            ),
        )
    }

    fn attach_read_only(
        &self,
        connection: &rusqlite::Connection,
        domain: Domain,
        path: &std::path::Path,
    ) -> Result<(), StoreError> {
        let uri = format!("file:{}?mode=ro", escaped(&path.to_string_lossy()));
        connection.execute(&format!("ATTACH ?1 AS {domain}"), [uri]).map(drop).map_err(|error| {
            StoreError::Unavailable {
                domain,
                reason: format!(
                    "{} cannot be attached to {}: {error}",
                    path.display(),
                    self.domain
                ),
            }
        })
    }

    fn set(&self, connection: &rusqlite::Connection, pragmas: &str) -> Result<(), StoreError> {
        connection.execute_batch(pragmas).map_err(|e| self.context().error(e))
    }

    fn context(&self) -> Context<'_> {
        Context { domain: self.domain, statement: "opening the file", deadline: None }
    }
}

fn cache_of(bytes: u64) -> String {
    format!("PRAGMA cache_size = -{}", bytes / 1_024)
}

/// Of each file that is open so many bytes are mapped into memory.
fn map_of(bytes: u64) -> String {
    format!("PRAGMA mmap_size = {bytes}")
}

/// A path inside a `file:` URI.
fn escaped(path: &str) -> String {
    path.replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}

/// One open connection.
pub(crate) struct Connection {
    connection: rusqlite::Connection,
    domain: Domain,
    deadline: Deadline,
    rendered: HashMap<Box<str>, Rc<Rendered>>,
    /// Of each file, while it is at work.
    mapped_bytes: u64,
    resting: bool,
}

impl Connection {
    /// At rest: the first transaction maps the files.
    fn new(
        connection: rusqlite::Connection,
        domain: Domain,
        deadline: Deadline,
        mapped_bytes: u64,
    ) -> Connection {
        let rendered = HashMap::new();
        Connection { connection, domain, deadline, rendered, mapped_bytes, resting: true }
    }

    /// Gives the page cache back, and the mapped pages, which the system counts as this process's.
    pub(super) fn rest(&mut self) {
        let given_back =
            self.connection.execute_batch(&format!("{}; PRAGMA shrink_memory", map_of(0)));
        if let Err(error) = given_back {
            tracing::debug!(store.domain = %self.domain, %error, "a resting reader keeps its memory");
        }
        self.resting = true;
    }

    pub(super) fn begin(&mut self, mode: Mode) -> Result<(), StoreError> {
        if std::mem::take(&mut self.resting) {
            let map = map_of(self.mapped_bytes);
            self.connection.execute_batch(&map).map_err(|e| self.context(&map).error(e))?;
        }
        match mode {
            Mode::Read => self.control("BEGIN"),
            Mode::Write => self.control("BEGIN IMMEDIATE"),
        }
    }

    pub(super) fn commit(&mut self) -> Result<(), StoreError> {
        self.control("COMMIT")
    }

    pub(super) fn rollback(&mut self) -> Result<(), StoreError> {
        // Some errors (a full disk among them) have already ended the transaction.
        if self.connection.is_autocommit() {
            return Ok(());
        }
        self.control("ROLLBACK")
    }

    pub(super) fn is_broken(&self) -> bool {
        !self.connection.is_autocommit()
    }

    pub(super) fn query(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        each: EachRow<'_>,
    ) -> Result<(), StoreError> {
        let rendered = self.render(sql)?;
        let mut statement = self.prepare(&rendered, params.len())?;
        self.step(sql, &mut statement, params, each)
    }

    pub(super) fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64, StoreError> {
        let rendered = self.render(sql)?;
        let mut statement = self.prepare(&rendered, params.len())?;
        self.change(sql, &mut statement, params)
    }

    pub(super) fn execute_many<'p, R: AsRef<[Param<'p>]>>(
        &mut self,
        sql: &str,
        rows: impl Iterator<Item = R>,
    ) -> Result<u64, StoreError> {
        let rendered = self.render(sql)?;
        let mut statement = self.prepare(&rendered, rendered.parameters)?;
        let mut changed = 0_u64;
        for row in rows {
            check_count(&rendered, row.as_ref().len())?;
            changed += self.change(sql, &mut statement, row.as_ref())?;
        }
        Ok(changed)
    }

    pub(super) fn query_many<'p, R: AsRef<[Param<'p>]>>(
        &mut self,
        sql: &str,
        rows: impl Iterator<Item = R>,
        each: EachRow<'_>,
    ) -> Result<(), StoreError> {
        let rendered = self.render(sql)?;
        let mut statement = self.prepare(&rendered, rendered.parameters)?;
        for row in rows {
            check_count(&rendered, row.as_ref().len())?;
            self.step(sql, &mut statement, row.as_ref(), each)?;
        }
        Ok(())
    }

    pub(super) fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        let rendered = self.render(sql)?;
        self.connection.execute_batch(&rendered.text).map_err(|e| self.context(sql).error(e))
    }

    fn control(&self, sql: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.raw_execute())
            .map(drop)
            .map_err(|e| self.context(sql).error(e))
    }

    fn render(&mut self, sql: &str) -> Result<Rc<Rendered>, StoreError> {
        if let Some(known) = self.rendered.get(sql) {
            return Ok(Rc::clone(known));
        }
        let rendered = render(sql, Dialect::Sqlite).map_err(|reason| refused(sql, reason))?;
        if self.rendered.len() >= STATEMENTS_MAX {
            self.rendered.clear();
        }
        let rendered = Rc::new(rendered);
        self.rendered.insert(sql.into(), Rc::clone(&rendered));
        Ok(rendered)
    }

    fn prepare(
        &self,
        rendered: &Rendered,
        given: usize,
    ) -> Result<CachedStatement<'_>, StoreError> {
        check_count(rendered, given)?;
        self.connection
            .prepare_cached(&rendered.text)
            .map_err(|e| self.context(&rendered.text).error(e))
    }

    fn step(
        &self,
        sql: &str,
        statement: &mut CachedStatement<'_>,
        params: &[Param<'_>],
        each: EachRow<'_>,
    ) -> Result<(), StoreError> {
        bind(statement, params).map_err(|e| self.context(sql).error(e))?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(|e| self.context(sql).error(e))? {
            each(&Row(EngineRow::Sqlite(row)))?;
        }
        Ok(())
    }

    fn change(
        &self,
        sql: &str,
        statement: &mut CachedStatement<'_>,
        params: &[Param<'_>],
    ) -> Result<u64, StoreError> {
        bind(statement, params)
            .and_then(|()| statement.raw_execute())
            .map(|changed| changed as u64)
            .map_err(|e| self.context(sql).error(e))
    }

    fn context<'s>(&'s self, statement: &'s str) -> Context<'s> {
        Context { domain: self.domain, statement, deadline: Some(&self.deadline) }
    }
}

fn refused(sql: &str, reason: String) -> StoreError {
    StoreError::Sql { reason, statement: sql.to_owned() }
}

fn check_count(rendered: &Rendered, given: usize) -> Result<(), StoreError> {
    let wanted = rendered.parameters;
    if given == wanted {
        return Ok(());
    }
    Err(refused(&rendered.text, format!("{given} parameters for {wanted} places")))
}

fn bind(statement: &mut CachedStatement<'_>, params: &[Param<'_>]) -> rusqlite::Result<()> {
    (1..).zip(params).try_for_each(|(at, param)| match *param {
        Param::Null | Param::NullOf(_) => statement.raw_bind_parameter(at, Null),
        Param::Int(value) => statement.raw_bind_parameter(at, value),
        Param::Real(value) => statement.raw_bind_parameter(at, value),
        Param::Bool(value) => statement.raw_bind_parameter(at, value),
        Param::Blob(bytes) => statement.raw_bind_parameter(at, bytes),
        Param::Text(text) => statement.raw_bind_parameter(at, storable(text)),
        Param::Ids(ids) => {
            let ids = ids.iter().copied().map(Value::Integer);
            statement.raw_bind_parameter(at, Array::new(ids.collect()))
        }
        Param::Texts(texts) => {
            let texts = texts.iter().map(|text| Value::Text(storable(text).into_owned()));
            statement.raw_bind_parameter(at, Array::new(texts.collect()))
        }
    })
}

/// What a column of a row holds.
pub(crate) fn cell<'r>(row: &'r rusqlite::Row<'_>, column: usize) -> Cell<'r> {
    match row.get_ref(column) {
        Ok(ValueRef::Null) => Cell::Null,
        Ok(ValueRef::Integer(value)) => Cell::Int(value),
        Ok(ValueRef::Real(value)) => Cell::Real(value),
        Ok(ValueRef::Blob(bytes)) => Cell::Blob(bytes),
        Ok(ValueRef::Text(bytes)) => {
            std::str::from_utf8(bytes).map_or(Cell::Other("text that is not UTF-8"), Cell::Text)
        }
        Err(_) => Cell::Other("no such column"),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_resting_reader_maps_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let config = StoreConfig { reader_mmap_bytes: 1 << 20, ..StoreConfig::in_dir(dir.path()) };
        let connector = Connector::new(&config, Domain::Own, &[]);
        drop(connector.connect_to_migrate().unwrap());
        let mut reader = connector.connect(Mode::Read, &Deadline::new()).unwrap();
        let mapped = |reader: &Connection| -> i64 {
            reader.connection.query_row("PRAGMA mmap_size", [], |row| row.get(0)).unwrap()
        };
        reader.begin(Mode::Read).unwrap();
        reader.commit().unwrap();
        assert_eq!(mapped(&reader), 1 << 20);
        reader.rest();
        assert_eq!(mapped(&reader), 0);
        reader.begin(Mode::Read).unwrap();
        assert_eq!(mapped(&reader), 1 << 20);
        reader.commit().unwrap();
    }
}
