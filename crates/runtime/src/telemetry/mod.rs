//! Logs and traces. Logs: text for people or one JSON object a line for collectors, always to
//! standard error (standard output is for data); at most `lines_per_second_max` lines in a second,
//! errors always, and what was left out is counted and said. Traces: sampled, sent by OTLP from a
//! bounded queue that nobody waits for; [`journey`] follows entries, spans of `tracing` follow
//! requests, [`propagate`] carries a trace to another process.
//!
//! What must stay true: no token, no text of a record and no address of a caller is a field of an
//! event or a span.

mod config;
pub mod journey;
mod json;
mod limit;
mod otlp;
mod pipe;
pub mod propagate;

use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

use crate::alert::{AlertLayer, Alerts, AlertsConfig};
use crate::error::{Diagnose, Diagnosis, codes};
use crate::metrics::Registry;
use crate::rng::Rng;
use crate::supervise::spawn_detached_named;

pub use config::{LogFormat, OTLP_HTTP_PORT, TelemetryConfig};

use limit::Limited;
use pipe::{IntoPipe, Pipe};

/// Who made a span, to OpenTelemetry.
const SCOPE: &str = "millrace";
/// Only our own spans are exported.
const OURS: &str = "millrace";
/// The span of a supervised task.
const TASK: &str = "task";
/// How long spans and alerts that wait may take when the process ends.
const CLOSE_WITHIN: Duration = Duration::from_secs(3);

/// Logging or tracing cannot be set up.
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
    /// `telemetry.otlp_endpoint` is not where traces can be sent.
    #[error("telemetry.otlp_endpoint: `{url}`: {reason}")]
    Endpoint {
        /// What was given.
        url: String,
        /// Why not.
        reason: String,
    },
    /// A ratio that is no share.
    #[error("{setting}: {ratio} is not from 0 to 1")]
    Ratio {
        /// Its name.
        setting: &'static str,
        /// What was given.
        ratio: f64,
    },
    /// `alerts.webhook_url` is no URL.
    #[error("alerts.webhook_url: {0}")]
    Webhook(String),
    /// Set up twice.
    #[error("logging is already set up in this process")]
    Twice(#[source] TryInitError),
}

impl Diagnose for TelemetryError {
    fn diagnosis(&self) -> Diagnosis {
        codes::TELEMETRY_SETUP.diagnosis(self.to_string())
    }
}

/// Logs, traces and alerts, set up. Clones are the same.
#[derive(Debug, Clone)]
pub struct Telemetry {
    limited: Limited<fn() -> io::Stderr>,
    run_id: String,
    alerts: Alerts,
    traces: Option<Arc<Traces>>,
    tasks: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

/// What makes spans, and where they go. Dropping the provider would end it.
#[derive(Debug)]
struct Traces {
    provider: SdkTracerProvider,
    pipe: Option<Arc<Pipe>>,
    exporter: Mutex<Option<SpanExporter>>,
}

impl Telemetry {
    /// Lines left out so far because there were too many.
    pub fn lines_dropped(&self) -> u64 {
        self.limited.dropped_total()
    }

    /// What tells this run of the program from others, in logs, traces and alerts.
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Exports what is counted, and starts sending traces and alerts.
    pub fn start(&self, registry: &Registry) {
        let dropped = registry.gauge(
            "millrace_runtime_log_lines_dropped",
            "Log lines left out since the start because there were too many",
        );
        let limited = self.limited.clone();
        registry.before_encode(move || {
            dropped.set(i64::try_from(limited.dropped_total()).unwrap_or(i64::MAX));
        });
        let mut tasks = self.tasks.lock();
        if let Some(delivery) = self.alerts.start(registry) {
            tasks.push(spawn_detached_named("alerts", delivery));
        }
        let Some(traces) = &self.traces else { return };
        if let (Some(pipe), Some(exporter)) = (&traces.pipe, traces.exporter.lock().take()) {
            pipe.register(registry);
            tasks.push(spawn_detached_named("traces", Arc::clone(pipe).run(exporter)));
        }
    }

