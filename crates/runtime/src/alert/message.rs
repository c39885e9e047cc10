//! What is posted: one JSON object, whose `text` is a whole message by itself.

use serde::Serialize;

use super::{Kind, Level};
use crate::telemetry::TelemetryConfig;

/// Which process speaks.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Origin {
    service: String,
    env: String,
    version: String,
    run_id: String,
}

impl Origin {
    pub(super) fn of(config: &TelemetryConfig, run_id: &str) -> Self {
        Self {
            service: config.service.clone(),
            env: config.env.clone(),
            version: config.version_shown().to_owned(),
            run_id: run_id.to_owned(),
        }
    }
}

/// One alert, or its end.
#[derive(Debug, Clone)]
pub(super) struct Message {
    kind: Kind,
    subject: String,
    text: String,
    times: u64,
    resolved: bool,
    at_us: i64,
}

#[derive(Serialize)]
struct Body<'a> {
    text: String,
    level: Level,
    kind: &'static str,
    subject: &'a str,
    message: &'a str,
    resolved: bool,
    times: u64,
    at_ms: i64,
    #[serde(flatten)]
    origin: &'a Origin,
}

impl Message {
    pub(super) fn new(
        kind: Kind,
        subject: &str,
        text: &str,
        times: u64,
        resolved: bool,
        at_us: i64,
    ) -> Self {
        let (subject, text) = (subject.to_owned(), text.to_owned());
        Self { kind, subject, text, times, resolved, at_us }
    }

    /// Tells this delivery from others: a webhook that sees it twice has seen a retry.
    pub(super) fn id(&self, origin: &Origin) -> String {
        let end = if self.resolved { "end" } else { "begin" };
        format!("{}-{}-{}-{end}", origin.run_id, self.kind.name(), self.at_us)
    }

    pub(super) fn body(&self, origin: &Origin) -> Vec<u8> {
        let Self { kind, subject, text: message, times, resolved, at_us } = self;
        let head = if *resolved { "RESOLVED" } else { kind.level().as_str() };
        let often = if *times > 1 { format!(" ({times} times)") } else { String::new() };
        let text =
            format!("[{head}] {} {}: {}: {message}{often}", origin.service, origin.env, subject);
        let body = Body {
            text,
            level: kind.level(),
            kind: kind.name(),
            subject,
            message,
            resolved: *resolved,
            times: *times,
            at_ms: at_us / 1_000,
            origin,
        };
        serde_json::to_vec(&body).expect("invariant: an alert serialises")
    }
}
