//! Settings of alerts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Level;
use crate::config::Secret;

/// What an operator is told of at once, and where. Every alert is also a log line and a metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AlertsConfig {
    /// Where alerts are posted as JSON with a `text` field, as Slack and its like take it. A secret,
    /// because such addresses are. Nowhere by default.
    pub webhook_url: Option<Secret>,
    /// Signs what is posted: the header `X-Millrace-Signature` is `sha256=` and the HMAC of the body.
    pub webhook_secret: Option<Secret>,
    /// Alerts below this level are not posted.
    pub level_min: Level,
    /// How long the same alert about the same thing is not posted again, in milliseconds.
    pub cooldown_ms: u64,
    /// How long the webhook may take to answer, in milliseconds.
    pub timeout_ms: u64,
    /// How often an alert is posted until it is taken.
    pub attempts_max: u32,
    /// How long a source may be silent or away before that is an alert, in milliseconds.
    pub source_silent_ms: u64,
    /// Entries that may wait to be applied before that is an alert.
    pub lag_entries_max: u64,
    /// How old the oldest entry not yet applied may be before that is an alert, in milliseconds.
    pub lag_ms_max: u64,
}

impl Default for AlertsConfig {
    fn default() -> Self {
        Self {
            webhook_url: None,
            webhook_secret: None,
            level_min: Level::Medium,
            cooldown_ms: 15 * 60_000,
            timeout_ms: 5_000,
            attempts_max: 6,
            source_silent_ms: 5 * 60_000,
            lag_entries_max: 100_000,
            lag_ms_max: 5 * 60_000,
        }
    }
}
