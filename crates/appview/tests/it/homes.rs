//! Homes beside a world's data-plane: its facts make them, and the AppView asks for them.

use std::sync::Arc;

use millrace_dataplane::client::{Client as Dataplane, Local as Tables};
use millrace_feeds::client::{Local, LocalDeps};
use millrace_feeds::config::FeedsConfig;
use millrace_feeds::jobs::{Jobs, JobsDeps, Wakes};
use millrace_feeds::metrics::Metrics;
use millrace_feeds::query::session::Sessions;
use millrace_feeds::schema;
use millrace_feeds::worker::{Feeds, TOPICS};
use millrace_log::Log;
use millrace_runtime::caches::Cached as _;
use millrace_runtime::clock::ManualClock;
use millrace_runtime::metrics::Registry;
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::{Policy, Supervisor, TaskError};
use millrace_store::outbox::Relay;
use millrace_store::testing::Place;
use millrace_store::worker::{Worker, WorkerConfig, WorkerDeps};
use millrace_store::{Dictionary, Domain, Store};

/// Homes, and what makes them.
pub struct Homes {
    pub local: Arc<Local>,
    pub sessions: Sessions,
    pub supervisor: Supervisor,
}

impl Homes {
    pub async fn start(
        place: &Place,
        clock: &ManualClock,
        registry: &Registry,
        log: &Log,
        dictionary: Dictionary,
        tables: &Arc<Tables>,
    ) -> Self {
        let (config, shared) = (place.config(), clock.shared());
        let attach = [Domain::Dictionary, Domain::Own];
        let store = Store::open(&config, Domain::Feeds, schema::FEEDS, &attach, &shared, registry)
            .await
            .unwrap();
        let settings = Arc::new(FeedsConfig::default());
        let (wakes, metrics) = (Arc::new(Wakes::default()), Metrics::new(registry));
        let sessions = Sessions::new(&settings, registry);
        let dataplane = Dataplane::Local(Arc::clone(tables));
        let supervisor = Supervisor::new(registry);
        for told in [&tables.store, &tables.own] {
            let relay =
                Relay::new(told.clone(), log.clone(), shared.clone(), Rng::seeded(3), registry);
            let relay = Arc::new(relay);
            supervisor.spawn(format!("{}.relay", told.domain()), Policy::restart(), move |end| {
                let relay = Arc::clone(&relay);
                async move { relay.run(&end).await.map_err(TaskError::diagnosed) }
            });
        }
        let projection = Arc::new(Feeds {
            store: store.clone(),
            dictionary: dictionary.clone(),
            dataplane: dataplane.clone(),
            rescore_after_us: 5_000_000,
            wakes: Arc::clone(&wakes),
            metrics: metrics.clone(),
        });
        for topic in TOPICS {
            let deps = WorkerDeps {
                store: store.clone(),
                log: log.clone(),
                clock: shared.clone(),
                rng: Rng::seeded(4),
                registry: registry.clone(),
            };
            let worker =
                Worker::new(Arc::clone(&projection), deps, topic, 0, WorkerConfig::default());
            supervisor.spawn_critical(format!("feeds.{topic}"), move |end| async move {
                worker.run(&end).await.map_err(TaskError::diagnosed)
            });
        }
        Jobs::new(JobsDeps {
            store: store.clone(),
            dictionary: dictionary.clone(),
            dataplane: dataplane.clone(),
            config: Arc::clone(&settings),
            clock: shared.clone(),
            rng: Rng::seeded(5),
            wakes: Arc::clone(&wakes),
            sessions: sessions.clone(),
            metrics: metrics.clone(),
        })
        .start(&supervisor);
        let local = Arc::new(Local::new(LocalDeps {
            store,
            dictionary,
            dataplane,
            config: settings,
            clock: shared,
            rng: Rng::from_entropy(),
            wakes,
            sessions: sessions.clone(),
            metrics,
        }));
        Self { local, sessions, supervisor }
    }
}

impl Homes {
    /// The next page is made anew.
    pub fn forget_orders(&self) {
        self.sessions.clear();
    }
}

impl Drop for Homes {
    fn drop(&mut self) {
        self.supervisor.shutdown();
    }
}
