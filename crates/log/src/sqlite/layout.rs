//! The file of the SQLite engine: what is in it, how it is opened, and what a crash leaves.
//!
//! ```text
//! log.db   application_id "MRLG", user_version 1 (the format), pages of 8 KiB
//! ┌──────────────────────────────────────────────────────────────────────────────────────────┐
//! │ topic      id  name                  partitions                                          │
//! │             1  network.entries.v1    1              fixed when the row is written        │
//! │             2  dataplane.changes.v1  1                                                   │
//! ├──────────────────────────────────────────────────────────────────────────────────────────┤
//! │ partition  topic  partition  oldest_offset  next_offset  bytes      appended_us          │
//! │                1          0            412          908  1 983 744  1767225600000000     │
//! │                                        │            │    Σ payload + headers + 32        │
//! ├────────────────────────────────────────┼────────────┼────────────────────────────────────┤
//! │ item_1_0   offset = 412 ◀──────────────┘            │    one table for each partition;   │
//! │                     413                             │    the offset is the rowid, so     │
//! │                      ⋮                              │    that appends fill the last page │
//! │                     907 = next_offset - 1 ◀─────────┘    and nothing else is touched     │
//! │            columns: offset, appended_us, payload, headers (NULL: none)                   │
//! ├──────────────────────────────────────────────────────────────────────────────────────────┤
//! │ item_2_0   …                                                                             │
//! └──────────────────────────────────────────────────────────────────────────────────────────┘
//! log.db-wal   committed groups not yet copied into log.db; about 32 MiB, 64 MiB kept at most
//! log.db-shm   index of the former; made anew after a crash
//! ```
//!
//! **Cost.** About 30 bytes an item beside its payload, at 400 B and at 4 kB; one byte of them says that it has no
//! headers.
//!
//! **Limits.** A payload ≤ 2 MiB + 64 KiB; an offset < 2⁶³; a topic ≤ 256 partitions. Pages freed by
//! retention are used again, the file does not shrink. `log.disk_bytes_max` bounds `log.db` alone: leave
//! room for the WAL beside it.
//!
//! **Recovery.** A group is one transaction: its frames and a commit frame with checksums go to the end of
//! the WAL, then one fsync (`synchronous = FULL`). After a crash SQLite reads the WAL up to the last commit
//! frame whose checksum holds and ignores what follows, so a group is there whole or not at all. Whoever was
//! answered is before that point, because the answer is given after the fsync. `partition.next_offset` moves
//! in the same transaction as the items, so no offset is given twice, even when retention has removed every
//! item. A group whose fsync failed is rolled back and its frames are overwritten by the next; a crash right
//! then may bring it back, which is why such an append "may be in the log".
//!
//! **Format 1** is the first. A newer one is refused, a file of something else too, and neither is changed. Files
//! were made without the column `headers`; it is added when the file is opened to write, which rewrites nothing, and
//! a program that does not know it goes on appending and reading items without headers. So the format is the same.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior};

use super::fault::fault;
use crate::tails::Bounds;
use crate::{LogConfig, LogError, Topic};

/// Name of the file in the log's folder.
pub(crate) const FILE_NAME: &str = "log.db";
/// "MRLG", in the file's header.
const APPLICATION_ID: i64 = 0x4d52_4c47;
/// The format written here, and the newest one read.
const FORMAT: i64 = 1;
/// Two entries of mean size and their frame share a page.
const PAGE_BYTES: i64 = 8_192;
/// The WAL is copied into the file when it has this many pages: 32 MiB.
const CHECKPOINT_PAGES: i64 = 4_096;
/// Bytes of WAL kept for use again after a checkpoint.
const WAL_BYTES_KEPT: i64 = 64 << 20;
/// How long another process that holds the file is waited for.
const BUSY: Duration = Duration::from_secs(2);

/// A partition as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PartitionRow {
    pub(super) topic: Topic,
    pub(super) table: ItemTable,
    pub(super) oldest: i64,
    pub(super) next: i64,
    pub(super) bytes: i64,
    pub(super) appended_us: i64,
}

impl PartitionRow {
    pub(super) const fn bounds(&self) -> Bounds {
        Bounds { oldest: self.oldest, next: self.next }
    }
}

/// The rows of every topic, by [`Topic::index`] and partition.
pub(super) type Rows = [Vec<PartitionRow>; Topic::ALL.len()];

