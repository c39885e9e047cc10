//! The file as somebody sees it who only looks: its size, whether it is whole, and a copy of it that is
//! taken while it is written. Every look has a connection of its own, which cannot write.

use std::path::Path;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use tokio::time::Instant;

use super::fault::fault;
use super::layout::{self, PartitionRow};
use crate::backup::{FileState, LastItem, PartitionMark};
use crate::{LogConfig, LogError};

/// Pages copied in one step, 8 MiB of them.
const STEP_PAGES: i32 = 1_024;
/// Virtual-machine steps between two looks at the clock.
const STEPS_BETWEEN_LOOKS: i32 = 5_000;

pub(crate) fn bytes(config: &LogConfig) -> u64 {
    let path = layout::path(config);
    let mut wal = path.clone().into_os_string();
    wal.push("-wal");
    let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    bytes(&path).saturating_add(bytes(Path::new(&wal)))
}

pub(crate) fn look(config: &LogConfig, limit: Duration) -> Result<FileState, LogError> {
    let path = layout::path(config);
    if !path.exists() {
        return Ok(FileState::Absent);
    }
    let mut connection = layout::open_reader(&path)?;
    let until = Instant::now() + limit;
    let sql = |error: rusqlite::Error| fault(&path, &error);
    connection
        .progress_handler(STEPS_BETWEEN_LOOKS, Some(move || Instant::now() >= until))
        .map_err(sql)?;
    let checked = match check(&connection, &path) {
        Ok(()) => true,
        Err(_) if Instant::now() >= until => false,
        Err(error) => return Err(error),
    };
    Ok(FileState::Fine { bytes: bytes(config), checked })
}

fn check(connection: &Connection, path: &Path) -> Result<(), LogError> {
    let found: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| fault(path, &error))?;
    match found.as_str() {
        "ok" => Ok(()),
        _ => Err(LogError::Corrupt { path: path.to_owned(), detail: found }),
    }
}

/// Copies the file into `dir`, as of one moment; the copy has been read back.
pub(crate) fn copy(
    config: &LogConfig,
    dir: &Path,
    mut step: impl FnMut(u64) -> bool,
) -> Result<Vec<PartitionMark>, LogError> {
    let from = layout::path(config);
    let to = dir.join(layout::FILE_NAME);
    let source = layout::open_reader(&from)?;
    let read = |error: rusqlite::Error| fault(&from, &error);
    let write = |error: rusqlite::Error| fault(&to, &error);
    // Held to the end: every step sees what the first one saw.
    source.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema").map_err(read)?;
    let page_bytes: i64 =
        source.pragma_query_value(None, "page_size", |row| row.get(0)).map_err(read)?;
    let mut target = Connection::open(&to).map_err(write)?;
    target.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF").map_err(write)?;
    let backup = Backup::new(&source, &mut target).map_err(write)?;
    let mut before: Option<i32> = None;
    loop {
        let state = backup.step(STEP_PAGES).map_err(write)?;
        let left = backup.progress();
        let pages = before.unwrap_or(left.pagecount) - left.remaining;
        before = Some(left.remaining);
        if !step(u64::try_from(i64::from(pages.max(0)) * page_bytes).unwrap_or(0)) {
            return Err(LogError::Closed);
        }
        match state {
            StepResult::Done => break,
            StepResult::Busy | StepResult::Locked => {
                let detail = "locked by somebody else".to_owned();
                return Err(LogError::Io { path: to, detail });
            }
            _ => {}
        }
    }
    drop(backup);
    target.close().map_err(|(_, error)| write(error))?;
    // Page 1 came with the rest and says WAL; without one, looking at the copy leaves nothing beside it.
    let target = Connection::open(&to).map_err(write)?;
    target.execute_batch("PRAGMA journal_mode = DELETE").map_err(write)?;
    target.close().map_err(|(_, error)| write(error))?;
    let synced = std::fs::File::open(&to).and_then(|file| file.sync_all());
    synced.map_err(|error| LogError::Io { path: to.clone(), detail: error.to_string() })?;
    marks(&to)
}

/// Checks a copy and says where its partitions begin and end.
fn marks(path: &Path) -> Result<Vec<PartitionMark>, LogError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection =
        Connection::open_with_flags(path, flags).map_err(|error| fault(path, &error))?;
    check(&connection, path)?;
    let mut marks = Vec::new();
    for row in layout::rows(&connection, path)? {
        marks.push(PartitionMark {
            topic: row.topic.name().to_owned(),
            partition: row.table.partition,
            oldest: row.oldest,
            tail: row.next,
            last: last(&connection, &row).map_err(|error| fault(path, &error))?,
        });
    }
    Ok(marks)
}

fn last(connection: &Connection, row: &PartitionRow) -> rusqlite::Result<Option<LastItem>> {
    connection
        .query_row(
            &format!("SELECT offset, appended_us FROM {} ORDER BY offset DESC LIMIT 1", row.table),
            [],
            |row| Ok(LastItem { offset: row.get(0)?, appended_us: row.get(1)? }),
        )
        .optional()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use bytes::Bytes;
    use millrace_runtime::clock::SystemClock;
    use millrace_runtime::metrics::Registry;

    use super::*;
    use crate::{Append, Log, Topic};

    async fn log_of(dir: &Path, items: usize) -> (LogConfig, Log) {
        let config = LogConfig::in_dir(dir);
        let log = Log::open(&config, SystemClock::shared(), &Registry::new()).unwrap();
        append(&log, items).await;
        (config, log)
    }

    async fn append(log: &Log, items: usize) {
        let items = (0..items).map(|n| Append::new("key", Bytes::from(vec![7; 100 + n])));
        log.append(Topic::NetworkEntries, items.collect()).await.unwrap();
    }

    #[tokio::test]
    async fn a_copy_is_of_one_moment_and_opens_as_a_log() {
        let (dir, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (config, log) = log_of(dir.path(), 300).await;
        let marks = copy(&config, to.path(), |_| true).unwrap();
        append(&log, 5).await;
        log.close().await;
        assert_eq!((marks[0].oldest, marks[0].tail), (0, 300));
        assert_eq!(marks[0].last.map(|last| last.offset), Some(299));
        assert_eq!(marks[1].last, None);
        let names: Vec<_> = std::fs::read_dir(to.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "nothing beside the copy: {names:?}");
        let (_, copied) = log_of(to.path(), 1).await;
        assert_eq!(copied.tail(Topic::NetworkEntries, 0).await.unwrap(), 301);
        copied.close().await;
    }

    #[tokio::test]
    async fn a_copy_that_is_stopped_ends() {
        let (dir, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (config, log) = log_of(dir.path(), 10).await;
        assert!(matches!(copy(&config, to.path(), |_| false), Err(LogError::Closed)));
        log.close().await;
    }

    #[tokio::test]
    async fn damage_is_seen_by_looking() {
        let dir = tempfile::tempdir().unwrap();
        let absent = look(&LogConfig::in_dir(dir.path()), Duration::from_secs(5));
        assert_eq!(absent, Ok(FileState::Absent));
        let (config, log) = log_of(dir.path(), 3_000).await;
        log.close().await;
        let fine = look(&config, Duration::from_secs(60)).unwrap();
        assert!(matches!(fine, FileState::Fine { checked: true, .. }), "{fine:?}");
        let path = layout::path(&config);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 20_000].fill(0xff);
        std::fs::write(&path, bytes).unwrap();
        assert!(look(&config, Duration::from_secs(60)).is_err());
    }
}
