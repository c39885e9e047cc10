//! What can go wrong with the log, in the words of whoever runs it.
//!
//! Errors are `Clone`: one failed commit answers every append that shared it.

use std::path::PathBuf;

use millrace_runtime::error::{Code, Diagnose, Diagnosis};

use crate::Topic;

/// A refused or failed operation of the log. Nothing was written, unless the variant says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// The reader asked for items that retention has removed; the projection must be rebuilt, or start at `oldest`.
    #[error("items before offset {oldest} were removed by retention")]
    Truncated {
        /// The first offset still there.
        oldest: i64,
    },
    /// One payload is over [`crate::PAYLOAD_BYTES_MAX`].
    #[error("a payload of {bytes} bytes is over the bound of {max}")]
    PayloadTooLarge {
        /// Size of the payload.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// A header, or all of an item's, is over a bound of [`crate::Headers`].
    #[error("headers of an item: {detail}")]
    Headers {
        /// The bound.
        detail: String,
    },
    /// One call appended more than the queue holds; it could never be admitted.
    #[error("an append of {bytes} bytes in one call is over the queue's bound of {max}")]
    BatchTooLarge {
        /// Size of the call's items, frames included.
        bytes: usize,
        /// `log.queue_bytes_max`.
        max: usize,
    },
    /// The topic has no such partition.
    #[error("topic {topic} has {partitions} partitions, there is no partition {partition}")]
    NoSuchPartition {
        /// The topic.
        topic: Topic,
        /// What was asked for.
        partition: u32,
        /// How many there are.
        partitions: u32,
    },
    /// The configuration names another number of partitions than the log was created with.
    #[error(
        "topic {topic} was created with {stored} partitions, the configuration says {configured}"
    )]
    PartitionsChanged {
        /// The topic.
        topic: Topic,
        /// As created.
        stored: u32,
        /// As configured now.
        configured: u32,
    },
    /// Retention was called with a wrong number of floors.
    #[error("topic {topic} has {partitions} partitions, but {floors} floors were given")]
    FloorsMismatch {
        /// The topic.
        topic: Topic,
        /// How many floors were given.
        floors: usize,
        /// How many partitions there are.
        partitions: u32,
    },
    /// No room: the disk, or `log.disk_bytes_max`. Appends work again when retention, or somebody, has made room.
    #[error("no room left for {place}")]
    DiskFull {
        /// The log's file, or the cluster.
        place: String,
    },
    /// The file belongs to something else.
    #[error("{} is not a Millrace log: {detail}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        detail: String,
    },
    /// A newer Millrace wrote the file.
    #[error("{} has format {found}, this program reads up to {known}", path.display())]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// The file's format.
        found: i64,
        /// The newest known here.
        known: i64,
    },
    /// What the file holds contradicts itself.
    #[error("{} is damaged: {detail}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The contradiction.
        detail: String,
    },
    /// Another process holds the file.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// Reading or writing failed in a way not named above.
    #[error("{}: {detail}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// The log was closed, or its writer ended. An append answered with this may or may not be in the log.
    #[error("the log is closed")]
    Closed,
    /// The cluster did not answer in time. An append answered with this may be in the log, in whole or in some of its partitions.
    #[error("Kafka at {brokers} does not answer: {detail}")]
    Unavailable {
        /// `log.kafka.brokers`.
        brokers: String,
        /// What was tried, and the last thing heard.
        detail: String,
    },
    /// The cluster answered, and says no: who we are, what we may do, or what we ask for.
    #[error("Kafka at {brokers} refuses: {detail}")]
    Refused {
        /// `log.kafka.brokers`.
        brokers: String,
        /// What was asked, and why not.
        detail: String,
    },
    /// A topic is there but cannot hold the log.
    #[error("topic {topic} cannot hold the log: {detail}")]
    TopicUnfit {
        /// Its name in the cluster.
        topic: String,
        /// What is wrong with it.
        detail: String,
    },
    /// This program was built without the engine.
    #[error("this program was built without {engine}")]
    EngineMissing {
        /// What is missing.
        engine: &'static str,
        /// The cargo feature that brings it.
        feature: &'static str,
    },
    /// A configured value cannot work.
    #[error("log.{key} {detail}")]
    Config {
        /// The key below `log.`.
        key: &'static str,
        /// What it must be.
        detail: String,
    },
}

