//! What librdkafka's errors mean for the log: the only file that reads its codes.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use super::client::{Cluster, Voice};
use crate::LogError;

/// The situation behind an error; `voice` is heard for what led to it, and only while a log is opened, because a
/// complaint may be older than the error.
pub(super) fn of(
    cluster: &Cluster,
    doing: &str,
    error: &KafkaError,
    voice: Option<&Voice>,
) -> LogError {
    match error.rdkafka_error_code() {
        Some(code) => of_code(cluster, doing, code, voice),
        None => unavailable(cluster, format!("{doing}: {error}")),
    }
}

/// The situation behind a code.
pub(super) fn of_code(
    cluster: &Cluster,
    doing: &str,
    code: Code,
    voice: Option<&Voice>,
) -> LogError {
    let heard = voice.map(Voice::heard).unwrap_or_default();
    let detail = match &heard.words {
        Some(words) => format!("{doing}: {code}; {words}"),
        None => format!("{doing}: {code}"),
    };
    if is_refusal(code) || heard.code.is_some_and(is_refusal) {
        return LogError::Refused { brokers: cluster.brokers(), detail };
    }
    unavailable(cluster, detail)
}

/// Nobody answered.
pub(super) fn unavailable(cluster: &Cluster, detail: String) -> LogError {
    LogError::Unavailable { brokers: cluster.brokers(), detail }
}

/// Whether the cluster would say the same however often it is asked.
pub(super) fn is_refusal(code: Code) -> bool {
    matches!(
        code,
        Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::UnsupportedSASLMechanism
            | Code::IllegalSASLState
            | Code::SSL
            | Code::SecurityDisabled
            | Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::PolicyViolation
            | Code::InvalidTopic
            | Code::InvalidPartitions
            | Code::InvalidReplicationFactor
            | Code::InvalidReplicaAssignment
            | Code::InvalidConfig
            | Code::UnsupportedVersion
            | Code::UnsupportedFeature
    )
}

/// Whether a reader asked for offsets that are not there.
pub(super) const fn is_out_of_range(code: Code) -> bool {
    matches!(code, Code::AutoOffsetReset | Code::OffsetOutOfRange)
}

/// Whether a topic is not there.
pub(super) const fn is_missing(code: Code) -> bool {
    matches!(code, Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition)
}

/// Whether what a client knows of the cluster is out of date, so that it should look again.
pub(super) const fn is_outdated(code: Code) -> bool {
    is_missing(code)
        || matches!(
            code,
            Code::NotLeaderForPartition
                | Code::LeaderNotAvailable
                | Code::FencedLeaderEpoch
                | Code::UnknownLeaderEpoch
                | Code::ReplicaNotAvailable
        )
}

/// Whether a batch was refused whole because something in it is too large, so that the rest may go without it.
pub(super) const fn is_too_large(code: Code) -> bool {
    matches!(code, Code::MessageSizeTooLarge | Code::MessageBatchTooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::KafkaConfig;
    use rdkafka::client::ClientContext as _;

    #[test]
    fn refusals_are_told_from_silence() {
        let config = KafkaConfig { brokers: Some("kafka:9092".into()), ..KafkaConfig::default() };
        let cluster = Cluster::new(&config);
        let check = |code, heard: Option<Code>, transient: bool| {
            let voice = Voice::default();
            if let Some(heard) = heard {
                voice.error(KafkaError::Global(heard), "because");
            }
            let fault = of_code(&cluster, "asking", code, Some(&voice));
            assert_eq!(fault.is_transient(), transient, "{fault}");
            assert_eq!(fault.to_string().contains("because"), heard.is_some(), "{fault}");
        };
        check(Code::OperationTimedOut, None, true);
        check(Code::OperationTimedOut, Some(Code::BrokerTransportFailure), true);
        check(Code::OperationTimedOut, Some(Code::Authentication), false);
        check(Code::TopicAuthorizationFailed, None, false);
        check(Code::NotEnoughReplicas, None, true);
    }
}
