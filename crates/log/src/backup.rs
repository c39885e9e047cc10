//! The log's file as a backup and a doctor see it. A cluster's topics are the cluster's to keep.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{LogConfig, LogEngine, LogError, sqlite};

/// Where a partition began and ended when it was copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartitionMark {
    pub topic: String,
    pub partition: u32,
    /// The first offset still there.
    pub oldest: i64,
    /// The offset of the next item.
    pub tail: i64,
    /// The last item there: a log that has the same at that offset is the same log, gone on.
    pub last: Option<LastItem>,
}

/// An item by which a log is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastItem {
    pub offset: i64,
    pub appended_us: i64,
}

/// What a look at the file found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState {
    /// There is none yet.
    Absent,
    /// It can be read.
    Fine {
        bytes: u64,
        /// Whether its structure was looked at to the end; there was no time for it otherwise.
        checked: bool,
    },
}

/// Name of the file in the log's folder, where the log is a file.
pub const FILE_NAME: &str = sqlite::FILE_NAME;

/// Bytes of the log's file and of what lies beside it; `None` where the log is no file.
#[must_use]
pub fn file_bytes(config: &LogConfig) -> Option<u64> {
    (config.engine == LogEngine::Sqlite).then(|| sqlite::backup::bytes(config))
}

/// Looks at the file and its structure for at most `limit`. Blocks.
///
/// # Errors
/// It cannot be read, or is damaged.
pub fn look(config: &LogConfig, limit: Duration) -> Result<FileState, LogError> {
    sqlite::backup::look(config, limit)
}

/// Copies the file into the folder `dir` as of one moment, whoever appends to it meanwhile. `step` is told
/// the bytes of each step and says whether to go on. The copy is on disk when this returns, and has been
/// read back. Blocks.
///
/// # Errors
/// The file cannot be read, the copy not be written, or it was stopped ([`LogError::Closed`]).
pub fn copy_file(
    config: &LogConfig,
    dir: &Path,
    step: impl FnMut(u64) -> bool,
) -> Result<Vec<PartitionMark>, LogError> {
    sqlite::backup::copy(config, dir, step)
}
