//! The two engines under [`crate::Tx`], and the threads that drive them.
//!
//! Beside `backup/`, this is the only folder of the crate that knows an engine's name. [`Connection`] is one open
//! connection, used by the one thread that opened it; [`Connector`] knows how to open it.

pub(crate) mod checkpoint;
pub(crate) mod deadline;
pub(crate) mod link;
pub(crate) mod postgres;
mod postgres_batch;
mod postgres_error;
mod postgres_value;
pub(crate) mod queue;
pub(crate) mod rest;
pub(crate) mod sqlite;
mod sqlite_error;
pub(crate) mod swap;

use std::sync::Arc;
use std::time::Duration;

use self::checkpoint::Stop;
use self::deadline::Deadline;
use crate::sql::Dialect;
use crate::value::{Cell, Param, Row};
use crate::{Domain, EngineKind, StoreConfig, StoreError};

/// What a transaction may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Read,
    Write,
}

/// Statements kept prepared on one connection.
pub(crate) const STATEMENTS_MAX: usize = 512;

/// What an engine calls with each row of an answer.
pub(crate) type EachRow<'f> = &'f mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>;

/// How to open a connection of a domain.
#[derive(Debug, Clone)]
pub(crate) enum Connector {
    Sqlite(sqlite::Connector),
    Postgres(postgres::Connector),
}

impl Connector {
    pub(crate) fn new(
        config: &StoreConfig,
        domain: Domain,
        attach: &[Domain],
    ) -> Result<Connector, StoreError> {
        Ok(match config.engine {
            EngineKind::Sqlite => Connector::Sqlite(sqlite::Connector::new(config, domain, attach)),
            EngineKind::Postgres => Connector::Postgres(postgres::Connector::new(config, domain)?),
        })
    }

    pub(crate) fn connect(
        &self,
        mode: Mode,
        deadline: &Deadline,
    ) -> Result<Connection, StoreError> {
        Ok(match self {
            Connector::Sqlite(it) => Connection::Sqlite(it.connect(mode, deadline)?),
            Connector::Postgres(it) => Connection::Postgres(Box::new(it.connect(mode, deadline)?)),
        })
    }

    /// The connection that migrations run on: no time limit, nothing attached, created if missing.
    pub(crate) fn connect_to_migrate(&self) -> Result<Connection, StoreError> {
        Ok(match self {
            Connector::Sqlite(it) => Connection::Sqlite(it.connect_to_migrate()?),
            Connector::Postgres(it) => Connection::Postgres(Box::new(it.connect_to_migrate()?)),
        })
    }

    /// Whether other processes may write to the same tables.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Connector::Postgres(_))
    }

    /// What keeps the tables, for people.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Connector::Sqlite(_) => "SQLite",
            Connector::Postgres(_) => "PostgreSQL",
        }
    }

    /// Threads that may write at once.
    pub(crate) fn writers(&self, config: &StoreConfig) -> usize {
        match self {
            Connector::Sqlite(_) => 1,
            Connector::Postgres(_) => config.postgres_writers,
        }
    }

    /// What the engine wants done beside its users, on a thread of its own, until it is stopped.
    pub(crate) fn upkeep(
        &self,
        config: &StoreConfig,
        stop: Arc<Stop>,
    ) -> Option<impl FnOnce() + Send + use<>> {
        let Connector::Sqlite(connector) = self else {
            return None;
        };
        let connector = connector.clone();
        let interval = Duration::from_millis(config.checkpoint_interval_ms);
        Some(move || checkpoint::run(&connector, interval, &stop))
    }

    /// After the last user's connection is closed.
    pub(crate) fn finish(&self) -> Result<(), StoreError> {
        match self {
            Connector::Sqlite(it) => it.finish(),
            Connector::Postgres(_) => Ok(()),
        }
    }

    /// Bytes of the domain's file and of what lies beside it, where it is a file.
    pub(crate) fn file_bytes(&self) -> Option<u64> {
        match self {
            Connector::Sqlite(it) => Some(it.file_bytes()),
            Connector::Postgres(_) => None,
        }
    }

    /// Whether the domain's file or schema is there at all.
    pub(crate) fn exists(&self) -> Result<bool, StoreError> {
        match self {
            Connector::Sqlite(it) => Ok(it.exists()),
            Connector::Postgres(it) => it.exists(),
        }
    }
}

/// One row of an answer, as the engine's client holds it.
pub(crate) enum EngineRow<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a ::postgres::Row),
}

