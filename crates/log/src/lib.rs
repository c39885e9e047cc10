//! The durable log: whatever arrives is here, where no crash takes it back, before anything else is done with it.
//!
//! ```text
//!   append(topic, items)                                      read(topic, partition, from, bytes)
//!        │ key ─ murmur2 ─▶ partition                              ▲
//!        ▼                                                         │ one snapshot, or what a cursor fetched
//!   ┌─────────────┐ bytes ≤ queue_bytes_max     ┌─────────┐   ┌────┴────┐
//!   │ queue       │────────────────────────────▶│ writer  │   │ readers │  log.readers of them
//!   └─────────────┘ group ≤ group_bytes_max     └────┬────┘   └────┬────┘
//!        ▲ full: the producer waits                  │ one transaction, one fsync; or
//!        │                                           │ one batch a partition, acks=all
//!        │                                           ▼             │
//!   topic network.entries.v1, partition 0     ┌──────────────── engine ─────────────────┐
//!                                             │ … removed … │ 412 413 414 … 907 │       │
//!   offsets of one partition                  └─────────────┼───────────────────┼───────┘
//!                                                        oldest               tail = 908,
//!                                                     (first kept)        the next to be given
//! ```
//!
//! A **topic** is split into **partitions**, fixed in number when the log is created. A **key**
//! belongs to one partition for ever. Within a partition **offsets** count 0, 1, 2 …; one that was
//! given is never given again, whatever retention removed and however the process ended. Nothing
//! here knows what a payload means; `topics.rs` says what is written where.
//!
//! Two **engines** keep it. **SQLite**: a file `log.db`, for one process at a time, no server.
//! **Kafka**: topics of a cluster, for as many processes as like, and for foreign consumers; behind
//! the cargo feature `kafka`, because its client library is C that takes a while to compile.
//!
//! # Promises
//!
//! Each is a function of the suite in `tests/it/promises/`, which every engine runs whole.
//!
//! 1. *Durable on return.* When [`Log::append`] returns, the items survive a `kill -9` and, as far
//!    as the disk keeps its word about fsync, a loss of power. With Kafka every in-sync copy has
//!    them; how many those are, and what each does with its disk, is the cluster's configuration.
//! 2. *All or nothing.* Of one call's items in one partition either all are in the log or none.
//!    With SQLite that holds for the whole call; with Kafka for what fits one record batch
//!    (`log.kafka.batch_bytes_max`).
//! 3. *In order.* The items of one call keep their order within each partition, and a call that
//!    began after another of the same process returned comes after it.
//! 4. *Visible when durable.* A reader never sees an item that a crash could take back.
//! 5. *No lost wake-up.* [`Log::wait`] returns when the tail is beyond its offset, at whatever
//!    moment the append happens. What another process appended is noticed within a tenth of a
//!    second.
//! 6. *Removed from the front only*, never at or beyond the floor its caller gives, and a reader
//!    who comes too late is told so ([`LogError::Truncated`]), never shown a gap.
//!
//! An append whose caller went away, or that was answered with [`LogError::Closed`],
//! [`LogError::Io`] or [`LogError::Unavailable`], may be in the log; with Kafka, in some of its
//! partitions only. Duplicates are legal here; projections drop them.
//!
//! Why not transactions of Kafka's, which would make a call atomic over partitions? Each costs
//! round trips and an offset that holds no item, binds a producer to an identity that only one
//! process may have, and gives nothing that anybody here needs: what was not acknowledged is
//! appended again, and seen twice at worst. Topics that others write to with transactions are read:
//! what was committed, and over the offsets without items.
//!
//! # Bounds
//!
//! | what | bound | beyond it |
//! | --- | --- | --- |
//! | one payload | [`PAYLOAD_BYTES_MAX`], 2 MiB + 64 KiB | [`LogError::PayloadTooLarge`] |
//! | one item's headers | [`HEADERS_MAX`], 32, and [`HEADERS_BYTES_MAX`], 16 KiB | [`LogError::Headers`]; of somebody else's record, the rest is left out |
//! | one call's items | `log.queue_bytes_max` | [`LogError::BatchTooLarge`] |
//! | appends waiting to be durable | `log.queue_bytes_max`, 32 MiB | the producer waits, in order |
//! | appends made durable together | `log.group_bytes_max`, 4 MiB, or one call | the next group |
//! | one record batch (Kafka) | `log.kafka.batch_bytes_max`, 8 MiB | the next batch |
//! | time for a group (Kafka) | `log.kafka.append_timeout_ms`, 30 s | [`LogError::Unavailable`] |
//! | time for a question (Kafka) | `log.kafka.request_timeout_ms`, 10 s | [`LogError::Unavailable`] |
//! | one read's answer | [`READ_BYTES_MAX`], 16 MiB, but always one item | the rest at the next read |
//! | a reader's memory (Kafka) | its last answer, and 4 MiB fetched ahead | fetching waits |
//! | reads waiting for a thread | [`READS_WAITING_MAX`] | the reader waits |
//! | items removed in one step | [`RETAIN_ITEMS_STEP`] | appends go between the steps |
//! | partitions of a topic | [`PARTITIONS_MAX`] | [`LogError::Config`] |
//! | what is kept | `log.disk_bytes_max`, or the disk | [`LogError::DiskFull`] until there is room |
//!
//! Sizes count the payload, its headers and [`ITEM_FRAME_BYTES`] for what surrounds them.
//!
//! # Recovery
//!
//! There is no recovery step of our own. SQLite commits a group as a whole, so that after a crash
//! the log ends with the last group whose commit reached the disk; at [`Log::open`] each
//! partition's stored bounds are compared with the items really there, and a difference is
//! [`LogError::Corrupt`]: nothing is served or mended. A Kafka cluster recovers by itself. What
//! either lays out, and what an end leaves, stands in `sqlite/layout.rs` and `kafka/layout.rs`.
//!
//! # Where to start
//!
//! [`Log`] is a concrete type with an enum of engines inside: callers never see which one runs.
//! An append goes `lib.rs` → `sqlite/mod.rs` (admission) → `sqlite/writer.rs` (group commit); a
//! read goes `lib.rs` → `sqlite/mod.rs` → `sqlite/readers.rs`. With Kafka the same files of
//! `kafka/`, then `producer.rs` and `cursor.rs`.

