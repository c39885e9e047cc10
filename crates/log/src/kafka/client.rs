//! The way to the cluster: our settings in librdkafka's words, and what librdkafka says while it works.
//!
//! Every client is made here, so that all of them go the same way: same brokers, same security, same time-outs.

use std::path::Path;
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::fault;
use crate::config::KafkaConfig;
use crate::{LogError, Topic};

/// Bytes that one reader may have fetched before they are asked for, beside one batch.
pub(super) const READ_AHEAD_BYTES: usize = 4 << 20;
/// What one question for items answers, as long as one batch is not larger.
const FETCH_BYTES: usize = 1 << 20;
/// How long a broker may wait with its answer when there is nothing to read. Reads begin where items are known
/// to be, so that this only bounds how long a reader that has reached the tail is held up.
const FETCH_WAIT: Duration = Duration::from_millis(10);
/// Pauses between attempts to reach a broker: the first, and the longest.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// Pauses between attempts to have a request answered: the first, and the longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// Complaints taken in to explain a failure.
pub(super) const COMPLAINTS_MAX: usize = 200;
/// Complaints taken in along the way, so that none pile up.
pub(super) const COMPLAINTS_STEP: usize = 4;

/// The cluster as configured.
pub(super) struct Cluster {
    config: KafkaConfig,
    topics: [String; Topic::ALL.len()],
}

impl Cluster {
    pub(super) fn new(config: &KafkaConfig) -> Self {
        Self { config: config.clone(), topics: Topic::ALL.map(|topic| config.topic_name(topic)) }
    }

    pub(super) const fn config(&self) -> &KafkaConfig {
        &self.config
    }

    /// A topic's name in the cluster.
    pub(super) fn topic(&self, topic: Topic) -> &str {
        &self.topics[topic.index()]
    }

    /// How an error names the cluster.
    pub(super) fn brokers(&self) -> String {
        self.config.brokers().to_owned()
    }

    /// How long a question may take.
    pub(super) const fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.config.request_timeout_ms)
    }

    pub(super) fn admin_options(&self) -> AdminOptions {
        let timeout = Some(self.request_timeout());
        AdminOptions::new().request_timeout(timeout).operation_timeout(timeout)
    }

    /// A client that asks where partitions begin and end.
    pub(super) fn asker(&self) -> Result<BaseConsumer<Voice>, LogError> {
        let mut client = self.client();
        client.set("allow.auto.create.topics", "false").set("isolation.level", "read_committed");
        self.create(&client, Voice::default())
    }

    /// A client that reads. It joins no group: the group's name is only where the count of bytes is kept.
    pub(super) fn consumer(&self) -> Result<BaseConsumer<Voice>, LogError> {
        let mut client = self.client();
        client
            .set("group.id", format!("{}millrace", self.config.topic_prefix))
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "error")
            .set("isolation.level", "read_committed")
            .set("allow.auto.create.topics", "false")
            .set("fetch.message.max.bytes", FETCH_BYTES.to_string())
            .set("fetch.wait.max.ms", FETCH_WAIT.as_millis().to_string())
            .set("fetch.error.backoff.ms", RETRY.0.as_millis().to_string())
            .set("queued.max.messages.kbytes", (READ_AHEAD_BYTES >> 10).to_string());
        self.create(&client, Voice::default())
    }

    /// A client that asks for changes of topics. Nobody listens to it, so it says nothing.
    pub(super) fn admin(&self) -> Result<AdminClient<Voice>, LogError> {
        let mut client = self.client();
        client.set_log_level(RDKafkaLogLevel::Emerg);
        self.create(&client, Voice::default())
    }

    pub(super) fn create<C: ClientContext, T: FromClientConfigAndContext<C>>(
        &self,
        client: &ClientConfig,
        context: C,
    ) -> Result<T, LogError> {
        client
            .create_with_context(context)
            .map_err(|error| fault::of(self, "making a client", &error, None))
    }

    /// What every client is told.
    pub(super) fn client(&self) -> ClientConfig {
        let config = &self.config;
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", config.brokers())
            .set("client.id", "millrace")
            .set("socket.keepalive.enable", "true")
            .set("socket.timeout.ms", config.request_timeout_ms.max(10_000).to_string())
            .set("reconnect.backoff.ms", RECONNECT.0.as_millis().to_string())
            .set("reconnect.backoff.max.ms", RECONNECT.1.as_millis().to_string())
            .set("retry.backoff.ms", RETRY.0.as_millis().to_string())
            .set("retry.backoff.max.ms", RETRY.1.as_millis().to_string())
            .set("security.protocol", config.security_protocol.name());
        if config.security_protocol.is_sasl() {
            client.set("sasl.mechanism", config.sasl_mechanism.name());
            client.set("sasl.username", config.sasl_username.as_deref().unwrap_or_default());
            let password = config.sasl_password.as_ref();
            client.set("sasl.password", password.map_or("", |password| password.expose()));
        }
        if let Some(path) = config.ca_file.as_deref().and_then(Path::to_str) {
            client.set("ssl.ca.location", path);
        }
        client
    }
}

/// What librdkafka says of its own accord. The last complaint explains a time-out that follows it.
#[derive(Default)]
pub(super) struct Voice {
    heard: Mutex<Heard>,
}

/// The last complaint: what kind it was, and in words.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard {
    pub(super) code: Option<RDKafkaErrorCode>,
    pub(super) words: Option<String>,
}

impl Voice {
    pub(super) fn heard(&self) -> Heard {
        self.heard.lock().clone()
    }

    pub(super) fn complain(&self, error: &KafkaError, words: &str) {
        tracing::debug!(target: "millrace_log::kafka", %error, words, "the cluster is in trouble");
        let mut heard = self.heard.lock();
        // A refusal says why the silence after it; that all are down says less than why one is.
        let code = error.rdkafka_error_code();
        let says_more = match heard.code {
            None => true,
            Some(known) if fault::is_refusal(known) => code.is_some_and(fault::is_refusal),
            Some(_) => code != Some(RDKafkaErrorCode::AllBrokersDown),
        };
        if says_more {
            heard.code = code;
            if !words.is_empty() {
                heard.words = Some(words.to_owned());
            }
        }
    }

    /// A line of librdkafka's own log. What fails is told by the call that fails: here it is for debugging.
    pub(super) fn say(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        tracing::debug!(target: "millrace_log::kafka", ?level, facility, "{line}");
        if matches!(level, RDKafkaLogLevel::Error) {
            // `[thrd:…]: ` is of no use to an operator.
            let words = line.split_once("]: ").map_or(line, |(_, words)| words);
            self.heard.lock().words = Some(words.to_owned());
        }
    }

    /// Takes in what waits to be heard by a client that is asked, but never read from. Nothing tells when that was
    /// all, so it looks `times` times.
    pub(super) fn listen(consumer: &BaseConsumer<Self>, times: usize) {
        for _ in 0..times {
            if let Some(Err(error)) = consumer.poll(Duration::ZERO) {
                consumer.context().complain(&error, "");
            }
        }
    }
}

impl ClientContext for Voice {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.say(level, facility, line);
    }

    fn error(&self, error: KafkaError, words: &str) {
        self.complain(&error, words);
    }
}

impl ConsumerContext for Voice {}
