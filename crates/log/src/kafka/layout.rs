//! The topics of the Kafka engine: what is in the cluster, how it is opened, and what an end leaves.
//!
//! ```text
//! topic <log.kafka.topic_prefix>network.entries.v1, partitions as configured when it is created
//! ┌───────────────────────────────────────────────────────────────────────────────────────────┐
//! │ partition 0   log start offset = oldest                              high watermark = tail │
//! │               ┌──────────── record batch ───────────┐┌───────────── record batch ────────┐│
//! │   (deleted)   │ 412  413  414 …                     ││ 871  …                        907 ││ 908
//! │               └─────────────────────────────────────┘└───────────────────────────────────┘│
//! │               record: key = the item's key · value = its payload · timestamp = appended, ms │
//! └───────────────────────────────────────────────────────────────────────────────────────────┘
//! group <log.kafka.topic_prefix>millrace: no members; per partition one committed offset, up to which
//!       bytes were counted, with the count as its metadata (`ledger.rs`)
//! ```
//!
//! **Settings of a topic made here.** `cleanup.policy=delete`, `retention.ms=-1` and `retention.bytes=-1`: Kafka
//! removes nothing by itself, so that nothing goes that a consumer has yet to read; `Log::retain` deletes records
//! from the front instead. `max.message.bytes` = `log.kafka.batch_bytes_max`. A topic that was there before is
//! taken as it is, unless it is compacted or has another number of partitions.
//!
//! **Limits.** Times are whole milliseconds. Offsets have gaps where somebody else wrote with transactions.

use std::sync::Arc;
use std::time::Duration;

use futures_executor::block_on;
use parking_lot::Mutex;
use rdkafka::admin::{AdminClient, ConfigEntry, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaResult, RDKafkaErrorCode};

use super::client::{COMPLAINTS_MAX, COMPLAINTS_STEP, Cluster, Voice};
use super::fault;
use crate::tails::Bounds;
use crate::{LogConfig, LogError, Topic};

/// How often a topic just made is looked for, within the time that a question may take.
const LOOKS: u32 = 50;

/// Pauses before a question is asked again that went to the wrong broker: a new leader is not known at once.
const OUTDATED_PAUSES_MS: [u64; 5] = [0, 100, 200, 400, 800];

/// Where partitions begin and end, asked of the cluster.
pub(super) struct Asker {
    cluster: Arc<Cluster>,
    consumer: BaseConsumer<Voice>,
}

/// Opens the topics, creating those that are missing once the others were found fit.
pub(super) fn open(
    cluster: &Arc<Cluster>,
    admin: &AdminClient<Voice>,
    config: &LogConfig,
) -> Result<Asker, LogError> {
    let asker = Asker { cluster: Arc::clone(cluster), consumer: cluster.asker()? };
    let mut missing = Vec::new();
    for topic in Topic::ALL {
        let configured = config.partitions(topic);
        match asker.partitions(topic)? {
            Some(stored) if stored != configured => {
                return Err(LogError::PartitionsChanged { topic, stored, configured });
            }
            Some(_) => check_settings(cluster, admin, topic)?,
            None => missing.push(topic),
        }
    }
    for topic in missing {
        create(cluster, admin, topic, config.partitions(topic))?;
        asker.await_partitions(topic, config.partitions(topic))?;
    }
    Ok(asker)
}

impl Asker {
    /// Number of partitions of a topic, if it is there.
    fn partitions(&self, topic: Topic) -> Result<Option<u32>, LogError> {
        let name = self.cluster.topic(topic);
        let doing = || format!("asking for topic {name}");
        let fault = |error| {
            Voice::listen(&self.consumer, COMPLAINTS_MAX);
            fault::of(&self.cluster, &doing(), &error, Some(self.consumer.context()))
        };
        let metadata = self
            .consumer
            .fetch_metadata(Some(name), self.cluster.request_timeout())
            .map_err(fault)?;
        let Some(found) = metadata.topics().iter().find(|found| found.name() == name) else {
            return Ok(None);
        };
        if let Some(error) = found.error() {
            let code = RDKafkaErrorCode::from(error);
            if fault::is_missing(code) {
                return Ok(None);
            }
            return Err(fault::of_code(&self.cluster, &doing(), code, None));
        }
        let led = found.partitions().iter().all(|partition| partition.error().is_none());
        if !led {
            let detail = format!("{}: a partition has no leader", doing());
            return Err(fault::unavailable(&self.cluster, detail));
        }
        Ok(Some(found.partitions().len())
            .filter(|count| *count > 0)
            .and_then(|n| n.try_into().ok()))
    }

