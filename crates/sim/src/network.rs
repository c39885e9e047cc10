//! A world served on loopback: PLC directory, relay and Jetstream behind one address, each PDS and each
//! feed generator's host behind one of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use millrace_runtime::clock::SharedClock;
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::{Shutdown, TaskSet};
use tokio::net::TcpListener;

use crate::faults::ServingFaults;
use crate::feeds::FeedRequest;
use crate::population::Population;
use crate::shared::{Shared, Urls};
use crate::world::{Truth, World};
use crate::{SimConfig, door, feeds, jetstream, labelers, plc};

/// A running network. Dropping it ends its tasks.
pub struct Network {
    shared: Arc<Shared>,
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
    /// Makes the history and serves it on free ports of loopback.
    pub async fn start(config: &SimConfig, clock: SharedClock) -> Result<Self> {
        let mut listeners = Vec::new();
        for _ in 0..OTHERS + config.labelers + config.hosts.max(1) {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
                .await
                .context("binding the simulated network")?;
            listeners.push(listener);
        }
        let addrs: Vec<SocketAddr> =
            listeners.iter().map(TcpListener::local_addr).collect::<Result<_, _>>()?;
        let ports: Vec<u16> = addrs.iter().map(SocketAddr::port).collect();
        let (others, rest) = ports.split_at(OTHERS as usize);
        let (labelers, hosts) = rest.split_at(config.labelers as usize);
        let (world, population) = history_on(config, clock.now_us(), hosts)?;
        let accounts = shown(&world);
        let faults =
            ServingFaults::new(config.faults.clone(), Rng::seeded(config.seed ^ SERVING_SEED));
        let shared = Shared::new(world, population, clock, urls(others, labelers, hosts), faults);
        let shared = Arc::new(shared);
        let shutdown = Shutdown::new();
        let mut tasks = TaskSet::new();
        for (listener, router) in listeners.into_iter().zip(routers(&shared)) {
            tasks.spawn("sim.http", serve(listener, router, shutdown.clone()));
        }
        if config.writes_per_s > 0.0 {
            let pause = Duration::from_secs_f64(1.0 / config.writes_per_s);
            tasks.spawn("sim.population", live(Arc::clone(&shared), pause, shutdown.clone()));
        }
        Ok(Self { shared, accounts, shutdown, _tasks: tasks })
    }

    /// Base URL of the PLC directory.
    pub fn plc_url(&self) -> String {
        format!("{}/plc", self.shared.urls.core)
    }

    /// Base URL of the first PDS, which is also where handles resolve.
    pub fn pds_url(&self) -> String {
        self.host_url(0)
    }

    /// Base URL of a PDS.
    pub fn host_url(&self, host: usize) -> String {
        self.shared.urls.host(host).to_owned()
    }

    /// Base URL of a PDS's firehose, with the scheme of a WebSocket.
    pub fn host_stream_url(&self, host: usize) -> String {
        self.shared.urls.host(host).replacen("http", "ws", 1)
    }

    /// Base URL of the relay, with the scheme of a WebSocket.
    pub fn relay_url(&self) -> String {
        self.shared.urls.core.replacen("http", "ws", 1)
    }

    /// Base URL of Jetstream, both wires, with the scheme of a WebSocket.
    pub fn jetstream_url(&self) -> String {
        self.relay_url()
    }

    /// Base URL of the feed generators that answer as they should.
    pub fn good_feeds_url(&self) -> String {
        self.shared.urls.good_feeds.clone()
    }

    /// Base URL of those that do not.
    pub fn hostile_feeds_url(&self) -> String {
        self.shared.urls.hostile_feeds.clone()
    }

    /// DIDs of the labelers that have a stream.
    pub fn labelers(&self) -> Vec<String> {
        self.look(|world| world.labelers().map(ToString::to_string).collect())
    }

    /// The accounts that could be shown when the network started, the best known first.
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

    /// Lets people act so many times, as fast as they can.
    pub fn act(&self, times: u32) -> Result<()> {
        for _ in 0..times {
            self.shared.act()?;
        }
        Ok(())
    }

