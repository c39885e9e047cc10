//! Settings of logs and traces.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::TelemetryError;

/// Path of the collector's intake, where the endpoint names none.
const TRACES_PATH: &str = "v1/traces";
/// Port on which collectors, and the Datadog Agent, take OTLP over HTTP.
pub const OTLP_HTTP_PORT: u16 = 4_318;

/// How logs are written, and where traces are sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Where traces are sent by OTLP over HTTP, such as `http://127.0.0.1:4318`; OpenTelemetry
    /// collectors and the Datadog Agent take them. Nowhere by default.
    pub otlp_endpoint: Option<String>,
    /// Share of requests that are traced, from 0 to 1. A request of another process of ours is
    /// traced when that process traces it.
    pub trace_requests_ratio: f64,
    /// Share of log entries whose way from the network to the tables is traced, from 0 to 1.
    pub trace_entries_ratio: f64,
    /// Add Datadog's `dd.trace_id` and `dd.span_id` to JSON lines. True by itself where
    /// `DD_SERVICE` or `DD_AGENT_HOST` is set.
    pub datadog: bool,
    /// Host of a Datadog Agent: traces are sent to its port 4318 unless `otlp_endpoint` is set.
    pub datadog_agent_host: Option<String>,
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
            otlp_endpoint: None,
            trace_requests_ratio: 0.1,
            trace_entries_ratio: 0.001,
            datadog: false,
            datadog_agent_host: None,
        }
    }
}

impl TelemetryConfig {
    /// The version to show: the one configured, else the program's.
    pub fn version_shown(&self) -> &str {
        if self.version.is_empty() { env!("CARGO_PKG_VERSION") } else { &self.version }
    }

    /// Where traces are posted; `None` when they are not sent.
    ///
    /// # Errors
    /// The endpoint is no URL of HTTP, or a ratio is no share.
    pub fn traces_url(&self) -> Result<Option<Url>, TelemetryError> {
        for (setting, ratio) in [
            ("telemetry.trace_requests_ratio", self.trace_requests_ratio),
            ("telemetry.trace_entries_ratio", self.trace_entries_ratio),
        ] {
            if !(0.0..=1.0).contains(&ratio) {
                return Err(TelemetryError::Ratio { setting, ratio });
            }
        }
        let Some(text) = self.otlp_endpoint.as_deref().filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let wrong = |reason: String| TelemetryError::Endpoint { url: text.to_owned(), reason };
        let mut url = Url::parse(text).map_err(|error| wrong(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("must begin with http:// or https://".to_owned()));
        }
        if url.path() == "/" {
            url.set_path(TRACES_PATH);
        }
        Ok(Some(url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_collector_s_root_or_its_own_path() {
        let check = |endpoint: &str, expected: Option<&str>| {
            let config =
                TelemetryConfig { otlp_endpoint: Some(endpoint.into()), ..Default::default() };
            let url = config.traces_url().ok().map(|url| url.map(String::from));
            assert_eq!(
                url,
                expected.map(|url| (!url.is_empty()).then(|| url.to_owned())),
                "{endpoint}"
            );
        };
        check("http://127.0.0.1:4318", Some("http://127.0.0.1:4318/v1/traces"));
        check("http://agent:4318/", Some("http://agent:4318/v1/traces"));
        check(
            "https://collector.example/otlp/traces",
            Some("https://collector.example/otlp/traces"),
        );
        check("", Some(""));
        check("agent:4318", None);
        check("grpc://agent:4317", None);
    }

    #[test]
    fn a_ratio_is_a_share() {
        for ratio in [-0.1, 1.1, f64::NAN] {
            let config = TelemetryConfig { trace_entries_ratio: ratio, ..Default::default() };
            assert!(config.traces_url().is_err(), "{ratio}");
        }
    }
}