mod topics;

mod config;
mod error;
mod headers;
mod hold;
mod metrics;

mod partition;
mod queue;
mod retention;
mod tails;

#[cfg(feature = "kafka")]
mod kafka;
mod sqlite;

pub mod backup;

use std::sync::Arc;

use bytes::Bytes;
use millrace_runtime::clock::SharedClock;
use millrace_runtime::metrics::Registry;

pub use config::{
    Compression, KafkaConfig, LogConfig, LogEngine, PARTITIONS_MAX, QUEUE_BYTES_LIMIT,
    QUEUE_BYTES_MIN, SaslMechanism, SecurityProtocol,
};
pub use error::{LogError, codes};
pub use headers::{HEADER_NAME_BYTES_MAX, HEADERS_BYTES_MAX, HEADERS_MAX, Header, Headers};
pub use hold::Hold;
pub use retention::{Removed, Retention};
pub use topics::Topic;

use hold::Holds;
#[cfg(feature = "kafka")]
use kafka::KafkaLog;
use sqlite::SqliteLog;

/// Largest payload: an entry's body of 2 MiB and room for its header.
pub const PAYLOAD_BYTES_MAX: usize = (2 << 20) + (64 << 10);
/// What an item costs beside its payload, in every bound and in the count of bytes kept.
pub const ITEM_FRAME_BYTES: usize = 32;
/// Most bytes one read answers, whatever its caller asks for.
pub const READ_BYTES_MAX: usize = 16 << 20;
/// Reads admitted and not yet answered; further ones wait.
pub const READS_WAITING_MAX: usize = 64;
/// Items that retention removes in one transaction.
pub const RETAIN_ITEMS_STEP: usize = 4_096;