    /// A topic just made is not known to every broker at once.
    fn await_partitions(&self, topic: Topic, configured: u32) -> Result<(), LogError> {
        let pause = self.cluster.request_timeout() / LOOKS;
        let mut last = None;
        for _ in 0..LOOKS {
            match self.partitions(topic) {
                Ok(Some(stored)) if stored == configured => return Ok(()),
                Ok(_) => {}
                Err(error) if error.is_transient() => last = Some(error),
                Err(error) => return Err(error),
            }
            std::thread::park_timeout(pause);
        }
        Err(last.unwrap_or_else(|| {
            let name = self.cluster.topic(topic);
            fault::unavailable(&self.cluster, format!("topic {name} was made but is not shown"))
        }))
    }

    /// Where a partition begins and ends. Blocks for as long as a question may take.
    pub(super) fn bounds(&self, topic: Topic, partition: u32) -> Result<Bounds, LogError> {
        let name = self.cluster.topic(topic);
        let mut answer = self.ask(name, partition);
        for pause_ms in OUTDATED_PAUSES_MS {
            match &answer {
                Err(error) if error.rdkafka_error_code().is_some_and(fault::is_outdated) => {
                    std::thread::park_timeout(Duration::from_millis(pause_ms));
                    answer = self.ask_afresh(name, partition);
                }
                _ => break,
            }
        }
        self.listen();
        let (oldest, next) = answer.map_err(|error| {
            let doing = format!("asking where {name} partition {partition} ends");
            fault::of(&self.cluster, &doing, &error, None)
        })?;
        Ok(Bounds { oldest, next })
    }

    fn ask(&self, name: &str, partition: u32) -> KafkaResult<(i64, i64)> {
        let timeout = self.cluster.request_timeout();
        self.consumer.fetch_watermarks(name, partition.cast_signed(), timeout)
    }

    /// A client may have forgotten the topic, or know its last leader, or saw it before it was whole.
    fn ask_afresh(&self, name: &str, partition: u32) -> KafkaResult<(i64, i64)> {
        self.consumer.fetch_metadata(Some(name), self.cluster.request_timeout())?;
        self.ask(name, partition)
    }

    /// Takes in what the cluster says meanwhile.
    pub(super) fn listen(&self) {
        Voice::listen(&self.consumer, COMPLAINTS_STEP);
    }
}

fn create(
    cluster: &Cluster,
    admin: &AdminClient<Voice>,
    topic: Topic,
    partitions: u32,
) -> Result<(), LogError> {
    let name = cluster.topic(topic);
    let config = cluster.config();
    let batch_bytes_max = config.batch_bytes_max.to_string();
    let min_insync_replicas = config.min_insync_replicas.map(|count| count.to_string());
    let copies = config.replication_factor.map_or(-1, i32::from);
    let mut new = NewTopic::new(name, partitions.cast_signed(), TopicReplication::Fixed(copies))
        .set("cleanup.policy", "delete")
        .set("retention.ms", "-1")
        .set("retention.bytes", "-1")
        .set("message.timestamp.type", "CreateTime")
        .set("max.message.bytes", &batch_bytes_max);
    if let Some(count) = &min_insync_replicas {
        new = new.set("min.insync.replicas", count);
    }
    let doing = format!("making topic {name}");
    let answers = block_on(admin.create_topics([&new], &cluster.admin_options()))
        .map_err(|error| fault::of(cluster, &doing, &error, None))?;
    for answer in answers {
        match answer {
            // Another process was quicker.
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((_, code)) => return Err(fault::of_code(cluster, &doing, code, None)),
        }
    }
    tracing::info!(topic = name, partitions, "topic made");
    Ok(())
}

