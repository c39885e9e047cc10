//! Where Kafka is, how it is spoken to, and what the topics created there are like.
//!
//! These settings exist in every build, so that one file serves all; what a build cannot do is refused by
//! [`KafkaConfig::check`], never ignored.

use std::path::PathBuf;

use millrace_runtime::config::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{LogError, PAYLOAD_BYTES_MAX, Topic};

/// Smallest `batch_bytes_max`: one payload of the greatest size, its key and its frame.
pub const BATCH_BYTES_MIN: usize = PAYLOAD_BYTES_MAX + (64 << 10);
/// Greatest `batch_bytes_max`: 64 MiB. Brokers take requests of 100 MiB.
pub const BATCH_BYTES_LIMIT: usize = 64 << 20;
/// Shortest and longest time-out.
pub const TIMEOUT_MS: std::ops::RangeInclusive<u64> = 1_000..=600_000;
/// Longest name of a topic that Kafka takes.
const TOPIC_NAME_BYTES_MAX: usize = 249;

/// The Kafka cluster that keeps the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KafkaConfig {
    /// Brokers to ask first, `host:port` separated by commas; they name the others. Naming them implies `log.engine = "kafka"`, unless an engine is named too.
    pub brokers: Option<String>,
    /// Stands before every topic's name, so that several logs can share a cluster: letters, digits, `.`, `_` and `-`.
    pub topic_prefix: String,
    /// Copies of a topic that is created. Unset: the cluster's default. Durability is theirs: 3, with `min_insync_replicas` 2, survives the loss of a broker.
    pub replication_factor: Option<u16>,
    /// Copies that must have an append before it is answered, for a topic that is created. Unset: the cluster's default.
    pub min_insync_replicas: Option<u16>,
    /// How batches are compressed.
    pub compression: Compression,
    /// Bytes of one record batch, before compression; also `max.message.bytes` of a topic that is created. What one call appends to a partition is atomic up to this size.
    pub batch_bytes_max: usize,
    /// How long an append is tried while the cluster does not take it, in milliseconds. Then its caller is told, and may try again.
    pub append_timeout_ms: u64,
    /// How long any other question to the cluster may take, in milliseconds.
    pub request_timeout_ms: u64,
    /// How brokers are spoken to. `ssl` and `sasl_ssl` need a build with the feature `kafka-tls`.
    pub security_protocol: SecurityProtocol,
    /// How the name and password are shown. The SCRAM mechanisms need a build with the feature `kafka-tls`.
    pub sasl_mechanism: SaslMechanism,
    /// Name for SASL.
    pub sasl_username: Option<String>,
    /// Password for SASL.
    pub sasl_password: Option<Secret>,
    /// File of the certificates (PEM) that brokers' certificates must lead to. Unset: the system's.
    pub ca_file: Option<PathBuf>,
}

/// How batches are compressed; the brokers keep them so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    None,
    Gzip,
    Snappy,
    #[default]
    Lz4,
}

/// How brokers are spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecurityProtocol {
    #[default]
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

/// How a name and password are shown to a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum SaslMechanism {
    #[default]
    #[serde(rename = "PLAIN")]
    Plain,
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self {
            brokers: None,
            topic_prefix: String::new(),
            replication_factor: None,
            min_insync_replicas: None,
            compression: Compression::default(),
            batch_bytes_max: 8 << 20,
            append_timeout_ms: 30_000,
            request_timeout_ms: 10_000,
            security_protocol: SecurityProtocol::default(),
            sasl_mechanism: SaslMechanism::default(),
            sasl_username: None,
            sasl_password: None,
            ca_file: None,
        }
    }
}

impl Compression {
    /// As Kafka calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
        }
    }
}

impl SecurityProtocol {
    /// As Kafka calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        }
    }

    /// Whether the wire is encrypted.
    #[must_use]
    pub const fn is_tls(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }

    /// Whether a name and password are shown.
    #[must_use]
    pub const fn is_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

impl SaslMechanism {
    /// As Kafka calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl KafkaConfig {
    /// The brokers; empty when none were named.
    #[must_use]
    pub fn brokers(&self) -> &str {
        self.brokers.as_deref().unwrap_or_default()
    }