/// What is appended: a payload, and the key that chooses its partition. Kafka keeps the key for its own
/// consumers; readers here do not get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Items of equal key keep their order.
    pub key: Vec<u8>,
    /// What readers get.
    pub payload: Bytes,
    /// What readers get beside it; most items have none.
    pub headers: Headers,
}

impl Append {
    /// An item to append, without headers.
    pub fn new(key: impl Into<Vec<u8>>, payload: impl Into<Bytes>) -> Self {
        Self { key: key.into(), payload: payload.into(), headers: Headers::NONE }
    }

    /// The same with these headers.
    #[must_use]
    pub fn with_headers(self, headers: Headers) -> Self {
        Self { headers, ..self }
    }

    /// What the item counts for in every bound.
    fn cost(&self) -> usize {
        cost(&self.payload, &self.headers)
    }
}

/// Where an item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Partition of the topic.
    pub partition: u32,
    /// Offset within the partition.
    pub offset: i64,
}

/// The answer to an append: durable, and here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Appended {
    /// One for each item, in the order given.
    pub offsets: Vec<Position>,
}

/// What is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Offset within the partition read.
    pub offset: i64,
    /// When it was made durable; with Kafka in whole milliseconds. Never less than the item's before it, even if the
    /// clock stepped back, as long as one process appends to the partition.
    pub appended_us: i64,
    /// As appended.
    pub payload: Bytes,
    /// As appended.
    pub headers: Headers,
}

#[cfg(feature = "kafka")]
impl Item {
    /// What the item counts for in every bound.
    fn cost(&self) -> usize {
        cost(&self.payload, &self.headers)
    }
}

fn cost(payload: &Bytes, headers: &Headers) -> usize {
    payload.len() + headers.bytes() + ITEM_FRAME_BYTES
}

/// The log. Cheap to clone; clones are the same log. When the last one is dropped the engine ends
/// as by [`Log::close`], waiting for the group being written.
#[derive(Clone)]
pub struct Log {
    engine: Engine,
    holds: Holds,
}

#[derive(Clone)]
enum Engine {
    Sqlite(Arc<SqliteLog>),
    #[cfg(feature = "kafka")]
    Kafka(Arc<KafkaLog>),
}

impl Log {
    /// Opens the log, creating it where there is none. Blocks; with Kafka for as long as
    /// `log.kafka.request_timeout_ms` lets each question take.
    ///
    /// # Errors
    /// What is there cannot be used: see [`LogError`]. Nothing of it was changed.
    pub fn open(
        config: &LogConfig,
        clock: SharedClock,
        registry: &Registry,
    ) -> Result<Self, LogError> {
        config.check()?;
        let engine = match config.engine {
            LogEngine::Sqlite => {
                Engine::Sqlite(Arc::new(SqliteLog::open(config, clock, registry)?))
            }
            #[cfg(feature = "kafka")]
            LogEngine::Kafka => Engine::Kafka(Arc::new(KafkaLog::open(config, clock, registry)?)),
            #[cfg(not(feature = "kafka"))]
            LogEngine::Kafka => {
                return Err(LogError::EngineMissing { engine: "kafka", feature: "kafka" });
            }
        };
        Ok(Self { engine, holds: Holds::default() })
    }

    /// Appends items; they are durable on return. Waits while the queue is full.
    ///
    /// # Errors
    /// A bound was broken, there is no room, or the log is closed. None of the items is in the log,
    /// except as [`LogError::Closed`] and [`LogError::Io`] say.
    pub async fn append(&self, topic: Topic, items: Vec<Append>) -> Result<Appended, LogError> {
        match &self.engine {
            Engine::Sqlite(log) => log.append(topic, items).await,
            #[cfg(feature = "kafka")]
            Engine::Kafka(log) => log.append(topic, items).await,
        }
    }