/// Whether a topic that is there would lose entries; a word where it may.
fn check_settings(
    cluster: &Cluster,
    admin: &AdminClient<Voice>,
    topic: Topic,
) -> Result<(), LogError> {
    let name = cluster.topic(topic);
    let described = block_on(
        admin.describe_configs([&ResourceSpecifier::Topic(name)], &cluster.admin_options()),
    );
    let entries = match described.map(|resources| resources.into_iter().next()) {
        Ok(Some(Ok(resource))) => resource.entries,
        other => {
            let reason = other.err().map(|error| error.to_string());
            tracing::warn!(topic = name, ?reason, "the topic's settings cannot be looked at");
            return Ok(());
        }
    };
    let unfit = judge(&entries, cluster.config().batch_bytes_max);
    for warning in unfit.warnings {
        tracing::warn!(topic = name, "{warning}");
    }
    match unfit.refusal {
        Some(detail) => Err(LogError::TopicUnfit { topic: name.to_owned(), detail }),
        None => Ok(()),
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Unfit {
    refusal: Option<String>,
    warnings: Vec<String>,
}

fn judge(entries: &[ConfigEntry], batch_bytes_max: usize) -> Unfit {
    let mut unfit = Unfit::default();
    for entry in entries {
        let value = entry.value.as_deref().unwrap_or_default();
        match entry.name.as_str() {
            "cleanup.policy" if value.contains("compact") => {
                unfit.refusal = Some(format!(
                    "cleanup.policy is {value:?}: of one account's entries only the last would stay"
                ));
            }
            name @ ("retention.ms" | "retention.bytes") if !value.is_empty() && value != "-1" => {
                unfit.warnings.push(format!(
                    "{name} is {value}: Kafka may remove entries that a consumer has yet to read"
                ));
            }
            "max.message.bytes" if value.parse().is_ok_and(|max: usize| max < batch_bytes_max) => {
                unfit.warnings.push(format!(
                    "max.message.bytes is {value}: batches up to log.kafka.batch_bytes_max, \
                     {batch_bytes_max}, may be refused"
                ));
            }
            _ => {}
        }
    }
    unfit
}

/// Runs questions on threads where they may block, a bounded number at a time.
pub(super) struct Questions {
    asker: Mutex<Option<Arc<Asker>>>,
    places: tokio::sync::Semaphore,
}

impl Questions {
    pub(super) fn new(asker: Asker) -> Self {
        Self {
            asker: Mutex::new(Some(Arc::new(asker))),
            places: tokio::sync::Semaphore::new(crate::READS_WAITING_MAX),
        }
    }

    /// Where a partition begins and ends.
    pub(super) async fn bounds(&self, topic: Topic, partition: u32) -> Result<Bounds, LogError> {
        let _place = self.places.acquire().await.map_err(|_| LogError::Closed)?;
        let asker = self.asker().ok_or(LogError::Closed)?;
        let answer = tokio::task::spawn_blocking(move || asker.bounds(topic, partition));
        answer.await.map_err(|_| LogError::Closed)?
    }

    /// For threads that may block; none once closed.
    pub(super) fn asker(&self) -> Option<Arc<Asker>> {
        self.asker.lock().clone()
    }

    pub(super) fn close(&self) {
        self.places.close();
        drop(self.asker.lock().take());
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::admin::{ConfigEntry, ConfigSource};

    use super::{Unfit, judge};

    #[test]
    fn a_topic_that_would_lose_entries_is_refused_or_told() {
        let check = |name: &str, value: &str, refused: bool, warnings: usize| {
            let entry = ConfigEntry {
                name: name.to_owned(),
                value: Some(value.to_owned()),
                source: ConfigSource::Default,
                is_read_only: false,
                is_default: true,
                is_sensitive: false,
            };
            let Unfit { refusal, warnings: told } = judge(&[entry], 8 << 20);
            assert_eq!((refusal.is_some(), told.len()), (refused, warnings), "{name}={value}");
        };
        check("cleanup.policy", "delete", false, 0);
        check("cleanup.policy", "compact", true, 0);
        check("cleanup.policy", "compact,delete", true, 0);
        check("retention.ms", "-1", false, 0);
        check("retention.ms", "604800000", false, 1);
        check("retention.bytes", "1073741824", false, 1);
        check("max.message.bytes", "1048588", false, 1);
        check("max.message.bytes", "8388608", false, 0);
        check("segment.bytes", "1", false, 0);
    }
}
