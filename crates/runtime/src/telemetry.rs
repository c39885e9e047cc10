//! Logs.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How logs are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// `text` for people, `json` for collectors.
    pub format: LogFormat,
    /// A level (error, warn, info, debug, trace) or filter directives such as
    /// `info,millrace_ingest=debug`.
    pub level: String,
    /// Name of the service in logs and traces.
    pub service: String,
    /// Environment in logs and traces, such as `production`.
    pub env: String,
    /// Version in logs and traces; empty means the program's own.
    pub version: String,
    /// Lines a second that are written; further ones are dropped and counted. Errors are always
    /// written.
    pub lines_per_second_max: u32,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            level: "info".to_owned(),
            service: "millrace".to_owned(),
            env: "development".to_owned(),
            version: String::new(),
            lines_per_second_max: 500,
        }
    }
}

/// Logging cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `telemetry.level` cannot be understood.
    #[error("telemetry.level: {0}")]
    Level(String),
    /// Set up twice.
    #[error("logging is already set up in this process")]
    Twice,
}

/// Sets up logging for the process, to standard error.
pub fn init(_config: &TelemetryConfig) -> Result<(), TelemetryError> {
    unimplemented!()
}
