//! The whole configuration: each crate's part, and what only the program knows (where it listens).
//!
//! Layers, later ones winning: defaults, the file, the overlay, plain environment names ([`ALIASES`]),
//! `MILLRACE_A__B`, flags. A setting that does not exist is an error, wherever it is written.

mod check;
mod disk;
mod sections;

use std::path::{Path, PathBuf};

use millrace_appview::AppviewConfig;
use millrace_dataplane::config::NotificationsConfig;
use millrace_feeds::config::FeedsConfig;
use millrace_ingest::IngestConfig;
use millrace_log::{LogConfig, LogEngine};
use millrace_push::PushConfig;
use millrace_runtime::alert::AlertsConfig;
use millrace_runtime::config::{self, ConfigError, Loaded, Origin, Sources};
use millrace_runtime::listen::ConnectionsConfig;
use millrace_runtime::telemetry::{OTLP_HTTP_PORT, TelemetryConfig};
use millrace_sim::SimConfig;
use millrace_store::{EngineKind, StoreConfig};
use millrace_webhooks::WebhooksConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cli::Global;
use crate::failure::{Failure, ProgramError};

pub use disk::DiskConfig;
pub use sections::{AppviewSection, DataplaneSection, IngestSection, NetworkSection, StoreSection};

/// The file read when none is named.
pub const DEFAULT_FILE: &str = "millrace.toml";

/// Plain names of the environment and the settings they stand for.
pub const ALIASES: &[(&str, &str)] = &[
    ("DATABASE_URL", "store.postgres_url"),
    ("KAFKA_BROKERS", "log.kafka.brokers"),
    ("RELAY_URL", "ingest.relay_url"),
    ("DATA_PLANE_URL", "dataplane.url"),
    ("SESSION_SECRET", "appview.session_secret"),
    ("RUN_MIGRATIONS", "store.run_migrations"),
    ("PORT", "port"),
    ("DD_SERVICE", "telemetry.service"),
    ("DD_ENV", "telemetry.env"),
    ("DD_VERSION", "telemetry.version"),
    ("DD_AGENT_HOST", "telemetry.datadog_agent_host"),
    ("DD_LOGS_INJECTION", "telemetry.datadog"),
    ("DD_TRACE_SAMPLE_RATE", "telemetry.trace_requests_ratio"),
];

/// Configuration of Millrace. Every setting is optional.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder of the log, the tables, the lock and the operator's token.
    pub data_dir: PathBuf,
    /// Port of this process's main listener, instead of the one in `appview.listen`; in a process without AppView, in `dataplane.listen`.
    pub port: Option<u16>,
    /// How long the process may take to finish its work when it is asked to stop, in milliseconds.
    pub drain_timeout_ms: u64,
    /// Logs, and where traces are sent.
    pub telemetry: TelemetryConfig,
    /// What an operator is told of at once, and where.
    pub alerts: AlertsConfig,
    /// The durable log: everything that arrives is here before anything is done with it.
    pub log: LogConfig,
    /// Where tables are kept and how much of the machine they may use.
    pub store: StoreSection,
    /// How much of the disk may be used.
    pub disk: DiskConfig,
    /// How Millrace asks other servers: documents of accounts, handles, repositories.
    pub network: NetworkSection,
    /// How the network is followed.
    pub ingest: IngestSection,
    /// How entries are applied, and where questions about them are answered.
    pub dataplane: DataplaneSection,
    /// Homes that are made beforehand, and how they are ranked.
    pub feeds: FeedsConfig,
    /// What readers are told of.
    pub notifications: NotificationsConfig,
    /// Browsers that are told of notifications while no page is open.
    pub push: PushConfig,
    /// Services that are told of posts by HTTP.
    pub webhooks: WebhooksConfig,
    /// Who this service is and how it answers the public.
    pub appview: AppviewSection,
    /// Connections that clients open to this process; each listener counts its own.
    pub connections: ConnectionsConfig,
    /// The made-up network of `millrace demo`.
    pub sim: SimConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: "data".into(),
            port: None,
            drain_timeout_ms: 30_000,
            telemetry: TelemetryConfig::default(),
            alerts: AlertsConfig::default(),
            log: LogConfig::default(),
            store: StoreSection::default(),
            disk: DiskConfig::default(),
            network: NetworkSection::default(),
            ingest: IngestSection::default(),
            dataplane: DataplaneSection::default(),
            feeds: FeedsConfig::default(),
            notifications: NotificationsConfig::default(),
            push: PushConfig::default(),
            webhooks: WebhooksConfig::default(),
            appview: AppviewSection::default(),
            connections: ConnectionsConfig::default(),
            sim: SimConfig::default(),
        }
    }
}

