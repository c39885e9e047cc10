//! How a process is put together from its roles.
//!
//! ```text
//!             folder (locks, token)      listeners (bound first: an address in use is found at once)
//!                     │                            │
//!  data ──────────────┴── log, stores ── ingest ── dataplane worker, relay, retention ── /internal :5001
//!                                  │                │
//!  appview ────────────────────────┴─ clients: in process, or over /internal ── public :5000
//! ```
//!
//! Parts end in the reverse order: listeners and tasks drain first, then the stores close, then the log,
//! then the folder's locks go.

mod ahead;
mod appview;
mod budget;
mod data;
mod feeds;
mod forget;
mod grpc;
mod health;
mod interest;
mod listen;
mod outside;
mod posting;
mod progress;
mod purge;
mod push;
mod resync;
mod retention;
mod sessions;
mod watch;
mod webhooks;

use std::net::SocketAddr;
use std::time::Duration;

use millrace_runtime::clock::{SharedClock, SystemClock};
use millrace_runtime::metrics::{Description, Registry};
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::{Shutdown, Signals, Supervisor, TaskError};
use millrace_runtime::telemetry::Telemetry;
use millrace_store::Store;
use serde::{Deserialize, Serialize};

use crate::admin::operate;
use crate::config::Config;
use crate::failure::Failure;
use crate::folder::DataFolder;
use crate::roles::{Role, Roles};

use data::Data;
use listen::Listener;

pub use listen::loopback_url;

/// What every part of a process shares.
#[derive(Clone)]
struct Common {
    clock: SharedClock,
    rng: Rng,
    registry: Registry,
    supervisor: Supervisor,
    telemetry: Telemetry,
}

impl Common {
    fn new(telemetry: &Telemetry) -> Self {
        let clock = SystemClock::shared();
        let registry = Registry::new().with_process_metrics(clock.now_us());
        telemetry.start(&registry);
        let rng = Rng::from_entropy();
        let supervisor = Supervisor::with_rng(&registry, rng.fork());
        Self { clock, rng, registry, supervisor, telemetry: telemetry.clone() }
    }
}

/// A running process.
pub struct Process {
    common: Common,
    data: Option<Data>,
    session: Option<Store>,
    /// Held to the end.
    folder: DataFolder,
    drain: Duration,
    pub addresses: Addresses,
}

/// Where it answers.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Addresses {
    pub appview: Option<SocketAddr>,
    pub internal: Option<SocketAddr>,
    pub metrics: Option<SocketAddr>,
}

/// Starts the parts that `roles` name.
///
/// # Errors
/// The configuration does not fit, an address or the folder is in use, or the data cannot be opened.
pub async fn start(
    config: &Config,
    roles: &Roles,
    telemetry: &Telemetry,
) -> Result<Process, Failure> {
    config.check(roles)?;
    let common = Common::new(telemetry);
    let drain = Duration::from_millis(config.drain_timeout_ms);
    let started = open(config, roles, &common).await;
    if started.is_err() {
        // Nothing of it works on in a folder that is somebody else's now, or gone; the cause is told.
        common.supervisor.shutdown();
        let _ = common.supervisor.join(drain).await;
        common.telemetry.close().await;
    }
    let Opened { folder, data, session, addresses } = started?;
    tracing::info!(%roles, appview = ?addresses.appview, internal = ?addresses.internal, metrics = ?addresses.metrics, "started");
    Ok(Process { common, data, session, folder, drain, addresses })
}

/// What was opened, in the order in which it is closed.
struct Opened {
    session: Option<Store>,
    data: Option<Data>,
    folder: DataFolder,
    addresses: Addresses,
}

