//! What everything about homes works with.

use std::sync::Arc;

use millrace_dataplane::Client as Dataplane;
use millrace_runtime::clock::SharedClock;
use millrace_runtime::metrics::Registry;
use millrace_runtime::rng::Rng;
use millrace_store::{Dictionary, Store};

use crate::config::FeedsConfig;
use crate::jobs::Wakes;
use crate::metrics::Metrics;
use crate::query::session::Sessions;
use crate::score::Profile;

/// Shared by the projection, the tasks beside it and who answers questions: clones are the same.
#[derive(Clone)]
pub struct Deps {
    pub store: Store,
    pub dictionary: Dictionary,
    pub dataplane: Dataplane,
    pub config: Arc<FeedsConfig>,
    pub clock: SharedClock,
    pub rng: Rng,
    /// Orders that were served; whose homes change by what their readers did is told to them.
    pub sessions: Sessions,
    pub(crate) wakes: Arc<Wakes>,
    pub(crate) metrics: Metrics,
}

impl Deps {
    pub fn new(
        store: Store,
        (dictionary, dataplane): (Dictionary, Dataplane),
        config: FeedsConfig,
        (clock, rng): (SharedClock, Rng),
        registry: &Registry,
    ) -> Self {
        let sessions = Sessions::new(&config, registry);
        let metrics = Metrics::new(registry, &clock);
        let (config, wakes) = (Arc::new(config), Arc::default());
        Self { store, dictionary, dataplane, config, clock, rng, sessions, wakes, metrics }
    }

    pub(crate) fn profile(&self) -> Profile {
        self.config.profile()
    }
}
