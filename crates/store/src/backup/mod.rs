//! A copy of domains that can be taken while they are written, and put in their place again.
//!
//! ```text
//!  SQLite       <dir>/own.db            the pages of one snapshot, as a plain file without a WAL
//!  PostgreSQL   <dir>/own.actor_mute.copy   the rows of one table (COPY, binary), all tables of all
//!                                           domains from one snapshot
//! ```
//!
//! What must stay true: each domain is copied as of one moment; on SQLite the moments are in the order in
//! which the domains are given, so that whoever refers to another domain's rows must come before it;
//! nothing is written to the tables that are copied. Restoring works on an empty place: a folder made for
//! it, or schemas whose namesakes are set aside in the same transaction.

mod postgres;
mod rows;
mod sqlite;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use millrace_runtime::clock::SharedClock;
use serde::{Deserialize, Serialize};

pub(crate) use self::sqlite::check as check_pages;

use crate::engine::Connector;
use crate::migrate::{self, on_thread};
use crate::{Domain, EngineKind, Migration, StoreConfig, StoreError, Tx};

/// How far a copy is, and whether it should go on. Shared with whoever watches it.
#[derive(Debug, Default)]
pub struct Control {
    done_bytes: AtomicU64,
    stopped: AtomicBool,
}

impl Control {
    /// Bytes copied so far.
    pub fn done_bytes(&self) -> u64 {
        self.done_bytes.load(Ordering::Relaxed)
    }

    /// Has the copy end with an error at its next step.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Counts a step of the copy.
    ///
    /// # Errors
    /// It has been stopped.
    pub fn step(&self, bytes: u64) -> Result<(), Stopped> {
        self.done_bytes.fetch_add(bytes, Ordering::Relaxed);
        if self.stopped.load(Ordering::Relaxed) { Err(Stopped) } else { Ok(()) }
    }
}

/// [`Control::stop`] was called.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the copy was stopped")]
pub struct Stopped;

/// A domain as it was copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CopiedDomain {
    pub domain: String,
    /// The migrations its tables had.
    pub schema: Vec<CopiedMigration>,
    /// How far its projections had come.
    pub offsets: Vec<CopiedOffset>,
    /// Names of its files in the backup; one for each table where tables are copied apart.
    pub files: Vec<String>,
    /// Its tables, where they are copied apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<CopiedTable>,
}

/// A migration that was applied when a domain was copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CopiedMigration {
    pub part: String,
    pub number: u32,
    pub name: String,
    /// Of the migration's text.
    pub checksum: String,
    pub compatible_back_to: u32,
}

/// A projection's place when its domain was copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CopiedOffset {
    pub projection: String,
    pub topic: String,
    pub partition: u32,
    /// The first entry it has not applied.
    pub next_offset: i64,
}

/// A table whose rows were copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CopiedTable {
    pub table: String,
    pub columns: Vec<String>,
    pub file: String,
    pub rows: u64,
    /// Columns that number rows, and the last number given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbered: Vec<(String, i64)>,
}

/// What a restore does besides putting rows back.
pub type Edit = Box<dyn FnMut(Domain, &mut Tx) -> Result<(), StoreError> + Send>;

/// Bytes that a copy of `domains` will take, about; those that are not there take none.
///
/// # Errors
/// The database cannot be read.
pub async fn estimate_bytes(
    config: &StoreConfig,
    domains: &[Domain],
    clock: &SharedClock,
) -> Result<u64, StoreError> {
    let mut bytes = 0_u64;
    for domain in domains {
        bytes = bytes.saturating_add(crate::probe::bytes(config, *domain, clock).await?);
    }
    Ok(bytes)
}

