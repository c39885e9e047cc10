//! Homes beside a world's data-plane: its facts make them, and the AppView asks for them.

use std::sync::Arc;

use millrace_dataplane::client::{Client as Dataplane, Local as Tables};
use millrace_feeds::Deps;
use millrace_feeds::client::Local;
use millrace_feeds::config::FeedsConfig;
use millrace_feeds::jobs::Jobs;
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
        let asked = (dictionary, Dataplane::Local(Arc::clone(tables)));
        let times = (shared.clone(), Rng::from_entropy());
        let deps = Deps::new(store.clone(), asked, FeedsConfig::default(), times, registry);
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
        let projection = Arc::new(Feeds { deps: deps.clone() });
        for topic in TOPICS {
            let worker = WorkerDeps {
                store: store.clone(),
                log: log.clone(),
                clock: shared.clone(),
                rng: Rng::seeded(4),
                registry: registry.clone(),
            };
            let worker =
                Worker::new(Arc::clone(&projection), worker, topic, 0, WorkerConfig::default());
            supervisor.spawn_critical(format!("feeds.{topic}"), move |end| async move {
                worker.run(&end).await.map_err(TaskError::diagnosed)
            });
        }
        Jobs::new(deps.clone()).start(&supervisor);
        let (local, sessions) = (Arc::new(Local::new(deps.clone())), deps.sessions);
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