impl Config {
    /// The log's part, with its folder.
    pub fn log(&self) -> LogConfig {
        let dir = self.log.dir.clone().unwrap_or_else(|| self.data_dir.clone());
        LogConfig { dir: Some(dir), ..self.log.clone() }
    }

    /// The store's part, with its folder.
    pub fn store(&self) -> StoreConfig {
        let dir = self.store.dir.clone().unwrap_or_else(|| self.data_dir.clone());
        StoreConfig { dir: Some(dir), ..self.store.store.clone() }
    }

    /// The AppView's part, with its folder.
    pub fn appview(&self) -> AppviewConfig {
        let mut appview = self.appview.appview.clone();
        let folder = || self.data_dir.join("images");
        appview.images.cache_dir = appview.images.cache_dir.or_else(|| Some(folder()));
        appview
    }

    /// Ingest's part, with the source that `ingest.relay_url` stands for.
    pub fn ingest(&self) -> IngestConfig {
        self.ingest.with_relay()
    }
}

/// Loads the configuration from the files, the environment and the flags of this process.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(global: &Global) -> Result<Loaded<Config>, Failure> {
    let env = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    load_from(global, Path::new(DEFAULT_FILE), env.collect())
}

fn load_from(
    global: &Global,
    default_file: &Path,
    env: Vec<(String, String)>,
) -> Result<Loaded<Config>, Failure> {
    let file =
        global.config.clone().or_else(|| default_file.exists().then(|| default_file.to_owned()));
    let overlay = match (&global.overlay, &file) {
        (Some(name), Some(file)) => Some(config::overlay_path(file, name)),
        (Some(name), None) => return Err(overlay_without_file(name).into()),
        (None, _) => None,
    };
    let loaded =
        config::load(Sources { file, overlay, env, aliases: ALIASES, flags: flags(global) });
    let loaded: Result<Loaded<Config>, ConfigError> = loaded;
    Ok(with_implied(loaded?))
}

fn overlay_without_file(name: &str) -> ProgramError {
    ProgramError::Setting {
        key: "--env",
        reason: format!(
            "`{name}` is laid over a configuration file, and there is none: give --config"
        ),
    }
}

/// Flags as settings.
fn flags(global: &Global) -> Vec<(String, String)> {
    let data_dir = global.data_dir.as_ref().map(|dir| ("data_dir", dir.display().to_string()));
    let log_format =
        global.log_format.map(|format| ("telemetry.format", format.as_str().to_owned()));
    data_dir.into_iter().chain(log_format).map(|(key, value)| (key.to_owned(), value)).collect()
}

/// A database or cluster that is named is used, unless an engine is named too.
fn with_implied(mut loaded: Loaded<Config>) -> Loaded<Config> {
    if loaded.value.store.postgres_url.is_some() && is_implied(&mut loaded, "store", "postgres_url")
    {
        loaded.value.store.engine = EngineKind::Postgres;
    }
    if loaded.value.log.kafka.brokers.is_some() && is_implied(&mut loaded, "log", "kafka.brokers") {
        loaded.value.log.engine = LogEngine::Kafka;
    }
    with_datadog(loaded)
}

/// A Datadog Agent that is named gets the traces; where Datadog's names are used, lines carry its ids.
fn with_datadog(mut loaded: Loaded<Config>) -> Loaded<Config> {
    let host = loaded.origin("telemetry.datadog_agent_host");
    let telemetry = &mut loaded.value.telemetry;
    if let Some(agent) = telemetry.datadog_agent_host.as_deref()
        && telemetry.otlp_endpoint.is_none()
    {
        telemetry.otlp_endpoint = Some(format!("http://{agent}:{OTLP_HTTP_PORT}"));
        loaded.origins.insert("telemetry.otlp_endpoint".to_owned(), host.clone());
    }
    let service = loaded.origin("telemetry.service");
    let by_service = service == Origin::Env("DD_SERVICE".to_owned());
    let by_agent = loaded.value.telemetry.datadog_agent_host.is_some();
    if (by_service || by_agent) && loaded.origin("telemetry.datadog") == Origin::Default {
        loaded.value.telemetry.datadog = true;
        let origin = if by_service { service } else { host };
        loaded.origins.insert("telemetry.datadog".to_owned(), origin);
    }
    loaded
}

/// Whether a section's engine was left open; then it comes from where the other setting does.
fn is_implied(loaded: &mut Loaded<Config>, section: &str, setting: &str) -> bool {
    let engine = format!("{section}.engine");
    let open = loaded.origin(&engine) == Origin::Default;
    if open {
        let origin = loaded.origin(&format!("{section}.{setting}"));
        loaded.origins.insert(engine, origin);
    }
    open
}