    /// Reads items from offset `from` on, in order and without leaving one out, while they fit into
    /// `bytes_max`; the first one is given even if it does not. Empty at the tail and beyond it.
    /// Offsets follow each other, unless somebody else writes to a Kafka topic with transactions.
    ///
    /// # Errors
    /// [`LogError::Truncated`] when `from` was removed by retention.
    pub async fn read(
        &self,
        topic: Topic,
        partition: u32,
        from: i64,
        bytes_max: usize,
    ) -> Result<Vec<Item>, LogError> {
        match &self.engine {
            Engine::Sqlite(log) => log.read(topic, partition, from, bytes_max).await,
            #[cfg(feature = "kafka")]
            Engine::Kafka(log) => log.read(topic, partition, from, bytes_max).await,
        }
    }

    /// Returns once the tail is beyond `from`, that is, once an item stands at `from` or after it.
    ///
    /// # Errors
    /// The log was closed, before or meanwhile.
    pub async fn wait(&self, topic: Topic, partition: u32, from: i64) -> Result<(), LogError> {
        match &self.engine {
            Engine::Sqlite(log) => log.tails().wait(topic, partition, from).await,
            #[cfg(feature = "kafka")]
            Engine::Kafka(log) => log.wait(topic, partition, from).await,
        }
    }

    /// The offset that the partition's next item will have. Kafka is asked for it.
    ///
    /// # Errors
    /// No such partition, the log is closed, or the cluster does not answer.
    pub async fn tail(&self, topic: Topic, partition: u32) -> Result<i64, LogError> {
        match &self.engine {
            Engine::Sqlite(log) => log.tails().tail(topic, partition),
            #[cfg(feature = "kafka")]
            Engine::Kafka(log) => log.tail(topic, partition).await,
        }
    }

    /// The first offset still there; equal to the tail when there is none. Kafka is asked for it.
    ///
    /// # Errors
    /// No such partition, the log is closed, or the cluster does not answer.
    pub async fn oldest(&self, topic: Topic, partition: u32) -> Result<i64, LogError> {
        match &self.engine {
            Engine::Sqlite(log) => log.tails().oldest(topic, partition),
            #[cfg(feature = "kafka")]
            Engine::Kafka(log) => log.oldest(topic, partition).await,
        }
    }

    /// Keeps retention of this process from what `topic` has at `offsets` and beyond, one for each partition, until
    /// the hold is dropped.
    ///
    /// # Errors
    /// [`LogError::FloorsMismatch`] when there are not as many offsets as partitions.
    pub fn hold(&self, topic: Topic, offsets: Vec<i64>) -> Result<Hold, LogError> {
        retention::check_floors(topic, &offsets, self.partitions(topic))?;
        Ok(self.holds.add(topic, offsets))
    }

    /// Removes what may be removed and nobody holds, in steps between which appends go on.
    ///
    /// # Errors
    /// Steps done before the error stay done.
    pub async fn retain(&self, topic: Topic, retention: &Retention) -> Result<Removed, LogError> {
        let retention = self.holds.bound(topic, retention);
        match &self.engine {
            Engine::Sqlite(log) => log.retain(topic, &retention).await,
            #[cfg(feature = "kafka")]
            Engine::Kafka(log) => log.retain(topic, &retention).await,
        }
    }

    /// What keeps the log, for people.
    #[must_use]
    pub fn engine_name(&self) -> &'static str {
        match &self.engine {
            Engine::Sqlite(_) => "SQLite",
            #[cfg(feature = "kafka")]
            Engine::Kafka(_) => "Kafka",
        }
    }

    /// Number of partitions of a topic.
    #[must_use]
    pub fn partitions(&self, topic: Topic) -> u32 {
        match &self.engine {
            Engine::Sqlite(log) => log.tails().partitions(topic),
            #[cfg(feature = "kafka")]
            Engine::Kafka(log) => log.tails().partitions(topic),
        }
    }

    /// The partition to which items of this key go.
    #[must_use]
    pub fn partition_of(&self, topic: Topic, key: &[u8]) -> u32 {
        partition::of_key(key, self.partitions(topic))
    }

    /// Finishes the appends already admitted, then ends the engine. Every later call on any clone
    /// is answered with [`LogError::Closed`], and so are the calls that wait.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite(log) => log.close().await,
            #[cfg(feature = "kafka")]
            Engine::Kafka(log) => log.close().await,
        }
    }
}