impl EngineRow<'_> {
    pub(crate) fn cell(&self, column: usize) -> Cell<'_> {
        match self {
            EngineRow::Sqlite(row) => sqlite::cell(row, column),
            EngineRow::Postgres(row) => postgres_value::cell(row, column),
        }
    }
}

/// One open connection.
pub(crate) enum Connection {
    Sqlite(sqlite::Connection),
    Postgres(Box<postgres::Connection>),
}

/// One call, both engines.
macro_rules! each_engine {
    ($self:expr, $it:ident => $call:expr) => {
        match $self {
            Connection::Sqlite($it) => $call,
            Connection::Postgres($it) => $call,
        }
    };
}

impl Connection {
    /// The SQL it understands.
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Connection::Sqlite(_) => Dialect::Sqlite,
            Connection::Postgres(_) => Dialect::Postgres,
        }
    }

    pub(crate) fn begin(&mut self, mode: Mode) -> Result<(), StoreError> {
        each_engine!(self, it => it.begin(mode))
    }

    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        each_engine!(self, it => it.commit())
    }

    /// Ends the transaction, if one is open. An error means that the connection is of no more use.
    pub(crate) fn rollback(&mut self) -> Result<(), StoreError> {
        each_engine!(self, it => it.rollback())
    }

    /// Between two transactions: gives back what the next one can take again.
    pub(crate) fn rest(&mut self) {
        match self {
            Connection::Sqlite(it) => it.rest(),
            Connection::Postgres(_) => {}
        }
    }

    /// Whether the next transaction would need another connection.
    pub(crate) fn is_broken(&self) -> bool {
        each_engine!(self, it => it.is_broken())
    }

    pub(crate) fn query(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        each: EachRow<'_>,
    ) -> Result<(), StoreError> {
        each_engine!(self, it => it.query(sql, params, each))
    }

    pub(crate) fn stream(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        each: EachRow<'_>,
    ) -> Result<(), StoreError> {
        match self {
            Connection::Sqlite(it) => it.query(sql, params, each),
            Connection::Postgres(it) => it.stream(sql, params, each),
        }
    }

    pub(crate) fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64, StoreError> {
        each_engine!(self, it => it.execute(sql, params))
    }

    pub(crate) fn execute_many<'p, R: AsRef<[Param<'p>]>>(
        &mut self,
        sql: &str,
        rows: impl Iterator<Item = R>,
    ) -> Result<u64, StoreError> {
        each_engine!(self, it => it.execute_many(sql, rows))
    }

    pub(crate) fn query_many<'p, R: AsRef<[Param<'p>]>>(
        &mut self,
        sql: &str,
        rows: impl Iterator<Item = R>,
        each: EachRow<'_>,
    ) -> Result<(), StoreError> {
        each_engine!(self, it => it.query_many(sql, rows, each))
    }

    /// Runs many statements without parameters: migrations, savepoints.
    pub(crate) fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        each_engine!(self, it => it.script(sql))
    }

    /// The connection to PostgreSQL, where it is one.
    pub(crate) fn postgres(&mut self) -> Result<&mut postgres::Connection, StoreError> {
        match self {
            Connection::Postgres(it) => Ok(it),
            Connection::Sqlite(_) => {
                Err(StoreError::Config { reason: "this can only be done on PostgreSQL".to_owned() })
            }
        }
    }

    /// Whether the domain has that table.
    pub(crate) fn has_table(&mut self, table: &str) -> Result<bool, StoreError> {
        let sql = match self {
            Connection::Sqlite(_) => sqlite::HAS_TABLE,
            Connection::Postgres(_) => postgres::HAS_TABLE,
        };
        let mut found = false;
        self.query(sql, &[table.into()], &mut |_| {
            found = true;
            Ok(())
        })?;
        Ok(found)
    }

    /// Keeps other processes from migrating until the transaction ends.
    pub(crate) fn lock_schema(&mut self) -> Result<(), StoreError> {
        match self {
            // BEGIN IMMEDIATE has locked the file.
            Connection::Sqlite(_) => Ok(()),
            Connection::Postgres(it) => it.lock_schema(),
        }
    }

    /// After migrations: what makes the engine's tables behave as the other's.
    pub(crate) fn finish_schema(&mut self) -> Result<(), StoreError> {
        match self {
            Connection::Sqlite(_) => Ok(()),
            Connection::Postgres(it) => it.compare_text_bytewise(),
        }
    }
}