/// The table that holds one partition's items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ItemTable {
    pub(super) topic_id: i64,
    pub(super) partition: u32,
}

impl std::fmt::Display for ItemTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "item_{}_{}", self.topic_id, self.partition)
    }
}

/// Path of the file.
pub(super) fn path(config: &LogConfig) -> PathBuf {
    config.dir().join(FILE_NAME)
}

/// Opens the file for the writer, creating it and the topics it lacks, and checks what it holds.
pub(super) fn open(path: &Path, config: &LogConfig) -> Result<(Connection, Rows), LogError> {
    std::fs::create_dir_all(config.dir()).map_err(|error| LogError::Io {
        path: config.dir().to_owned(),
        detail: error.to_string(),
    })?;
    let mut connection =
        connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    let fresh = identify(&connection, path)?;
    configure(&connection, config, fresh).map_err(|error| fault(path, &error))?;
    let rows = create_missing(&mut connection, path, config)?;
    for row in rows.iter().flatten() {
        check(&connection, path, row)?;
    }
    Ok((connection, rows))
}

/// Opens the file for a reader.
pub(super) fn open_reader(path: &Path) -> Result<Connection, LogError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// Each connection belongs to one thread: SQLite need not lock it.
fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, LogError> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .and_then(|connection| connection.busy_timeout(BUSY).map(|()| connection));
    connection.map_err(|error| fault(path, &error))
}

/// Whether the file is new; an error unless it is new or ours.
fn identify(connection: &Connection, path: &Path) -> Result<bool, LogError> {
    let pragma = |name: &str| -> Result<i64, LogError> {
        connection
            .pragma_query_value(None, name, |row| row.get(0))
            .map_err(|error| fault(path, &error))
    };
    let (application_id, format) = (pragma("application_id")?, pragma("user_version")?);
    if application_id == APPLICATION_ID {
        if format > FORMAT {
            return Err(LogError::NewerFormat {
                path: path.to_owned(),
                found: format,
                known: FORMAT,
            });
        }
        return Ok(false);
    }
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|error| fault(path, &error))?;
    if application_id == 0 && tables == 0 {
        return Ok(true);
    }
    Err(LogError::Foreign {
        path: path.to_owned(),
        detail: format!("an SQLite file with application id {application_id} and {tables} tables"),
    })
}

fn configure(connection: &Connection, config: &LogConfig, fresh: bool) -> rusqlite::Result<()> {
    if fresh {
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let page_bytes: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    if let Some(bytes) = config.disk_bytes_max {
        let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / page_bytes;
        connection.pragma_update(None, "max_page_count", pages.max(1))?;
    }
    // Two statements for each partition, and a few.
    let partitions: u32 = Topic::ALL.iter().map(|topic| config.partitions(*topic)).sum();
    connection.set_prepared_statement_cache_capacity(2 * partitions as usize + 8);
    Ok(())
}

/// Creates what is not there yet, in one transaction, and reads what is.
fn create_missing(
    connection: &mut Connection,
    path: &Path,
    config: &LogConfig,
) -> Result<Rows, LogError> {
    let sql = |error: rusqlite::Error| fault(path, &error);
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sql)?;
    tx.pragma_update(None, "application_id", APPLICATION_ID).map_err(sql)?;
    tx.pragma_update(None, "user_version", FORMAT).map_err(sql)?;
    tx.execute_batch(CREATE_TABLES).map_err(sql)?;
    let mut rows: Rows = std::array::from_fn(|_| Vec::new());
    for topic in Topic::ALL {
        let configured = config.partitions(topic);
        let stored = find_topic(&tx, topic).map_err(sql)?;
        let (id, partitions) = match stored {
            Some(found) => found,
            None => (create_topic(&tx, topic, configured).map_err(sql)?, configured),
        };
        if partitions != configured {
            return Err(LogError::PartitionsChanged { topic, stored: partitions, configured });
        }
        let loaded = load_rows(&tx, topic, id).map_err(sql)?;
        for row in &loaded {
            add_headers(&tx, row.table).map_err(sql)?;
        }
        if loaded.len() != partitions as usize {
            return Err(LogError::Corrupt {
                path: path.to_owned(),
                detail: format!("topic {topic} has {} of {partitions} partitions", loaded.len()),
            });
        }
        rows[topic.index()] = loaded;
    }
    tx.commit().map_err(sql)?;
    Ok(rows)
}

