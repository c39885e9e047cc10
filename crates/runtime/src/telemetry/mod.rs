//! Logs: text for people or one JSON object a line for collectors, always to standard error
//! (standard output is for data). At most `lines_per_second_max` lines are written in a second;
//! errors always are, and what was left out is counted and said.

mod json;
mod limit;

use std::io::{self, IsTerminal as _};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

use crate::error::{Diagnose, Diagnosis, codes};
use crate::metrics::Registry;

use limit::Limited;

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
    /// Lines a second that are written; further ones are left out and counted. Errors are always
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

impl TelemetryConfig {
    /// The version to show: the one configured, else the program's.
    pub fn version_shown(&self) -> &str {
        if self.version.is_empty() { env!("CARGO_PKG_VERSION") } else { &self.version }
    }
}

/// Logging cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `telemetry.level` cannot be understood.
    #[error("telemetry.level: `{level}`: {reason}")]
    Level {
        /// What was given.
        level: String,
        /// Why it cannot be understood.
        reason: String,
    },
    /// Set up twice.
    #[error("logging is already set up in this process")]
    Twice(#[source] TryInitError),
}

impl Diagnose for TelemetryError {
    fn diagnosis(&self) -> Diagnosis {
        codes::TELEMETRY_SETUP.diagnosis(self.to_string())
    }
}

/// Logging, set up.
#[derive(Debug, Clone)]
pub struct Telemetry {
    limited: Limited<fn() -> io::Stderr>,
}

impl Telemetry {
    /// Lines left out so far because there were too many.
    pub fn lines_dropped(&self) -> u64 {
        self.limited.dropped_total()
    }

    /// Exports the number of lines left out.
    pub fn register(&self, registry: &Registry) {
        let dropped = registry.gauge(
            "millrace_runtime_log_lines_dropped",
            "Log lines left out since the start because there were too many",
        );
        let telemetry = self.clone();
        registry.before_encode(move || {
            dropped.set(i64::try_from(telemetry.lines_dropped()).unwrap_or(i64::MAX));
        });
    }
}

/// Sets up logging for the process, once.
///
/// # Errors
/// The level cannot be understood, or logging was set up before.
pub fn init(config: &TelemetryConfig) -> Result<Telemetry, TelemetryError> {
    let stderr: fn() -> io::Stderr = io::stderr;
    let limited = Limited::new(stderr, config);
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    subscriber(config, limited.clone(), colours)?.try_init().map_err(TelemetryError::Twice)?;
    Ok(Telemetry { limited })
}

fn subscriber<W>(
    config: &TelemetryConfig,
    writer: W,
    colours: bool,
) -> Result<Box<dyn Subscriber + Send + Sync>, TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&config.level).map_err(|error| TelemetryError::Level {
        level: config.level.clone(),
        reason: error.to_string(),
    })?;
    let registry = tracing_subscriber::registry().with(filter);
    Ok(match config.format {
        LogFormat::Text => {
            let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(colours);
            Box::new(registry.with(lines))
        }
        LogFormat::Json => {
            let lines = tracing_subscriber::fmt::layer()
                .with_writer(writer)
                .fmt_fields(tracing_subscriber::fmt::format::JsonFields::new())
                .event_format(json::JsonLines::new(config));
            Box::new(registry.with(lines))
        }
    })
}

#[cfg(test)]
mod tests;