    /// Sends what waits, for a bounded time, and ends.
    pub async fn close(&self) {
        self.alerts.close();
        if let Some(Traces { pipe: Some(pipe), .. }) = self.traces.as_deref() {
            pipe.close();
        }
        let tasks = std::mem::take(&mut *self.tasks.lock());
        let aborts: Vec<_> = tasks.iter().map(JoinHandle::abort_handle).collect();
        let all = futures_util::future::join_all(tasks);
        if tokio::time::timeout(CLOSE_WITHIN, all).await.is_err() {
            aborts.iter().for_each(tokio::task::AbortHandle::abort);
        }
    }
}

/// The span of a job, such as a repository being fetched: its lines carry `job_id`.
pub fn job(name: &'static str, rng: &Rng) -> tracing::Span {
    tracing::info_span!("job", job.name = name, job_id = format!("{:016x}", rng.next_u64()))
}

/// Sets up logs, traces and alerts for the process, once.
///
/// # Errors
/// A setting cannot be understood, or logging was set up before.
pub fn init(config: &TelemetryConfig, alerts: &AlertsConfig) -> Result<Telemetry, TelemetryError> {
    let run_id = format!("{:016x}", Rng::from_entropy().next_u64());
    let stderr: fn() -> io::Stderr = io::stderr;
    let limited = Limited::new(stderr, config, &run_id);
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let traces = Traces::of(config, &run_id)?;
    let alerts = Alerts::new(alerts, config, &run_id)?;
    let layers = Layers {
        run_id: &run_id,
        tracer: traces.as_ref().map(|traces| traces.provider.tracer(SCOPE)),
        alerts: Some(alerts.layer()),
    };
    let subscriber = subscriber(config, limited.clone(), colours, layers)?;
    subscriber.try_init().map_err(TelemetryError::Twice)?;
    if let Some(pipe) = traces.as_ref().and_then(|traces| traces.pipe.clone()) {
        journey::install(pipe, config.trace_entries_ratio);
    }
    let traces = traces.map(Arc::new);
    Ok(Telemetry { limited, run_id, alerts, traces, tasks: Arc::default() })
}

impl Traces {
    /// Spans are made where they are sent, and where lines show their ids.
    fn of(config: &TelemetryConfig, run_id: &str) -> Result<Option<Self>, TelemetryError> {
        let url = config.traces_url()?;
        if url.is_none() && config.format != LogFormat::Json {
            return Ok(None);
        }
        let resource = resource(config, run_id);
        let builder = SdkTracerProvider::builder().with_resource(resource.clone());
        let Some(url) = url else {
            let provider = builder.with_sampler(Sampler::AlwaysOff).build();
            return Ok(Some(Self { provider, pipe: None, exporter: Mutex::default() }));
        };
        let exporter = Mutex::new(Some(otlp::exporter(&url, &resource)?));
        let pipe = Arc::new(Pipe::default());
        let ratio = Sampler::TraceIdRatioBased(config.trace_requests_ratio);
        let provider = builder
            .with_sampler(Sampler::ParentBased(Box::new(ratio)))
            .with_span_processor(IntoPipe(Arc::clone(&pipe)))
            .build();
        Ok(Some(Self { provider, pipe: Some(pipe), exporter }))
    }
}

/// What all spans of this process say of it.
fn resource(config: &TelemetryConfig, run_id: &str) -> Resource {
    let attributes = [
        ("service.name", config.service.as_str()),
        ("service.version", config.version_shown()),
        ("service.instance.id", run_id),
        ("deployment.environment.name", &config.env),
    ];
    let attributes = attributes.map(|(key, value)| KeyValue::new(key, value.to_owned()));
    Resource::builder_empty().with_attributes(attributes).build()
}

/// Our own spans, but not those of tasks: they last as long as the process.
fn is_exported(meta: &tracing::Metadata<'_>) -> bool {
    meta.is_span()
        && meta.target().starts_with(OURS)
        && meta.name() != TASK
        && *meta.level() <= tracing::Level::INFO
}

/// What stands beside the writing of lines.
struct Layers<'a> {
    run_id: &'a str,
    tracer: Option<SdkTracer>,
    alerts: Option<AlertLayer>,
}

fn subscriber<W>(
    config: &TelemetryConfig,
    writer: W,
    colours: bool,
    layers: Layers<'_>,
) -> Result<Box<dyn Subscriber + Send + Sync>, TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    type Boxed = Box<dyn Layer<tracing_subscriber::Registry> + Send + Sync>;
    let filter = EnvFilter::try_new(&config.level).map_err(|error| TelemetryError::Level {
        level: config.level.clone(),
        reason: error.to_string(),
    })?;
    let mut all: Vec<Boxed> = Vec::new();
    // Before the lines, which show what this knows.
    if let Some(tracer) = layers.tracer {
        let spans = tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false);
        all.push(spans.with_filter(filter_fn(is_exported)).boxed());
    }
    if let Some(alerts) = layers.alerts {
        all.push(alerts.with_filter(filter_fn(AlertLayer::concerns)).boxed());
    }
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    all.push(match config.format {
        LogFormat::Text => lines.with_ansi(colours).with_filter(filter).boxed(),
        LogFormat::Json => lines
            .fmt_fields(tracing_subscriber::fmt::format::JsonFields::new())
            .event_format(json::JsonLines::new(config, layers.run_id))
            .with_filter(filter)
            .boxed(),
    });
    Ok(Box::new(tracing_subscriber::registry().with(all)))
}

#[cfg(test)]
mod tests;