const CREATE_TABLES: &str = "
CREATE TABLE IF NOT EXISTS topic (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    partitions INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS partition (
    topic INTEGER NOT NULL REFERENCES topic (id),
    partition INTEGER NOT NULL,
    oldest_offset INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    appended_us INTEGER NOT NULL,
    PRIMARY KEY (topic, partition)
) STRICT, WITHOUT ROWID;
";

fn find_topic(connection: &Connection, topic: Topic) -> rusqlite::Result<Option<(i64, u32)>> {
    connection
        .query_row("SELECT id, partitions FROM topic WHERE name = ?1", [topic.name()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()
}

fn create_topic(connection: &Connection, topic: Topic, partitions: u32) -> rusqlite::Result<i64> {
    connection.execute(
        "INSERT INTO topic (name, partitions) VALUES (?1, ?2)",
        (topic.name(), partitions),
    )?;
    let topic_id = connection.last_insert_rowid();
    for partition in 0..partitions {
        connection.execute(
            "INSERT INTO partition (topic, partition, oldest_offset, next_offset, bytes, appended_us)
             VALUES (?1, ?2, 0, 0, 0, 0)",
            (topic_id, partition),
        )?;
        let table = ItemTable { topic_id, partition };
        connection.execute_batch(&format!(
            "CREATE TABLE {table} (
                 offset INTEGER PRIMARY KEY,
                 appended_us INTEGER NOT NULL,
                 payload BLOB NOT NULL,
                 headers BLOB
             ) STRICT"
        ))?;
    }
    Ok(topic_id)
}

/// Gives a table that was made without headers their column; what is in it stays as it is.
fn add_headers(connection: &Connection, table: ItemTable) -> rusqlite::Result<()> {
    let there: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM pragma_table_info(?1) WHERE name = 'headers')",
        [table.to_string()],
        |row| row.get(0),
    )?;
    if there {
        return Ok(());
    }
    connection.execute_batch(&format!("ALTER TABLE {table} ADD COLUMN headers BLOB"))
}

/// The partitions that a file holds, changing nothing.
pub(super) fn rows(connection: &Connection, path: &Path) -> Result<Vec<PartitionRow>, LogError> {
    let sql = |error: rusqlite::Error| fault(path, &error);
    let mut rows = Vec::new();
    for topic in Topic::ALL {
        if let Some((id, _)) = find_topic(connection, topic).map_err(sql)? {
            rows.extend(load_rows(connection, topic, id).map_err(sql)?);
        }
    }
    for row in &rows {
        check(connection, path, row)?;
    }
    Ok(rows)
}

fn load_rows(
    connection: &Connection,
    topic: Topic,
    topic_id: i64,
) -> rusqlite::Result<Vec<PartitionRow>> {
    let mut statement = connection.prepare(
        "SELECT partition, oldest_offset, next_offset, bytes, appended_us
         FROM partition WHERE topic = ?1 ORDER BY partition",
    )?;
    let rows = statement.query_map([topic_id], |row| {
        let table = ItemTable { topic_id, partition: row.get(0)? };
        Ok(PartitionRow {
            topic,
            table,
            oldest: row.get(1)?,
            next: row.get(2)?,
            bytes: row.get(3)?,
            appended_us: row.get(4)?,
        })
    })?;
    rows.collect()
}

/// Compares a partition's bounds with the items that are there.
fn check(connection: &Connection, path: &Path, row: &PartitionRow) -> Result<(), LogError> {
    let table = row.table;
    // Two questions, each answered from one end of the table; asked together SQLite would scan it.
    let sql =
        format!("SELECT (SELECT min(offset) FROM {table}), (SELECT max(offset) FROM {table})");
    let found: (Option<i64>, Option<i64>) = connection
        .query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(|error| fault(path, &error))?;
    let expected = match row.next - row.oldest {
        0 => (None, None),
        _ => (Some(row.oldest), Some(row.next - 1)),
    };
    if found == expected {
        return Ok(());
    }
    Err(LogError::Corrupt {
        path: path.to_owned(),
        detail: format!(
            "{} partition {} should hold offsets {} to {}, found {found:?}",
            row.topic,
            table.partition,
            row.oldest,
            row.next - 1
        ),
    })
}
