//! The two steps of a swap on each engine: SQLite renames a file over another, PostgreSQL two schemas
//! in one transaction. Either way there is no moment without tables under the data-plane's name.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use super::{Connection, Connector, Mode};
use crate::offsets::Committed;
use crate::{Domain, EngineKind, StoreConfig, StoreError};

const DOMAIN: Domain = Domain::Dataplane;
const FRESH: Domain = Domain::DataplaneRebuild;
/// Where the old tables are until the new ones are in their place.
const BEFORE: &str = "dataplane_before";

/// A swap of which the first step is done.
pub(crate) enum Swap {
    Files(Files),
    Schemas(Box<Connection>),
}

/// Paths of the three files.
pub(crate) struct Files {
    tables: PathBuf,
    fresh: PathBuf,
    before: PathBuf,
}

impl Files {
    fn of(config: &StoreConfig) -> Files {
        let path = |name: &str| config.dir().join(format!("{name}.db"));
        Files { tables: path(DOMAIN.name()), fresh: path(FRESH.name()), before: path(BEFORE) }
    }
}

impl Swap {
    /// Puts the old tables aside. `at` is how far the new ones have come.
    pub(crate) fn put_aside(
        connector: &Connector,
        config: &StoreConfig,
        at: &[Committed],
    ) -> Result<Swap, StoreError> {
        match connector {
            Connector::Sqlite(it) => {
                it.finish()?;
                let files = Files::of(config);
                // A write-ahead log that stays would be taken for the new file's.
                for path in [&files.tables, &files.fresh] {
                    if beside(path, "-wal").exists() {
                        return Err(StoreError::Busy { domain: DOMAIN });
                    }
                }
                remove(&files.before)?;
                // Where a file cannot have two names the old one is gone a moment earlier.
                if let Err(error) = fs::hard_link(&files.tables, &files.before) {
                    tracing::debug!(%error, "the old tables cannot be kept aside");
                }
                Ok(Swap::Files(files))
            }
            Connector::Postgres(_) => {
                let mut connection = connector.connect_to_migrate()?;
                connection.begin(Mode::Write)?;
                connection.script(&format!(
                    "LOCK TABLE {DOMAIN}.projection_offset IN ACCESS EXCLUSIVE MODE"
                ))?;
                stands_at(&mut connection, at)?;
                connection.script(&format!("ALTER SCHEMA {DOMAIN} RENAME TO {BEFORE}"))?;
                Ok(Swap::Schemas(Box::new(connection)))
            }
        }
    }

    /// Puts the new tables in place.
    pub(crate) fn put_in_place(self) -> Result<(), StoreError> {
        match self {
            Swap::Files(files) => {
                let renamed = File::open(&files.fresh)
                    .and_then(|fresh| fresh.sync_all())
                    .and_then(|()| fs::rename(&files.fresh, &files.tables))
                    .and_then(|()| match files.tables.parent() {
                        Some(folder) => File::open(folder)?.sync_all(),
                        None => Ok(()),
                    });
                renamed.map_err(|error| unavailable(&error))
            }
            Swap::Schemas(mut connection) => {
                connection.script(&format!("ALTER SCHEMA {FRESH} RENAME TO {DOMAIN}"))?;
                connection.commit()
            }
        }
    }
}

/// Fails if another process has moved an offset on.
fn stands_at(connection: &mut Connection, at: &[Committed]) -> Result<(), StoreError> {
    let mut moved = None;
    let sql = "SELECT projection, topic, partition, next_offset FROM projection_offset";
    connection.query(sql, &[], &mut |row| {
        let (projection, topic): (String, String) = (row.get(0)?, row.get(1)?);
        let (partition, next_offset): (u32, i64) = (row.get(2)?, row.get(3)?);
        let known = at.iter().any(|it| {
            (&it.projection, &it.topic, it.partition) == (&projection, &topic, partition)
                && it.next_offset == next_offset
        });
        if !known {
            moved = Some(format!("{projection} on {topic}/{partition}"));
        }
        Ok(())
    })?;
    moved.map_or(Ok(()), |what| Err(StoreError::Fenced { what }))
}

/// Removes new tables that were not finished, and old ones that were kept aside.
pub(crate) fn clear(config: &StoreConfig) -> Result<(), StoreError> {
    match config.engine {
        EngineKind::Sqlite => {
            let files = Files::of(config);
            remove(&files.fresh)?;
            remove(&files.before)
        }
        EngineKind::Postgres => {
            let mut connection = Connector::new(config, DOMAIN, &[])?.connect_to_migrate()?;
            connection.script(&format!(
                "DROP SCHEMA IF EXISTS {FRESH} CASCADE; DROP SCHEMA IF EXISTS {BEFORE} CASCADE"
            ))
        }
    }
}

/// Removes a database's file and what SQLite keeps beside it.
fn remove(path: &std::path::Path) -> Result<(), StoreError> {
    for path in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
        match fs::remove_file(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unavailable(&error)),
        }
    }
    Ok(())
}

fn beside(path: &std::path::Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    PathBuf::from(path)
}

fn unavailable(error: &io::Error) -> StoreError {
    StoreError::Unavailable { domain: DOMAIN, reason: error.to_string() }
}
