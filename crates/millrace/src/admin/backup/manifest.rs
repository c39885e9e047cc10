//! What a backup says of itself.

use millrace_log::backup::PartitionMark;
use millrace_store::backup::CopiedDomain;
use serde::{Deserialize, Serialize};

use super::Content;

/// The form written here, and the newest one read.
pub const FORMAT: u32 = 1;
/// The manifest's file.
pub const MANIFEST: &str = "manifest.json";
/// The checksums' file; whoever has it has a whole backup.
pub const SUMS: &str = "SHA256SUMS";

/// A backup, described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    pub format: u32,
    /// Version of the program that made it.
    pub program: String,
    pub created_at: String,
    pub created_us: i64,
    pub content: Content,
    /// `sqlite` or `postgres`.
    pub store: String,
    pub log: LogPart,
    pub domains: Vec<CopiedDomain>,
    /// Where each source stood.
    pub sources: Vec<SourceMark>,
    pub files: Vec<FileMark>,
}

/// The log beside which the tables were copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogPart {
    /// `sqlite` or `kafka`.
    pub engine: String,
    /// Whether its file is in the backup.
    pub copied: bool,
    /// Where its partitions began and ended.
    pub partitions: Vec<PartitionMark>,
}

/// A source's cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceMark {
    pub name: String,
    pub address: String,
    pub cursor: i64,
    /// The time of the last event read.
    pub event_us: Option<i64>,
}

/// A file of the backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileMark {
    pub name: String,
    pub bytes: u64,
    pub sha256: String,
}

impl Manifest {
    /// A domain that is in it.
    pub fn domain(&self, name: &str) -> Option<&CopiedDomain> {
        self.domains.iter().find(|domain| domain.domain == name)
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Where a partition of the log began and ended.
    pub fn mark(&self, topic: &str, partition: u32) -> Option<&PartitionMark> {
        let mut marks = self.log.partitions.iter();
        marks.find(|mark| mark.topic == topic && mark.partition == partition)
    }
}