async fn open(config: &Config, roles: &Roles, common: &Common) -> Result<Opened, Failure> {
    let folder = DataFolder::lock(&config.data_dir, roles)?;
    let token = folder.admin_token(&common.rng)?;
    let listeners = Listeners::bind(config, roles).await?;
    let outside = outside::open(config, common)?;

    let data = match &listeners.internal {
        Some(_) => {
            let vapid = push::vapid(config, common, &folder)?;
            Some(Data::start(config, common, &outside, vapid).await?)
        }
        None => None,
    };
    watch::start(&config.alerts, common);
    let addresses = listeners.addresses();
    let appview_url = addresses.appview.map(loopback_url);
    if let (Some(listener), Some(data)) = (listeners.internal, &data) {
        folder.announce(loopback_url(listener.addr()), appview_url.clone())?;
        let router = data.router(config, roles, common, token.clone()).await;
        listener.serve(router, &config.connections, common);
    }
    let mut session = None;
    if let Some(listener) = listeners.appview {
        let opened = appview::open_session(config, common).await?;
        let here = appview::Here {
            admin_token: token.clone(),
            session_secret: folder.session_secret(&common.rng)?,
            session: opened.clone(),
            listening: listener.addr(),
        };
        session = Some(opened);
        let built = appview::build(config, common, data.as_ref(), &outside, here)?;
        sessions::start(built.upkeep, &common.supervisor);
        posting::start(built.posting, &common.supervisor);
        listener.serve(built.router, &config.connections, common);
    }
    if let Some(listener) = listeners.metrics {
        folder.announce(loopback_url(listener.addr()), appview_url)?;
        let caches = operate::cache_router(common.registry.caches().clone(), token);
        let router = health::metrics_router(common.registry.clone()).merge(caches);
        listener.serve(router, &config.connections, common);
    }
    Ok(Opened { session, data, folder, addresses })
}

impl Process {
    /// Every metric that its parts have asked for.
    pub fn describe_metrics(&self) -> Vec<Description> {
        self.common.registry.describe()
    }

    /// The data-plane, where this process has it.
    pub fn dataplane(&self) -> Option<&millrace_dataplane::client::Local> {
        self.data.as_ref().map(|data| &*data.dataplane)
    }

    /// Runs until asked to stop, or until a part without which nothing works has failed.
    ///
    /// # Errors
    /// Why it ended other than as asked.
    pub async fn run(self, signals: Signals) -> Result<(), Failure> {
        let ended = self.common.supervisor.run(signals, self.drain).await;
        self.close().await;
        Ok(ended?)
    }

    /// Stops it at once.
    ///
    /// # Errors
    /// A part did not end in time.
    pub async fn stop(self) -> Result<(), Failure> {
        self.common.supervisor.shutdown();
        let ended = self.common.supervisor.join(self.drain).await;
        self.close().await;
        Ok(ended?)
    }

    /// Drains the process when `other` is cancelled.
    pub fn end_with(&self, other: Shutdown) {
        let supervisor = self.common.supervisor.clone();
        self.common.supervisor.spawn_once("tether", move |shutdown| async move {
            if shutdown.or(other.cancelled()).await.is_some() {
                supervisor.shutdown();
            }
            Ok(())
        });
    }

    /// Runs one more part, without which the process ends.
    pub fn run_beside<F, Fut>(&self, name: &str, part: F)
    where
        F: FnOnce(Shutdown) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), TaskError>> + Send + 'static,
    {
        self.common.supervisor.spawn_critical(name, part);
    }

    async fn close(self) {
        if let Some(session) = self.session {
            session.close().await;
        }
        if let Some(data) = self.data {
            data.close().await;
        }
        // Last, so that the end is told of too; for a bounded time.
        self.common.telemetry.close().await;
        drop(self.folder);
    }
}

/// Sockets of the process's roles.
struct Listeners {
    appview: Option<Listener>,
    internal: Option<Listener>,
    metrics: Option<Listener>,
}

impl Listeners {
    async fn bind(config: &Config, roles: &Roles) -> Result<Self, Failure> {
        let (mut appview, mut internal, mut metrics) = (None, None, None);
        if roles.hold_data() {
            internal = Some(Listener::bind("dataplane.listen", config.internal_addr(roles)).await?);
        }
        if roles.has(Role::Appview) {
            appview = Some(Listener::bind("appview.listen", config.appview_addr()).await?);
            if internal.is_none() {
                metrics = Some(
                    Listener::bind("appview.metrics_listen", config.appview.metrics_listen).await?,
                );
            }
        }
        Ok(Self { appview, internal, metrics })
    }

    fn addresses(&self) -> Addresses {
        let addr = |listener: &Option<Listener>| listener.as_ref().map(Listener::addr);
        Addresses {
            appview: addr(&self.appview),
            internal: addr(&self.internal),
            metrics: addr(&self.metrics),
        }
    }
}