    /// A topic's name in the cluster.
    #[must_use]
    pub fn topic_name(&self, topic: Topic) -> String {
        format!("{}{topic}", self.topic_prefix)
    }

    /// Whether this build can do it, and the values make sense and fit each other.
    ///
    /// # Errors
    /// [`LogError::EngineMissing`], or [`LogError::Config`] naming the first key that does not.
    pub fn check(&self) -> Result<(), LogError> {
        if cfg!(not(feature = "kafka")) {
            return Err(LogError::EngineMissing { engine: "kafka", feature: "kafka" });
        }
        self.check_brokers()?;
        self.check_topics()?;
        self.check_bounds()?;
        self.check_security()
    }

    fn check_brokers(&self) -> Result<(), LogError> {
        let key = "kafka.brokers";
        let Some(brokers) = &self.brokers else {
            return refuse(key, "must name a broker, such as \"localhost:9092\"");
        };
        match brokers.split(',').find(|broker| !is_address(broker.trim())) {
            Some(broker) => refuse(key, &format!("must be host:port, not {broker:?}")),
            None => Ok(()),
        }
    }

    fn check_topics(&self) -> Result<(), LogError> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let longest = Topic::ALL.map(|topic| topic.name().len()).into_iter().max().unwrap_or(0);
        if !self.topic_prefix.chars().all(is_name) {
            return refuse("kafka.topic_prefix", "may have letters, digits, '.', '_' and '-' only");
        }
        if self.topic_prefix.len() + longest > TOPIC_NAME_BYTES_MAX {
            return refuse("kafka.topic_prefix", "makes names longer than Kafka takes");
        }
        let copies = |n: u16| (1..=1_000).contains(&n);
        if !self.replication_factor.is_none_or(copies) {
            return refuse("kafka.replication_factor", "must be 1 to 1000");
        }
        let all = self.replication_factor.unwrap_or(u16::MAX);
        if !self.min_insync_replicas.is_none_or(|n| copies(n) && n <= all) {
            return refuse(
                "kafka.min_insync_replicas",
                "must be at least 1 and at most replication_factor",
            );
        }
        Ok(())
    }

    fn check_bounds(&self) -> Result<(), LogError> {
        if !(BATCH_BYTES_MIN..=BATCH_BYTES_LIMIT).contains(&self.batch_bytes_max) {
            let detail = format!("must be {BATCH_BYTES_MIN} to {BATCH_BYTES_LIMIT}");
            return refuse("kafka.batch_bytes_max", &detail);
        }
        for (key, value) in [
            ("kafka.append_timeout_ms", self.append_timeout_ms),
            ("kafka.request_timeout_ms", self.request_timeout_ms),
        ] {
            if !TIMEOUT_MS.contains(&value) {
                let (min, max) = (TIMEOUT_MS.start(), TIMEOUT_MS.end());
                return refuse(key, &format!("must be {min} to {max}"));
            }
        }
        Ok(())
    }

    fn check_security(&self) -> Result<(), LogError> {
        let protocol = self.security_protocol;
        let scram = protocol.is_sasl() && self.sasl_mechanism != SaslMechanism::Plain;
        if cfg!(not(feature = "kafka-tls")) && (protocol.is_tls() || scram) {
            return Err(LogError::EngineMissing {
                engine: "kafka with TLS or SCRAM",
                feature: "kafka-tls",
            });
        }
        let given = |text: Option<&str>| text.is_some_and(|text| !text.is_empty());
        let user = given(self.sasl_username.as_deref());
        let password = given(self.sasl_password.as_ref().map(Secret::expose));
        if protocol.is_sasl() && !user {
            return refuse("kafka.sasl_username", "is needed for SASL");
        }
        if protocol.is_sasl() && !password {
            return refuse("kafka.sasl_password", "is needed for SASL");
        }
        if !protocol.is_sasl() && (user || password) {
            return refuse(
                "kafka.security_protocol",
                "must be sasl_plaintext or sasl_ssl for the name and password to be shown",
            );
        }
        match &self.ca_file {
            Some(_) if !protocol.is_tls() => refuse("kafka.ca_file", "is for ssl and sasl_ssl"),
            Some(path) if !path.is_file() => {
                refuse("kafka.ca_file", &format!("{} is not there", path.display()))
            }
            _ => Ok(()),
        }
    }
}