/// Copies `domains` into the folder `dir`, in that order; those that are not there are left out. The files
/// are on disk when this returns, and have been read back.
///
/// # Errors
/// The database cannot be read, the folder not be written, the copy does not hold what it should, or it was
/// stopped.
pub async fn copy(
    config: &StoreConfig,
    domains: &[Domain],
    dir: &Path,
    control: std::sync::Arc<Control>,
    clock: &SharedClock,
) -> Result<Vec<CopiedDomain>, StoreError> {
    let Some(first) = domains.first().copied() else { return Ok(Vec::new()) };
    let (config_of, domains, dir) = (config.clone(), domains.to_vec(), dir.to_owned());
    on_thread(config, first, clock, move |_, clock| match config_of.engine {
        EngineKind::Sqlite => sqlite::copy(&config_of, &domains, &dir, &control, clock),
        EngineKind::Postgres => postgres::copy(&config_of, &domains, &dir, &control, clock),
    })
    .await
}

/// Whether this program may work on tables as they were copied.
///
/// # Errors
/// They were made by a newer program, or by one with other migrations.
pub fn check_schema(
    copied: &CopiedDomain,
    domain: Domain,
    migrations: &'static [Migration],
) -> Result<(), StoreError> {
    migrate::check_copied(domain, migrations, &copied.schema)
}

/// What is put back where.
pub struct Restore {
    /// Where: with SQLite a folder of its own, in which the domains' files lie already.
    pub target: StoreConfig,
    pub domains: Vec<(Domain, &'static [Migration], CopiedDomain)>,
    /// Domains that are not in the backup and must not be there afterwards.
    pub absent: Vec<Domain>,
    /// The backup.
    pub dir: std::path::PathBuf,
    /// What schemas that are replaced are called from now on: `<domain>_<this>`.
    pub aside: String,
}

/// Puts domains back and runs `edit` in the transaction that does it: with PostgreSQL one for all domains,
/// so that they are there whole or not at all; with SQLite one for each, on files nobody uses yet.
///
/// # Errors
/// The database refuses, or a file does not hold what it should; nothing was replaced.
pub async fn restore(restore: Restore, edit: Edit, clock: &SharedClock) -> Result<(), StoreError> {
    let Some((first, ..)) = restore.domains.first() else { return Ok(()) };
    let config = restore.target.clone();
    on_thread(&config, *first, clock, move |_, clock| match restore.target.engine {
        EngineKind::Sqlite => sqlite::restore(&restore, edit, clock),
        EngineKind::Postgres => postgres::restore(&restore, edit, clock),
    })
    .await
}

/// What is the same for both engines in a copied domain's description.
fn describe(tx: &mut Tx, domain: Domain) -> Result<CopiedDomain, StoreError> {
    let offsets = crate::offsets::list(tx)?
        .into_iter()
        .map(|place| CopiedOffset {
            projection: place.projection,
            topic: place.topic,
            partition: place.partition,
            next_offset: place.next_offset,
        })
        .collect();
    Ok(CopiedDomain {
        domain: domain.name().to_owned(),
        schema: migrate::copied(tx)?,
        offsets,
        files: Vec::new(),
        tables: Vec::new(),
    })
}

/// Whoever held leases when the copy was made holds them no more.
fn end_leases(tx: &mut Tx) -> Result<(), StoreError> {
    tx.execute("UPDATE lease SET until_us = 0", &[]).map(drop)
}

/// A transaction without a time limit, on a connection of its own.
fn open(
    connector: &Connector,
    domain: Domain,
    mode: crate::engine::Mode,
    clock: &SharedClock,
) -> Result<Tx, StoreError> {
    let connection = connector.connect_to_migrate()?;
    let deadline = crate::engine::deadline::Deadline::new();
    let mut tx = Tx::new(connection, domain, clock.clone(), deadline);
    tx.start(mode)?;
    Ok(tx)
}

/// A file of the backup cannot be read or written.
fn file_error(domain: Domain, path: &Path, error: &std::io::Error) -> StoreError {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            StoreError::DiskFull { domain }
        }
        _ => {
            let reason = format!("{}: {error}", path.display());
            StoreError::Unavailable { domain, reason }
        }
    }
}

/// Makes what was written to a file durable.
fn sync(domain: Domain, path: &Path) -> Result<(), StoreError> {
    let file = std::fs::File::open(path).and_then(|file| file.sync_all());
    file.map_err(|error| file_error(domain, path, &error))
}

fn stopped(domain: Domain) -> StoreError {
    StoreError::Closed { domain }
}
