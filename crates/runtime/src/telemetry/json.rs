//! One event as one JSON object: the event's fields and those of its spans side by side, so that a
//! collector finds `trace_id`, `run_id` and `job_id` without knowing spans. The innermost wins.

use std::fmt;

use opentelemetry::trace::TraceContextExt as _;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use super::TelemetryConfig;

/// What every line says of the process.
#[derive(Debug, Clone)]
pub(super) struct JsonLines {
    service: String,
    env: String,
    version: String,
    run_id: String,
    datadog: bool,
}

impl JsonLines {
    pub(super) fn new(config: &TelemetryConfig, run_id: &str) -> Self {
        Self {
            service: config.service.clone(),
            env: config.env.clone(),
            version: config.version_shown().to_owned(),
            run_id: run_id.to_owned(),
            datadog: config.datadog,
        }
    }

    /// Adds the fields of every line, and the span at hand; nothing that an event says of the same
    /// name wins over the former, everything over the latter.
    pub(super) fn sign(&self, line: &mut Map<String, Value>) -> Result<(), fmt::Error> {
        self.correlate(line);
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let fixed = [
            ("timestamp", time.as_str()),
            ("service", &self.service),
            ("env", &self.env),
            ("version", &self.version),
            ("run_id", &self.run_id),
        ];
        line.extend(fixed.map(|(name, value)| (name.to_owned(), Value::from(value))));
        Ok(())
    }

    /// The trace and span at hand; Datadog knows them by the lower halves, in decimals.
    fn correlate(&self, line: &mut Map<String, Value>) {
        let context = opentelemetry::Context::current();
        let span = context.span();
        let span = span.span_context();
        if !span.is_valid() {
            return;
        }
        let mut put = |name: &str, value: String| {
            line.entry(name).or_insert_with(|| Value::from(value));
        };
        put("trace_id", span.trace_id().to_string());
        put("span_id", span.span_id().to_string());
        if self.datadog {
            let [_, _, _, _, _, _, _, _, low @ ..] = span.trace_id().to_bytes();
            put("dd.trace_id", u64::from_be_bytes(low).to_string());
            put("dd.span_id", u64::from_be_bytes(span.span_id().to_bytes()).to_string());
        }
    }
}

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Map::new();
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                // What this layer's own formatter wrote; anything else is left out of the line.
                if let Ok(Value::Object(fields)) = serde_json::from_str(&fields.fields) {
                    line.extend(fields);
                }
            }
        }
        event.record(&mut Fields(&mut line));
        let meta = event.metadata();
        line.insert("level".to_owned(), Value::from(meta.level().as_str()));
        line.insert("target".to_owned(), Value::from(meta.target()));
        self.sign(&mut line)?;
        writeln!(writer, "{}", Value::Object(line))
    }
}

struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
}