fn refuse(key: &'static str, detail: &str) -> Result<(), LogError> {
    Err(LogError::Config { key, detail: detail.to_owned() })
}

/// `host:port`, an IPv6 host in brackets.
fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let bare = match host.strip_prefix('[') {
        Some(rest) => {
            rest.strip_suffix(']').filter(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok())
        }
        None => Some(host)
            .filter(|host| host.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))),
    };
    bare.is_some_and(|host| !host.is_empty()) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_host_and_a_port() {
        let check = |text: &str, expected: bool| assert_eq!(is_address(text), expected, "{text}");
        check("localhost:9092", true);
        check("10.0.0.1:1", true);
        check("kafka-1.example.org:65535", true);
        check("[::1]:9092", true);
        check("localhost", false);
        check("localhost:", false);
        check("localhost:0", false);
        check("localhost:65536", false);
        check(":9092", false);
        check("kafka://localhost:9092", false);
        check("::1:9092", false);
        check("[x]:9092", false);
        check("a b:1", false);
        check("", false);
    }

    #[cfg(not(feature = "kafka"))]
    #[test]
    fn a_build_without_it_says_so() {
        let refusal = KafkaConfig::default().check().expect_err("not built");
        assert_eq!(refusal, LogError::EngineMissing { engine: "kafka", feature: "kafka" });
    }

    #[cfg(feature = "kafka")]
    #[test]
    fn what_cannot_work_is_named() {
        let check = |change: fn(&mut KafkaConfig), expected: &str| {
            let mut config =
                KafkaConfig { brokers: Some("a:1, b:2".into()), ..KafkaConfig::default() };
            change(&mut config);
            match config.check() {
                Ok(()) => assert_eq!(expected, ""),
                Err(LogError::Config { key, .. }) => assert_eq!(key, expected),
                Err(LogError::EngineMissing { feature, .. }) => assert_eq!(feature, expected),
                other => panic!("{expected}: {other:?}"),
            }
        };
        check(|_| (), "");
        check(|c| c.brokers = None, "kafka.brokers");
        check(|c| c.brokers = Some("a:1,".into()), "kafka.brokers");
        check(|c| c.topic_prefix = "a b".into(), "kafka.topic_prefix");
        check(|c| c.topic_prefix = "x".repeat(240), "kafka.topic_prefix");
        check(|c| c.replication_factor = Some(0), "kafka.replication_factor");
        check(
            |c| (c.replication_factor, c.min_insync_replicas) = (Some(2), Some(3)),
            "kafka.min_insync_replicas",
        );
        check(|c| (c.replication_factor, c.min_insync_replicas) = (Some(3), Some(2)), "");
        check(|c| c.batch_bytes_max = PAYLOAD_BYTES_MAX, "kafka.batch_bytes_max");
        check(|c| c.append_timeout_ms = 0, "kafka.append_timeout_ms");
        check(|c| c.request_timeout_ms = 3_600_000, "kafka.request_timeout_ms");
        let sasl = SecurityProtocol::SaslPlaintext;
        check(|c| c.security_protocol = SecurityProtocol::SaslPlaintext, "kafka.sasl_username");
        assert!(sasl.is_sasl() && !sasl.is_tls());
        check(
            |c| {
                c.security_protocol = SecurityProtocol::SaslPlaintext;
                c.sasl_username = Some("millrace".into());
                c.sasl_password = Some("".into());
            },
            "kafka.sasl_password",
        );
        check(|c| c.sasl_username = Some("millrace".into()), "kafka.security_protocol");
        check(|c| c.ca_file = Some("ca.pem".into()), "kafka.ca_file");
        let tls = if cfg!(feature = "kafka-tls") { "" } else { "kafka-tls" };
        let mut config = KafkaConfig {
            brokers: Some("a:1".into()),
            security_protocol: SecurityProtocol::Ssl,
            ..KafkaConfig::default()
        };
        assert_eq!(config.check().is_ok(), tls.is_empty());
        config.ca_file = Some("certainly/not/there.pem".into());
        assert!(config.check().is_err());
    }
}
