//! Starting ingest in a process.

use std::sync::{Arc, OnceLock};

use millrace_log::Log;
use millrace_net::{PdsClient, Resolver};
use millrace_runtime::clock::SharedClock;
use millrace_runtime::metrics::Registry;
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::{Policy, Supervisor, TaskError};
use millrace_store::Store;

use crate::ahead::Ahead;
use crate::backfill::{Jobs, Paces, Tally};
use crate::brake::Brake;
use crate::client::{Client, Local, LocalParts};
use crate::config::IngestConfig;
use crate::error::IngestError;
use crate::looked::Looked;
use crate::metrics::Metrics;
use crate::progress::SourceState;
use crate::run::Runner;
use crate::scope::Scope;
use crate::status::Board;

/// What ingest works with. `store` is the `ingest` domain, opened with [`crate::MIGRATIONS`].
#[derive(Clone)]
pub struct IngestDeps {
    pub log: Log,
    pub store: Store,
    pub resolver: Resolver,
    pub pds: PdsClient,
    pub clock: SharedClock,
    pub rng: Rng,
    pub config: IngestConfig,
    pub registry: Registry,
    /// Told by whoever applies the log, where that is this process: fetched repositories wait for it.
    pub ahead: Option<Ahead>,
}

/// Ingest in this process.
pub struct Ingest;

impl Ingest {
    /// Follows the configured sources until the supervisor drains. Returns at once; how it goes is
    /// seen through the client.
    ///
    /// # Errors
    /// The configuration cannot work.
    pub fn start(deps: IngestDeps, supervisor: &Supervisor) -> Result<Client, IngestError> {
        deps.config.check()?;
        let config = Arc::new(deps.config.clone());
        let sources = config
            .sources
            .iter()
            .map(|source| Ok(Arc::new(SourceState::new(source)?)))
            .collect::<Result<Vec<_>, IngestError>>()?;
        let metrics = Arc::new(Metrics::new(&deps.registry));
        let scope = Arc::new(Scope::new(config.scope, metrics.scope_accounts.clone()));
        let brake = Brake::default();
        let (store, followed) = (deps.store.clone(), Arc::clone(&scope));
        let board = Arc::new(Board::new(&deps, Arc::clone(&metrics)));
        board.start(supervisor);
        let (tally, paces) = (Arc::new(Tally::default()), Arc::new(Paces::default()));
        let jobs = Jobs {
            store: store.clone(),
            clock: deps.clock.clone(),
            config: Arc::clone(&config),
            sources: sources.clone(),
            tally: Arc::clone(&tally),
            paces: Arc::clone(&paces),
            interesting: OnceLock::new(),
        };
        let looked = config.fetch_looked_at.then(|| Arc::new(Looked::default()));
        let local = Arc::new(Local::new(LocalParts {
            store,
            sources: sources.clone(),
            scope: followed,
            brake: brake.clone(),
            board,
            jobs,
            looked: looked.clone(),
            metrics: Arc::clone(&metrics),
        }));
        // Where no other process can write, whoever held the leases before has ended: they need not
        // run out first.
        let holder = if deps.store.is_shared() {
            format!("{:016x}", deps.rng.next_u64())
        } else {
            "local".to_owned()
        };
        let runner = Arc::new(Runner {
            deps,
            config,
            sources,
            local: Arc::clone(&local),
            metrics,
            scope,
            brake,
            tally,
            paces,
            looked,
            holder,
        });
        supervisor.spawn("ingest", Policy::restart(), move |shutdown| {
            let runner = Arc::clone(&runner);
            async move {
                let ended = runner.run(shutdown).await;
                ended.inspect_err(|error| runner.failed(error)).map_err(TaskError::from)
            }
        });
        Ok(Client::Local(local))
    }
}
