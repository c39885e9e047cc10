//! Hands a group of records to the cluster, at once, and learns what became of each.
//!
//! What must stay true: the records of one partition become one batch, as long as it is not larger than
//! `log.kafka.batch_bytes_max`, because a batch is what Kafka takes whole or not at all. librdkafka sends when
//! records have lingered or when it is flushed; so they linger longer than they live, and every group is flushed.

use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};

use super::client::{Cluster, Voice};
use super::{fault, headers};
use crate::{Headers, LogError, Topic};

/// Longest time one call of librdkafka's flush blocks.
const FLUSH: Duration = Duration::from_secs(1);
/// How much longer than an append may take the cluster's word about it is waited for.
const GRACE: Duration = Duration::from_secs(5);

/// What a record costs on the wire at most, beside its key, payload and headers.
pub(super) const RECORD_FRAME_BYTES: usize = 64;

/// One item on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) topic: Topic,
    pub(super) partition: u32,
    pub(super) key: &'a [u8],
    pub(super) payload: &'a [u8],
    pub(super) headers: &'a Headers,
    pub(super) appended_ms: i64,
}

/// The record's offset, or why it has none.
pub(super) type Outcome = Result<i64, Code>;

pub(super) struct Producer {
    native: ThreadedProducer<Deliveries>,
    append_timeout: Duration,
}

/// What became of the records of the group under way.
#[derive(Default)]
struct Deliveries {
    voice: Voice,
    outcomes: Mutex<Vec<(usize, Outcome)>>,
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.voice.say(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.voice.complain(&error, reason);
    }
}

impl ProducerContext for Deliveries {
    /// The record's place in its group.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, place: usize) {
        let outcome = match result {
            // Taken before, the cluster no longer knows where: durable, but nobody can say at which offset.
            Ok(message) if message.offset() < 0 => Err(Code::DuplicateSequenceNumber),
            Ok(message) => Ok(message.offset()),
            Err((error, _)) => Err(error.rdkafka_error_code().unwrap_or(Code::Fail)),
        };
        self.outcomes.lock().push((place, outcome));
    }
}

impl Producer {
    pub(super) fn new(cluster: &Cluster) -> Result<Self, LogError> {
        let config = cluster.config();
        let append_timeout = Duration::from_millis(config.append_timeout_ms);
        let batch_bytes_max = config.batch_bytes_max.to_string();
        let mut client = cluster.client();
        client
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("compression.type", config.compression.name())
            .set("message.timeout.ms", config.append_timeout_ms.to_string())
            .set("linger.ms", (config.append_timeout_ms - 1).to_string())
            .set("batch.size", &batch_bytes_max)
            .set("message.max.bytes", &batch_bytes_max)
            .set("batch.num.messages", "1000000")
            // The log's queue bounds both, in bytes.
            .set("queue.buffering.max.messages", "0")
            .set("queue.buffering.max.kbytes", i32::MAX.to_string());
        let native: ThreadedProducer<Deliveries> =
            cluster.create(&client, Deliveries::default())?;
        for topic in Topic::ALL {
            // A record whose partition is not known yet would miss its batch.
            let name = cluster.topic(topic);
            let known = native.client().fetch_metadata(Some(name), cluster.request_timeout());
            known.map_err(|error| {
                let doing = format!("asking for topic {name}");
                fault::of(cluster, &doing, &error, Some(&native.context().voice))
            })?;
        }
        Ok(Self { native, append_timeout })
    }

    /// Sends records and waits until the cluster has taken or refused each, or their time is up. The second
    /// answer is whether the producer can be used again.
    pub(super) fn deliver(
        &self,
        cluster: &Cluster,
        records: &[Record<'_>],
    ) -> (Vec<Outcome>, bool) {
        let mut outcomes: Vec<Outcome> = vec![Err(Code::MessageTimedOut); records.len()];
        for (place, record) in records.iter().enumerate() {
            if let Err((error, _)) = self.native.send(to_send(cluster, record, place)) {
                outcomes[place] = Err(error.rdkafka_error_code().unwrap_or(Code::Fail));
            }
        }
        millrace_runtime::crash::point("log.append.before_commit");
        let done = self.flush();
        for (place, outcome) in self.native.context().outcomes.lock().drain(..) {
            outcomes[place] = outcome;
        }
        let fatal = self.native.client().fatal_error();
        if let Some((code, reason)) = &fatal {
            tracing::warn!(%code, reason, "the producer lost its place and begins anew");
        }
        (outcomes, done && fatal.is_none())
    }

    /// What the cluster complained of last, in words.
    pub(super) fn heard(&self) -> Option<String> {
        self.native.context().voice.heard().words
    }

    /// Sends what lingers; returns when nothing is under way any more. False: something still is.
    fn flush(&self) -> bool {
        let calls = (self.append_timeout + GRACE).as_secs().div_ceil(FLUSH.as_secs());
        (0..calls).any(|_| {
            // rdkafka's own flush returns to its poll at once, and then the records go on lingering.
            #[expect(
                unsafe_code,
                reason = "librdkafka's flush, which the crate does not offer as it is"
            )]
            // SAFETY: the client lives as long as `self.native`, and may be flushed from any thread.
            let code = unsafe {
                rdkafka::bindings::rd_kafka_flush(
                    self.native.client().native_ptr(),
                    i32::try_from(FLUSH.as_millis()).unwrap_or(i32::MAX),
                )
            };
            code == rdkafka::types::RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR
        })
    }
}

fn to_send<'a>(
    cluster: &'a Cluster,
    record: &Record<'a>,
    place: usize,
) -> BaseRecord<'a, [u8], [u8], usize> {
    let to_send = BaseRecord::with_opaque_to(cluster.topic(record.topic), place)
        .partition(record.partition.cast_signed())
        .key(record.key)
        .payload(record.payload)
        .timestamp(record.appended_ms);
    match record.headers.is_empty() {
        true => to_send,
        false => to_send.headers(headers::to_send(record.headers)),
    }
}
