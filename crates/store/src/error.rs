//! What can go wrong with a domain's tables, in words an operator recognises, and what a worker
//! should do about it: [`Fault`].

use millrace_runtime::error::{Code, Diagnose, Diagnosis};

use crate::{Domain, codes};

/// What the worker loop does with an entry whose application failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The same entry will succeed once the world is well again: try again, for ever, with backoff.
    Retry,
    /// The entry itself is at fault: move it to the parked table and go on.
    Park,
    /// Nothing will help but a person: stop the projection.
    Stop,
}

/// A question or a write that the store could not finish. Nothing of its transaction remains.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The server or the file cannot be reached now; the next question tries again.
    #[error("the {domain} database cannot be reached: {reason}")]
    Unavailable { domain: Domain, reason: String },
    /// A lock was not had within `store.lock_timeout_ms`, or two transactions stood in each other's way.
    #[error("the {domain} database is locked by another writer")]
    Busy { domain: Domain },
    /// Refused before it began: too much is asked.
    #[error("{waiting} questions already wait for the {domain} database")]
    QueueFull { domain: Domain, waiting: usize },
    /// Stopped after `limit_ms`; nothing of it remains.
    #[error("a question to the {domain} database took longer than {limit_ms} ms")]
    Timeout { domain: Domain, limit_ms: u64 },
    /// [`crate::Store::close`] was called.
    #[error("the {domain} store is closed")]
    Closed { domain: Domain },
    /// The file, or a row, is not what this program can have written.
    #[error("the {domain} database is damaged: {reason}")]
    Corrupt { domain: Domain, reason: String },
    /// The volume is full; writes go on once there is room.
    #[error("no space left for the {domain} database")]
    DiskFull { domain: Domain },
    /// A newer program has migrated the tables.
    #[error(
        "the {domain} database has schema {found}, this program knows up to {known} and is not marked compatible"
    )]
    SchemaNewer { domain: Domain, found: u32, known: u32 },
    /// The tables were made by a program with other migrations.
    #[error(
        "migration {number} ({name}) of the {domain} database was applied with another text than this program carries"
    )]
    SchemaChecksum { domain: Domain, number: u32, name: String },
    /// Nobody migrated while this process waited.
    #[error("the {domain} database was not migrated to schema {wanted} within {waited_ms} ms")]
    SchemaNotReady { domain: Domain, wanted: u32, waited_ms: u64 },
    /// A list of migrations, in the program or in the tables, has a gap.
    #[error(
        "migrations of {domain} are not numbered 1, 2, 3 …: found {number} where {expected} belongs"
    )]
    SchemaOrder { domain: Domain, number: u32, expected: u32 },
    /// A migration's statement failed; nothing of it remains.
    #[error("migration {number} ({name}) of {domain} failed: {reason}")]
    Migration { domain: Domain, number: u32, name: String, reason: String },
    /// The tables are ahead of the log: one of the two was restored or replaced.
    #[error(
        "projection {projection} has committed offset {offset} of {topic}/{partition}, but the log ends at {tail}"
    )]
    OffsetBeyondTail {
        projection: String,
        topic: &'static str,
        partition: u32,
        offset: i64,
        tail: i64,
    },
    /// Retention removed what the projection had not applied.
    #[error(
        "projection {projection} wants offset {offset} of {topic}/{partition}, but the log begins at {oldest}"
    )]
    OffsetTruncated {
        projection: String,
        topic: &'static str,
        partition: u32,
        offset: i64,
        oldest: i64,
    },
    /// A compare-and-set failed; whoever lost it looks again.
    #[error("another worker moved the offset or took the lease {what}")]
    Fenced { what: String },
    /// A key, NOT NULL, CHECK or foreign key was violated.
    #[error("a rule of the tables was broken: {reason}")]
    Constraint { reason: String },
    /// The engine refused the statement, or the text has a wrong token or number of parameters.
    #[error("statement failed: {reason}; statement: {statement}")]
    Sql { reason: String, statement: String },
    /// A column was read as a type that it does not hold; `column` counts from 0.
    #[error("column {column} holds {found}, asked for {wanted}")]
    Column { column: usize, wanted: &'static str, found: &'static str },
    /// Another number of rows than the question allows.
    #[error("expected one row, got {rows}; statement: {statement}")]
    RowCount { rows: usize, statement: String },
    /// The closure returned `Ok` after a failed statement.
    #[error("a statement failed and the transaction went on, so it was rolled back: {reason}")]
    Aborted { reason: String },
    /// The closure panicked; its thread lives on.
    #[error("the question panicked: {message}")]
    Panicked { message: String },
    /// Something over a bound that every reader relies on.
    #[error("{what} has {found} bytes, at most {max} are kept")]
    TooLarge { what: &'static str, found: usize, max: usize },
    /// A setting cannot work; `reason` names the key.
    #[error("store configuration: {reason}")]
    Config { reason: String },
}

