//! A world served on loopback: PLC directory, PDS and relay behind one address each.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use millrace_runtime::clock::SharedClock;
use millrace_runtime::supervise::{Shutdown, TaskSet};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::population::Population;
use crate::world::World;
use crate::{SimConfig, jetstream, plc, relay, xrpc};

/// The world and who waits for its next frame.
pub(crate) struct Shared {
    pub world: Mutex<World>,
    /// Counts changes of the world.
    pub changes: watch::Sender<u64>,
    /// Counts how often all connections were cut.
    pub cuts: watch::Sender<u64>,
    /// Where the PDS answers: what DID documents say.
    pub pds_url: String,
}

impl Shared {
    /// Changes the world and wakes the relay's readers.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.world.lock();
        let result = change(&mut world);
        drop(world);
        self.changes.send_modify(|changes| *changes += 1);
        result
    }

    /// What a connection waits on.
    pub(crate) fn line(&self) -> Line {
        let (changes, cuts) = (self.changes.subscribe(), self.cuts.subscribe());
        Line { changes, cuts }
    }
}

/// Tells a connection when there may be news, and when it is cut.
pub(crate) struct Line {
    changes: watch::Receiver<u64>,
    cuts: watch::Receiver<u64>,
}

impl Line {
    /// Returns after a change of the world, or a cut; both may have happened before.
    pub(crate) async fn changed(&mut self) {
        // The sender lives as long as whoever serves the connection.
        let _closed = self.changes.changed().await;
    }

    /// Whether connections were cut since this one was made.
    pub(crate) fn is_cut(&self) -> bool {
        self.cuts.has_changed().unwrap_or(true)
    }
}

/// A running network. Dropping it ends its tasks.
pub struct Network {
    shared: Arc<Shared>,
    addr: SocketAddr,
    accounts: Vec<DemoAccount>,
    shutdown: Shutdown,
    _tasks: TaskSet<()>,
}

/// An account as it is shown to people.
#[derive(Debug, Clone)]
pub struct DemoAccount {
    pub did: String,
    pub handle: String,
}

impl Network {
    /// Makes the history and serves it on a free port of loopback.
    pub async fn start(config: &SimConfig, clock: SharedClock) -> Result<Self> {
        let now_us = clock.now_us();
        let (world, population) = history(config, now_us)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("binding the simulated network")?;
        let addr = listener.local_addr()?;
        let accounts = world.accounts().map(|account| DemoAccount {
            did: account.identity.did.to_string(),
            handle: account.identity.handle.to_string(),
        });
        let accounts = accounts.collect();
        let shared = Arc::new(Shared {
            world: Mutex::new(world),
            changes: watch::Sender::new(0),
            cuts: watch::Sender::new(0),
            pds_url: format!("http://localhost:{}", addr.port()),
        });
        let shutdown = Shutdown::new();
        let mut tasks = TaskSet::new();
        let router: Router = plc::routes()
            .merge(xrpc::routes())
            .merge(relay::routes())
            .merge(jetstream::routes())
            .with_state(Arc::clone(&shared));
        let stop = shutdown.clone();
        tasks.spawn("sim.http", async move {
            let served = axum::serve(listener, router)
                .with_graceful_shutdown(async move { stop.cancelled().await });
            if let Err(error) = served.await {
                tracing::error!(%error, "the simulated network stopped answering");
            }
        });
        if config.writes_per_s > 0.0 {
            let pause = Duration::from_secs_f64(1.0 / config.writes_per_s);
            tasks.spawn(
                "sim.population",
                live(Arc::clone(&shared), population, clock, pause, shutdown.clone()),
            );
        }
        Ok(Self { shared, addr, accounts, shutdown, _tasks: tasks })
    }

    /// Base URL of the PLC directory.
    pub fn plc_url(&self) -> String {
        format!("http://localhost:{}/plc", self.addr.port())
    }

    /// Base URL of the PDS, which is also where handles resolve.
    pub fn pds_url(&self) -> String {
        self.shared.pds_url.clone()
    }

    /// Base URL of the relay, with the scheme of a WebSocket.
    pub fn relay_url(&self) -> String {
        format!("ws://localhost:{}", self.addr.port())
    }

    /// Base URL of Jetstream, both wires, with the scheme of a WebSocket.
    pub fn jetstream_url(&self) -> String {
        format!("ws://localhost:{}", self.addr.port())
    }

    /// Cuts every WebSocket connection; readers may come again at once.
    pub fn cut_connections(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
        self.shared.changes.send_modify(|changes| *changes += 1);
    }

    /// The accounts, the best known first.
    pub fn accounts(&self) -> &[DemoAccount] {
        &self.accounts
    }

    /// Changes the world by hand.
    pub fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        self.shared.change(change)
    }

    /// Looks at the world.
    pub fn look<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.shared.world.lock())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// The network as it is before anyone looks.
pub fn history(config: &SimConfig, now_us: i64) -> Result<(World, Population)> {
    let history_us = i64::try_from(config.history_s.saturating_mul(1_000_000)).unwrap_or(0);
    let start_us = now_us.saturating_sub(history_us);
    let mut world = World::new(config.seed, config.relay_bytes_max);
    let mut population = Population::settle(&mut world, config.seed, config.accounts, start_us)?;
    let step_us = history_us / (i64::from(config.history_writes) + 1);
    for step in 1..=i64::from(config.history_writes) {
        population.act(&mut world, start_us + step * step_us)?;
    }
    Ok((world, population))
}

async fn live(
    shared: Arc<Shared>,
    mut population: Population,
    clock: SharedClock,
    pause: Duration,
    stop: Shutdown,
) {
    let mut ticks = tokio::time::interval(pause);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = shared.change(|world| population.act(world, clock.now_us())) {
            tracing::warn!(%error, "a made-up person failed to write");
        }
    }
}