impl LogError {
    /// Whether the same call may succeed later without anybody changing the call.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::DiskFull { .. } | Self::InUse { .. } | Self::Io { .. } | Self::Unavailable { .. }
        )
    }

    /// The entry of the table of codes that this situation belongs to.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Truncated { .. } => codes::TRUNCATED,
            Self::PayloadTooLarge { .. } => codes::PAYLOAD_TOO_LARGE,
            Self::BatchTooLarge { .. } => codes::BATCH_TOO_LARGE,
            Self::Headers { .. } => codes::HEADERS,
            Self::NoSuchPartition { .. } => codes::NO_SUCH_PARTITION,
            Self::PartitionsChanged { .. } => codes::PARTITIONS_CHANGED,
            Self::FloorsMismatch { .. } => codes::FLOORS_MISMATCH,
            Self::DiskFull { .. } => codes::DISK_FULL,
            Self::Foreign { .. } => codes::FOREIGN,
            Self::NewerFormat { .. } => codes::NEWER_FORMAT,
            Self::Corrupt { .. } => codes::CORRUPT,
            Self::InUse { .. } => codes::IN_USE,
            Self::Io { .. } => codes::IO,
            Self::Closed => codes::CLOSED,
            Self::Config { .. } => codes::CONFIG,
            Self::Unavailable { .. } => codes::UNAVAILABLE,
            Self::Refused { .. } => codes::REFUSED,
            Self::TopicUnfit { .. } => codes::TOPIC_UNFIT,
            Self::EngineMissing { .. } => codes::ENGINE_MISSING,
        }
    }
}

impl Diagnose for LogError {
    fn diagnosis(&self) -> Diagnosis {
        self.code().diagnosis(self.to_string())
    }
}

/// The log's codes.
pub mod codes {
    use super::Code;

    /// The whole table, in order; docs are made from it.
    pub const ALL: &[Code] = &[
        TRUNCATED,
        PAYLOAD_TOO_LARGE,
        BATCH_TOO_LARGE,
        NO_SUCH_PARTITION,
        PARTITIONS_CHANGED,
        FLOORS_MISMATCH,
        DISK_FULL,
        FOREIGN,
        NEWER_FORMAT,
        CORRUPT,
        IN_USE,
        IO,
        CLOSED,
        CONFIG,
        UNAVAILABLE,
        REFUSED,
        TOPIC_UNFIT,
        ENGINE_MISSING,
        HEADERS,
    ];

