//! Settings of the store. Every bound of this crate that an operator may move is here; the others
//! are named constants beside the code they bound.

use std::path::{Path, PathBuf};

use millrace_runtime::config::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// Which engine keeps the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// One file per domain in `data_dir`; needs no server.
    #[default]
    Sqlite,
    /// One schema per domain in the database at `postgres_url` (PostgreSQL 14 or newer).
    Postgres,
}

/// Where tables are kept and how much of the machine they may use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// `sqlite` (files, no server) or `postgres`.
    pub engine: EngineKind,
    /// Folder of the SQLite files, one per domain. Unset: the data folder.
    pub dir: Option<PathBuf>,
    /// Connection string of PostgreSQL, for example `postgres://millrace@db/millrace`.
    pub postgres_url: Option<Secret>,
    /// Apply pending migrations at start. Otherwise wait for another process to apply them.
    pub run_migrations: bool,
    /// How long a process that does not migrate waits for the schema it needs.
    pub schema_wait_ms: u64,
    /// Database threads that answer reads, per domain. 0: with SQLite as many as there are cores, at least 2; with
    /// PostgreSQL twice as many.
    pub readers: usize,
    /// PostgreSQL connections that write, per domain. SQLite has one writer.
    pub postgres_writers: usize,
    /// Questions that may wait for a reader, and separately for a writer, before more are refused.
    pub queue_jobs: usize,
    /// Longest time one read may take.
    pub read_timeout_ms: u64,
    /// Longest time one statement of a write may take (PostgreSQL).
    pub write_timeout_ms: u64,
    /// How long a writer waits for a lock that another process or connection holds.
    pub lock_timeout_ms: u64,
    /// How long opening a PostgreSQL connection may take.
    pub connect_timeout_ms: u64,
    /// Page cache of each SQLite reader, in bytes; an attached domain gets a quarter as much besides.
    pub reader_cache_bytes: u64,
    /// Bytes of each SQLite file that a reader maps into memory rather than read page by page; 0: none. They
    /// are the system's own cache and shared, but count as resident while questions are asked.
    pub reader_mmap_bytes: u64,
    /// Page cache of the SQLite writer, in bytes.
    pub writer_cache_bytes: u64,
    /// Size the write-ahead log may reach before a commit has to fold it into the database, in pages of 4 KiB.
    pub wal_autocheckpoint_pages: u32,
    /// After how long a task folds the write-ahead log into the database, off the writer's path, at the latest:
    /// when nothing was written for a second, it does so after five.
    pub checkpoint_interval_ms: u64,
    /// Memory for ids of DIDs and record keys, in bytes.
    pub dictionary_cache_bytes: u64,
}

impl Default for StoreConfig {
    fn default() -> Self {
        StoreConfig {
            engine: EngineKind::Sqlite,
            dir: None,
            postgres_url: None,
            run_migrations: true,
            schema_wait_ms: 60_000,
            readers: 0,
            postgres_writers: 4,
            queue_jobs: 256,
            read_timeout_ms: 5_000,
            write_timeout_ms: 60_000,
            lock_timeout_ms: 5_000,
            connect_timeout_ms: 5_000,
            reader_cache_bytes: 24 << 20,
            reader_mmap_bytes: 2 << 30,
            writer_cache_bytes: 128 << 20,
            wal_autocheckpoint_pages: 65_536,
            checkpoint_interval_ms: 30_000,
            dictionary_cache_bytes: 32 << 20,
        }
    }
}

impl StoreConfig {
    /// The defaults, with SQLite files in `dir`.
    pub fn in_dir(dir: impl Into<PathBuf>) -> Self {
        StoreConfig { dir: Some(dir.into()), ..StoreConfig::default() }
    }

    /// The defaults, on the PostgreSQL database at `url`.
    pub fn at_postgres(url: impl Into<Secret>) -> Self {
        StoreConfig {
            engine: EngineKind::Postgres,
            postgres_url: Some(url.into()),
            ..StoreConfig::default()
        }
    }

    /// Database threads that answer reads. More of them than cores make answers from memory wait for each
    /// other; those that wait for a server cost nothing.
    pub fn reader_threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from).max(2);
        match (self.readers, self.engine) {
            (0, EngineKind::Sqlite) => cores().min(READERS_MAX),
            (0, EngineKind::Postgres) => (2 * cores()).min(READERS_MAX),
            (readers, _) => readers,
        }
    }

    /// Folder of the SQLite files; the working directory when none was set.
    pub fn dir(&self) -> &Path {
        self.dir.as_deref().unwrap_or_else(|| Path::new("."))
    }

    /// Whether the values make sense.
    ///
    /// # Errors
    /// [`StoreError::Config`] naming the first key that does not.
    pub fn check(&self) -> Result<(), StoreError> {
        let refuse = |reason: &str| Err(StoreError::Config { reason: reason.to_owned() });
        if self.engine == EngineKind::Postgres && self.postgres_url.is_none() {
            return refuse("store.postgres_url must be set for the engine postgres");
        }
        if self.readers > READERS_MAX {
            return refuse("store.readers must be 0 to 64");
        }
        if !(1..=64).contains(&self.postgres_writers) {
            return refuse("store.postgres_writers must be 1 to 64");
        }
        if !(1..=65_536).contains(&self.queue_jobs) {
            return refuse("store.queue_jobs must be 1 to 65536");
        }
        for (key, value_ms) in [
            ("read_timeout_ms", self.read_timeout_ms),
            ("write_timeout_ms", self.write_timeout_ms),
            ("lock_timeout_ms", self.lock_timeout_ms),
            ("connect_timeout_ms", self.connect_timeout_ms),
            ("checkpoint_interval_ms", self.checkpoint_interval_ms),
        ] {
            if !(1..=TIME_MS_MAX).contains(&value_ms) {
                return refuse(&format!("store.{key} must be 1 to {TIME_MS_MAX}"));
            }
        }
        Ok(())
    }
}

const READERS_MAX: usize = 64;

/// Longest time any setting here may name: a day.
const TIME_MS_MAX: u64 = 86_400_000;
