//! The log's part of the configuration: where it lies, how it is split, and its bounds.

mod kafka;

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{LogError, PAYLOAD_BYTES_MAX, Topic};

pub use kafka::{Compression, KafkaConfig, SaslMechanism, SecurityProtocol};

/// Most partitions a topic may have.
pub const PARTITIONS_MAX: u32 = 256;
/// Smallest `queue_bytes_max`: one payload of the greatest size and its frame.
pub const QUEUE_BYTES_MIN: usize = PAYLOAD_BYTES_MAX + 4_096;
/// Greatest `queue_bytes_max`: 1 GiB.
pub const QUEUE_BYTES_LIMIT: usize = 1 << 30;

/// Which engine keeps the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogEngine {
    /// A file `log.db` in the data folder; no server.
    #[default]
    Sqlite,
    /// Topics of a Kafka cluster, for several processes or machines. Only in builds with the feature `kafka`.
    Kafka,
}

/// The durable log: everything that arrives is here before anything is done with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// Engine that keeps the log.
    pub engine: LogEngine,
    /// Folder of `log.db`. Unset: the data folder. A disk of its own makes appends independent of the store's writes.
    pub dir: Option<PathBuf>,
    /// Partitions of `network.entries.v1`. Fixed when the log is created. More than one pays only when several processes share the work.
    pub network_entries_partitions: u32,
    /// Partitions of `dataplane.changes.v1`. Fixed when the log is created.
    pub dataplane_changes_partitions: u32,
    /// Partitions of `post.created.v1` and `post.updated.v1`. Fixed when the log is created. More than one pays where consumers outside share the work.
    pub post_events_partitions: u32,
    /// Bytes of appends that may wait to be durable; a producer beyond it waits.
    pub queue_bytes_max: usize,
    /// Bytes of waiting appends that are made durable together: one transaction and one fsync; with Kafka, one batch for each partition.
    pub group_bytes_max: usize,
    /// Threads that read the log; with Kafka, places in the log that are read at the same time.
    pub readers: usize,
    /// Hard bound of the log's file in bytes, with Kafka of what the topics hold; appends beyond it fail until retention made room. Unset: the disk is the bound.
    pub disk_bytes_max: Option<u64>,
    /// Items older than this many hours are removed once every consumer has read them.
    pub retention_hours: u32,
    /// Once a topic is larger than this, its oldest items are removed, if every consumer has read them.
    pub retention_bytes_max: u64,
    /// The Kafka cluster that keeps the log.
    pub kafka: KafkaConfig,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            engine: LogEngine::Sqlite,
            dir: None,
            network_entries_partitions: 1,
            dataplane_changes_partitions: 1,
            post_events_partitions: 1,
            queue_bytes_max: 32 << 20,
            group_bytes_max: 4 << 20,
            readers: 4,
            disk_bytes_max: None,
            retention_hours: 72,
            retention_bytes_max: 20 << 30,
            kafka: KafkaConfig::default(),
        }
    }
}

impl LogConfig {
    /// The defaults, with the log in `dir`.
    #[must_use]
    pub fn in_dir(dir: impl Into<PathBuf>) -> Self {
        Self { dir: Some(dir.into()), ..Self::default() }
    }

    /// The folder of `log.db`; the working directory when none was set.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.as_deref().unwrap_or_else(|| Path::new("."))
    }

    /// Configured number of partitions of a topic.
    #[must_use]
    pub const fn partitions(&self, topic: Topic) -> u32 {
        match topic {
            Topic::NetworkEntries => self.network_entries_partitions,
            Topic::DataplaneChanges => self.dataplane_changes_partitions,
            Topic::PostCreated | Topic::PostUpdated => self.post_events_partitions,
            // Few, and people's own doing.
            Topic::OwnChanges => 1,
            // Few, and what failed.
            Topic::PostCreatedRetry1m
            | Topic::PostCreatedRetry10m
            | Topic::PostCreatedRetry1h
            | Topic::PostCreatedDlq => 1,
        }
    }

    /// Whether the values make sense, and fit each other.
    ///
    /// # Errors
    /// [`LogError::Config`] naming the first key that does not.
    pub fn check(&self) -> Result<(), LogError> {
        let refuse = |key: &'static str, detail: String| Err(LogError::Config { key, detail });
        for (topic, key) in [
            (Topic::NetworkEntries, "network_entries_partitions"),
            (Topic::DataplaneChanges, "dataplane_changes_partitions"),
            (Topic::PostCreated, "post_events_partitions"),
        ] {
            if !(1..=PARTITIONS_MAX).contains(&self.partitions(topic)) {
                return refuse(key, format!("must be 1 to {PARTITIONS_MAX}"));
            }
        }
        if !(QUEUE_BYTES_MIN..=QUEUE_BYTES_LIMIT).contains(&self.queue_bytes_max) {
            return refuse(
                "queue_bytes_max",
                format!("must be {QUEUE_BYTES_MIN} to {QUEUE_BYTES_LIMIT}"),
            );
        }
        if self.group_bytes_max == 0 || self.group_bytes_max > self.queue_bytes_max {
            return refuse(
                "group_bytes_max",
                "must be at least 1 and at most queue_bytes_max".into(),
            );
        }
        if !(1..=64).contains(&self.readers) {
            return refuse("readers", "must be 1 to 64".into());
        }
        match self.engine {
            LogEngine::Sqlite => Ok(()),
            LogEngine::Kafka => self.kafka.check(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LogConfig;
    use crate::LogError;

    #[test]
    fn defaults_are_valid() {
        assert_eq!(LogConfig::default().check(), Ok(()));
    }

    #[test]
    fn what_cannot_work_is_named() {
        let check = |change: fn(&mut LogConfig), expected: &str| {
            let mut config = LogConfig::default();
            change(&mut config);
            match config.check() {
                Err(LogError::Config { key, .. }) => assert_eq!(key, expected),
                other => panic!("{expected}: {other:?}"),
            }
        };
        check(|c| c.network_entries_partitions = 0, "network_entries_partitions");
        check(|c| c.dataplane_changes_partitions = 257, "dataplane_changes_partitions");
        check(|c| c.queue_bytes_max = 1_000_000, "queue_bytes_max");
        check(|c| c.group_bytes_max = 0, "group_bytes_max");
        check(|c| c.group_bytes_max = c.queue_bytes_max + 1, "group_bytes_max");
        check(|c| c.readers = 0, "readers");
    }
}