    /// Items already removed.
    pub const TRUNCATED: Code = Code {
        id: "MR-LOG-001",
        title: "items already removed",
        cause: "A consumer asked for items that retention has removed: it was stopped for longer than the log keeps items, or restored from an older backup.",
        remedy: "stop the server, run `millrace rebuild dataplane`, and raise log.retention_hours if this repeats",
    };
    /// Payload too large.
    pub const PAYLOAD_TOO_LARGE: Code = Code {
        id: "MR-LOG-002",
        title: "payload too large",
        cause: "One payload was larger than an entry may be.",
        remedy: "split what is appended into smaller entries",
    };
    /// Append too large.
    pub const BATCH_TOO_LARGE: Code = Code {
        id: "MR-LOG-003",
        title: "append too large",
        cause: "One call appended more bytes than the append queue holds, so that it could never be admitted.",
        remedy: "append in smaller batches, or raise log.queue_bytes_max",
    };
    /// No such partition.
    pub const NO_SUCH_PARTITION: Code = Code {
        id: "MR-LOG-004",
        title: "no such partition",
        cause: "A consumer asked for a partition that the topic does not have.",
        remedy: "ask for a partition below the number the topic was created with",
    };
    /// Number of partitions changed.
    pub const PARTITIONS_CHANGED: Code = Code {
        id: "MR-LOG-005",
        title: "number of partitions changed",
        cause: "The configuration gives a topic another number of partitions than the log was created with. The number decides which partition a key belongs to, so changing it would break the order of a key's items.",
        remedy: "set the number back; to change it, start a new log, in another folder or with another log.kafka.topic_prefix, and run `millrace rebuild dataplane`, which fetches every repository again",
    };
    /// Wrong number of floors.
    pub const FLOORS_MISMATCH: Code = Code {
        id: "MR-LOG-006",
        title: "wrong number of floors",
        cause: "Retention was asked for with more or fewer floors than the topic has partitions.",
        remedy: "give the lowest offset still needed of every partition",
    };
    /// No room left.
    pub const DISK_FULL: Code = Code {
        id: "MR-LOG-007",
        title: "no room left",
        cause: "The disk that holds the log is full, or what the log holds has reached log.disk_bytes_max. Nothing was lost: what did not fit was refused, and ingest waits.",
        remedy: "free space on the disk, raise log.disk_bytes_max, or lower log.retention_hours or log.retention_bytes_max; appends go on by themselves",
    };
    /// Not a Millrace log.
    pub const FOREIGN: Code = Code {
        id: "MR-LOG-008",
        title: "not a Millrace log",
        cause: "The file named log.db in the log's folder was not written by Millrace.",
        remedy: "move the file away, or point --data-dir or log.dir elsewhere",
    };
    /// Log of a newer version.
    pub const NEWER_FORMAT: Code = Code {
        id: "MR-LOG-009",
        title: "log of a newer version",
        cause: "A newer version of Millrace wrote the log; this one does not know its format.",
        remedy: "start the version that wrote it, or a newer one",
    };
    /// Log damaged.
    pub const CORRUPT: Code = Code {
        id: "MR-LOG-010",
        title: "log damaged",
        cause: "What the log's file holds contradicts itself, or the engine found it malformed. Usual reasons: a failing disk, a file copied while it was written, or changed by another program.",
        remedy: "check the disk; restore the data folder from a backup, or move log.db away and run `millrace rebuild dataplane`, which fetches every repository again",
    };
    /// Log in use.
    pub const IN_USE: Code = Code {
        id: "MR-LOG-011",
        title: "log in use",
        cause: "Another process holds the log's file locked.",
        remedy: "stop the other process; one server may use a data folder at a time",
    };
    /// Input or output failed.
    pub const IO: Code = Code {
        id: "MR-LOG-012",
        title: "input or output failed",
        cause: "The operating system refused to read or write the log's file.",
        remedy: "check the disk, the folder's owner and permissions, and the system's log",
    };
    /// Log closed.
    pub const CLOSED: Code = Code {
        id: "MR-LOG-013",
        title: "log closed",
        cause: "The log was used after it was closed, or its writer ended. At shutdown this is harmless.",
        remedy: "if it happens outside a shutdown, look for the error logged before it, and restart",
    };
    /// Setting of the log not accepted.
    pub const CONFIG: Code = Code {
        id: "MR-LOG-014",
        title: "setting of the log not accepted",
        cause: "A setting below log. is outside what can work.",
        remedy: "mend the setting named; `millrace config example` explains each",
    };
    /// Kafka does not answer.
    pub const UNAVAILABLE: Code = Code {
        id: "MR-LOG-015",
        title: "Kafka does not answer",
        cause: "No broker could be reached, or none that may take the append or answer the question, for as long as log.kafka.append_timeout_ms or log.kafka.request_timeout_ms allow. Nothing is lost: ingest tries again and reads no further meanwhile.",
        remedy: "check that the brokers run, that log.kafka.brokers names them, and that the addresses they advertise can be reached from here; with too few copies in sync, bring the other brokers back",
    };
    /// Kafka refuses.
    pub const REFUSED: Code = Code {
        id: "MR-LOG-016",
        title: "Kafka refuses",
        cause: "The cluster answered and said no: the name or password is wrong, a certificate is not trusted, this user may not use the topics, or the cluster cannot make a topic as asked.",
        remedy: "read what it says; the guide `kafka.md` lists the permissions that are needed and what the settings of the connection mean",
    };
    /// Topic cannot hold the log.
    pub const TOPIC_UNFIT: Code = Code {
        id: "MR-LOG-017",
        title: "topic cannot hold the log",
        cause: "A topic with the log's name is there, with settings under which entries would vanish before they are read.",
        remedy: "set cleanup.policy=delete on the topic, or choose another log.kafka.topic_prefix",
    };
    /// Engine not built in.
    pub const ENGINE_MISSING: Code = Code {
        id: "MR-LOG-018",
        title: "engine not built in",
        cause: "The configuration asks for an engine that this program was built without, to build faster.",
        remedy: "use a release build, or build with `cargo build --release -p millrace --features kafka-tls` (`kafka` is enough without TLS and SCRAM); or set log.engine to \"sqlite\" and unset KAFKA_BROKERS",
    };
    /// Headers over a bound.
    pub const HEADERS: Code = Code {
        id: "MR-LOG-019",
        title: "headers over a bound",
        cause: "An item was to be appended with more headers, or larger ones, than an item may have.",
        remedy: "this is a fault of the program: please report it with the message",
    };
}

#[cfg(test)]
mod tests {
    use super::codes;

    #[test]
    fn codes_are_numbered_without_gaps() {
        for (number, code) in (1..).zip(codes::ALL) {
            assert_eq!(code.id, format!("MR-LOG-{number:03}"));
            assert!(!code.cause.is_empty() && !code.remedy.is_empty(), "{}", code.id);
        }
    }
}