    /// Says once more all that faults have kept from readers, see [`World::close_gaps`].
    pub fn close_gaps(&self) {
        let now_us = self.shared.clock.now_us();
        self.change(|world| world.close_gaps(now_us));
    }

    /// What is true now.
    pub fn truth(&self) -> Truth {
        self.look(World::truth)
    }

    /// What the hosts of feeds were asked, the oldest first.
    pub fn feed_requests(&self) -> Vec<FeedRequest> {
        self.shared.feed_requests()
    }

    /// How many proofs of single records PDSs were asked for.
    pub fn proofs_asked(&self) -> u64 {
        self.shared.proofs_asked.load(Ordering::Relaxed)
    }

    /// Ends every WebSocket connection; readers may come again at once.
    pub fn cut_connections(&self) {
        self.shared.cut();
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.shutdown.cancel();
        self.shared.cut();
    }
}

/// Listeners that are no PDS: the core and two hosts of feed generators.
const OTHERS: u32 = 3;
/// Keeps faults of serving apart from other draws of the seed.
const SERVING_SEED: u64 = 0x5EED_0F5E_2711_1265;

fn urls(others: &[u16], labelers: &[u16], hosts: &[u16]) -> Urls {
    let url = |port: &u16| format!("http://localhost:{port}");
    let other = |at: usize| others.get(at).map(url).unwrap_or_default();
    Urls {
        core: other(0),
        good_feeds: other(1),
        hostile_feeds: other(2),
        labelers: labelers.iter().map(url).collect(),
        hosts: hosts.iter().map(url).collect(),
    }
}

/// In the order of the listeners.
fn routers(shared: &Arc<Shared>) -> Vec<Router> {
    let core = plc::routes().merge(jetstream::routes()).with_state(Arc::clone(shared));
    let mut routers = vec![
        core.merge(door::relay(shared)),
        feeds::good().with_state(Arc::clone(shared)),
        feeds::hostile().with_state(Arc::clone(shared)),
    ];
    routers.extend((0..shared.urls.labelers.len()).map(|at| labelers::serve::routes(shared, at)));
    routers.extend((0..shared.urls.hosts.len()).map(|host| door::pds(shared, host)));
    routers
}

async fn serve(listener: TcpListener, router: Router, stop: Shutdown) {
    let served =
        axum::serve(listener, router).with_graceful_shutdown(async move { stop.cancelled().await });
    if let Err(error) = served.await {
        tracing::error!(%error, "the simulated network stopped answering");
    }
}

/// Accounts that everyone sees under the handle they have.
fn shown(world: &World) -> Vec<DemoAccount> {
    let shown = world.accounts().filter(|account| account.status.is_active());
    let shown = shown.filter_map(|account| {
        let did = &account.identity.did;
        let handle = world.verified_handle(did)?;
        Some(DemoAccount { did: did.to_string(), handle: handle.to_string() })
    });
    shown.collect()
}

/// The network as it is before anyone looks.
pub fn history(config: &SimConfig, now_us: i64) -> Result<(World, Population)> {
    history_on(config, now_us, &[])
}

fn history_on(config: &SimConfig, now_us: i64, ports: &[u16]) -> Result<(World, Population)> {
    let history_us = i64::try_from(config.history_s.saturating_mul(1_000_000)).unwrap_or(0);
    let start_us = now_us.saturating_sub(history_us);
    let mut world = World::new(config, ports);
    let mut population = Population::settle(&mut world, config, start_us)?;
    for _ in 0..config.labelers {
        world.create_labeler(start_us)?;
    }
    if config.repo_records > 0 {
        population.fill_repos(&mut world, config.repo_records, start_us)?;
    }
    let step_us = history_us / (i64::from(config.history_writes) + 1);
    for step in 1..=i64::from(config.history_writes) {
        population.act(&mut world, start_us + step * step_us)?;
        world.maybe_label(start_us + step * step_us);
    }
    Ok((world, population))
}

async fn live(shared: Arc<Shared>, pause: Duration, stop: Shutdown) {
    let mut ticks = tokio::time::interval(pause);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = shared.act() {
            tracing::warn!(%error, "a made-up person failed to write");
        }
    }
}