impl StoreError {
    /// What a worker does with the entry it was applying.
    pub fn fault(&self) -> Fault {
        match self {
            StoreError::Unavailable { .. }
            | StoreError::Busy { .. }
            | StoreError::QueueFull { .. }
            | StoreError::Timeout { .. }
            | StoreError::DiskFull { .. }
            | StoreError::Fenced { .. } => Fault::Retry,
            StoreError::Constraint { .. }
            | StoreError::Sql { .. }
            | StoreError::Column { .. }
            | StoreError::RowCount { .. }
            | StoreError::Aborted { .. }
            | StoreError::Panicked { .. }
            | StoreError::TooLarge { .. } => Fault::Park,
            StoreError::Closed { .. }
            | StoreError::Corrupt { .. }
            | StoreError::SchemaNewer { .. }
            | StoreError::SchemaChecksum { .. }
            | StoreError::SchemaNotReady { .. }
            | StoreError::SchemaOrder { .. }
            | StoreError::Migration { .. }
            | StoreError::OffsetBeyondTail { .. }
            | StoreError::OffsetTruncated { .. }
            | StoreError::Config { .. } => Fault::Stop,
        }
    }

    /// A short stable name: the reason of a parked entry, a metric's label.
    pub fn reason(&self) -> &'static str {
        match self {
            StoreError::Unavailable { .. } => "store-unavailable",
            StoreError::Busy { .. } => "store-busy",
            StoreError::QueueFull { .. } => "store-queue-full",
            StoreError::Timeout { .. } => "store-timeout",
            StoreError::Closed { .. } => "store-closed",
            StoreError::Corrupt { .. } => "store-corrupt",
            StoreError::DiskFull { .. } => "store-disk-full",
            StoreError::SchemaNewer { .. } => "schema-newer",
            StoreError::SchemaChecksum { .. } => "schema-checksum",
            StoreError::SchemaNotReady { .. } => "schema-not-ready",
            StoreError::SchemaOrder { .. } => "schema-order",
            StoreError::Migration { .. } => "schema-migration",
            StoreError::OffsetBeyondTail { .. } => "offset-beyond-tail",
            StoreError::OffsetTruncated { .. } => "offset-truncated",
            StoreError::Fenced { .. } => "fenced",
            StoreError::Constraint { .. } => "store-constraint",
            StoreError::Sql { .. } => "store-sql",
            StoreError::Column { .. } => "store-column",
            StoreError::RowCount { .. } => "store-row-count",
            StoreError::Aborted { .. } => "store-aborted",
            StoreError::Panicked { .. } => "panic",
            StoreError::TooLarge { .. } => "too-large",
            StoreError::Config { .. } => "store-config",
        }
    }

    /// The situation's page.
    fn code(&self) -> Code {
        match self {
            StoreError::Unavailable { .. } => codes::UNAVAILABLE,
            StoreError::Busy { .. } => codes::BUSY,
            StoreError::QueueFull { .. } => codes::QUEUE_FULL,
            StoreError::Timeout { .. } => codes::TIMEOUT,
            StoreError::Closed { .. } => codes::CLOSED,
            StoreError::Corrupt { .. } => codes::CORRUPT,
            StoreError::DiskFull { .. } => codes::DISK_FULL,
            StoreError::SchemaNewer { .. } => codes::SCHEMA_NEWER,
            StoreError::SchemaChecksum { .. } => codes::SCHEMA_CHECKSUM,
            StoreError::SchemaNotReady { .. } => codes::SCHEMA_NOT_READY,
            StoreError::SchemaOrder { .. } | StoreError::Migration { .. } => codes::MIGRATION,
            StoreError::OffsetBeyondTail { .. } => codes::OFFSET_BEYOND_TAIL,
            StoreError::OffsetTruncated { .. } => codes::OFFSET_TRUNCATED,
            StoreError::Fenced { .. } => codes::FENCED,
            StoreError::Config { .. } => codes::CONFIG,
            StoreError::Constraint { .. }
            | StoreError::Sql { .. }
            | StoreError::Column { .. }
            | StoreError::RowCount { .. }
            | StoreError::Aborted { .. }
            | StoreError::Panicked { .. }
            | StoreError::TooLarge { .. } => codes::STATEMENT,
        }
    }
}

impl Diagnose for StoreError {
    fn diagnosis(&self) -> Diagnosis {
        self.code().diagnosis(self.to_string())
    }
}
