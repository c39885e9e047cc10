//! The process that has the data: the log, the tables, and everything that writes them.

use std::sync::Arc;

use axum::Router;
use millrace_dataplane::audit::Background;
use millrace_dataplane::client::Local;
use millrace_dataplane::metrics::Metrics;
use millrace_dataplane::query::Context;
use millrace_dataplane::ranking::Rankings;
use millrace_dataplane::rebuild::RebuildDeps;
use millrace_dataplane::worker::{self, Dataplane};
use millrace_ingest::{Ahead, Client, Ingest, IngestDeps, ScopeKind};
use millrace_log::{Log, Topic};
use millrace_push::Vapid;
use millrace_runtime::config::Secret;
use millrace_runtime::supervise::{Policy, TaskError};
use millrace_store::outbox::Relay;
use millrace_store::worker::{Worker, WorkerConfig, WorkerDeps};
use millrace_store::{
    Dictionary, Domain, EngineKind, Store, StoreConfig, StoreError, clear_rebuild,
};

use super::Common;
use super::ahead;
use super::budget::Budget;
use super::feeds;
use super::forget::Forget;
use super::grpc;
use super::health::{self, Health};
use super::interest::Interest;
use super::outside::Outside;
use super::progress::Consumer;
use super::purge;
use super::push;
use super::resync;
use super::retention::Retain;
use super::webhooks;
use crate::admin::audit::{self, Upkeep};
use crate::admin::backfill::{self, Backfills, Readers};
use crate::admin::backup::Place;
use crate::admin::backup::job::Backups;
use crate::admin::operate::{self, Operate};
use crate::admin::rebuild::told_since_us;
use crate::admin::routes::{self, AdminState};
use crate::admin::status::Running;
use crate::config::Config;
use crate::disk::Disk;
use crate::failure::Failure;
use crate::roles::Roles;

/// Log, tables, and their clients.
pub(super) struct Data {
    log: Log,
    stores: Stores,
    consumer: Consumer,
    pub(super) dataplane: Arc<Local>,
    /// Homes, where they are made.
    pub(super) feeds: Option<Arc<millrace_feeds::client::Local>>,
    pub(super) ingest: Client,
    disk: Disk,
}

struct Stores {
    dictionary: Dictionary,
    ingest: Store,
    dataplane: Store,
    own: Store,
    feeds: Store,
}

impl Data {
    /// Opens everything and starts what works on it.
    pub(super) async fn start(
        config: &Config,
        common: &Common,
        outside: &Outside,
        vapid: Option<Vapid>,
    ) -> Result<Self, Failure> {
        let log = Log::open(&config.log(), common.clock.clone(), &common.registry)?;
        let stores = Stores::open(&config.store(), common).await?;
        let context = Context {
            image_url_pattern: config.appview.appview.image_url_pattern(),
            rankings: start_rankings(common, &stores.dataplane),
            new_post: config.notifications.new_post,
            push_key: vapid.as_ref().map(Vapid::public_key),
        };
        let dataplane = Arc::new(Local {
            store: stores.dataplane.clone(),
            own: stores.own.clone(),
            context,
            clock: common.clock.clone(),
        });
        let consumer = Consumer {
            store: stores.dataplane.clone(),
            projection: worker::NAME,
            topic: Topic::NetworkEntries,
        };
        let ahead = Ahead::new(config.ingest().resync.ahead_bytes_max);
        ahead::start(&ahead, &consumer, &log, &common.supervisor);
        start_worker(config, common, &log, &stores, ahead.clone());
        start_relay(common, &log, &stores.dataplane);
        start_relay(common, &log, &stores.own);
        start_relay(common, &log, &stores.feeds);
        let asked = millrace_dataplane::Client::Local(Arc::clone(&dataplane));
        let feeds =
            feeds::start(config, common, &log, &stores.feeds, (&stores.dictionary, asked)).await?;
        if let Some(vapid) = vapid {
            let asked = millrace_dataplane::Client::Local(Arc::clone(&dataplane));
            push::start(config, common, &stores.own, asked, (outside.http.clone(), vapid));
        }
        let hooks = webhooks::open(config, common, &log, (&stores.own, &outside.http)).await?;
        webhooks::start(common, &log, &stores.own, &hooks);
        start_audit(config, common, &stores.dataplane);
        Retain::new(
            &config.log,
            log.clone(),
            std::iter::once(consumer.clone())
                .chain(feeds::consumers(config, &stores.feeds))
                .chain(webhooks::consumers(&hooks, &stores.own))
                .collect(),
            vec![stores.dataplane.clone(), stores.feeds.clone()],
            &common.registry,
        )
        .start(&common.supervisor);
        let (clock, registry) = (common.clock.clone(), &common.registry);
        let budget = Budget::new(config, log.clone(), &stores.dataplane, clock, registry);
        let (disk, samples) = (budget.disk(), budget.look_first().await);
        let ingest = start_ingest(config, common, outside, &log, &stores, ahead)?;
        if let Client::Local(local) = &ingest {
            let readers = readers(config, common, &stores);
            local.set_interesting(Box::new(move || {
                let readers = readers.clone();
                Box::pin(async move { readers.interesting().await })
            }));
            budget.start(samples, Arc::clone(local), &common.supervisor);
        }
        start_interest(config, common, &log, &stores, &ingest);
        Forget::new(
            config.store.retention.clone(),
            stores.dataplane.clone(),
            log.clone(),
            common.clock.clone(),
            &common.registry,
        )
        .start(&common.supervisor);
        purge::start(stores.dataplane.clone(), stores.own.clone(), &common.supervisor);
        resync::start(stores.dataplane.clone(), ingest.clone(), &common.supervisor);
        Ok(Self { log, stores, consumer, dataplane, feeds, ingest, disk })
    }

    /// What the internal listener answers.
    pub(super) async fn router(
        &self,
        config: &Config,
        roles: &Roles,
        common: &Common,
        token: Secret,
    ) -> Router {
        let secret = config.dataplane.secret();
        let admin = AdminState {
            dataplane: self.stores.dataplane.clone(),
            feeds: self.stores.feeds.clone(),
            own: self.stores.own.clone(),
            store: config.store(),
            clock: common.clock.clone(),
            token: token.clone(),
            disk: self.disk.clone(),
            ingest: self.ingest.clone(),
        };
        let operate = self.operate(config, roles, common);
        let health = Health {
            log: self.log.clone(),
            consumer: self.consumer.clone(),
            lag_entries_max: config.dataplane.dataplane.ready_lag_entries_max,
            disk: self.disk.clone(),
        };
        let grpc =
            grpc::routes(Arc::clone(&self.dataplane), self.feeds.as_ref(), secret.clone()).await;
        let router = Router::new()
            .merge(millrace_dataplane::rpc::routes(Arc::clone(&self.dataplane), secret.clone()))
            .merge(grpc)
            .merge(routes::router(admin))
            .merge(operate::router(operate, token.clone()))
            .merge(audit::router(self.upkeep(config, common), token.clone()))
            .merge(backfill::router(self.backfills(config, common), token.clone()))
            .merge(operate::cache_router(common.registry.caches().clone(), token))
            .merge(health::router(health))
            .merge(health::metrics_router(common.registry.clone()));
        let router = match &self.feeds {
            Some(feeds) => {
                router.merge(millrace_feeds::rpc::routes(Arc::clone(feeds), secret.clone()))
            }
            None => router,
        };
        match &self.ingest {
            Client::Local(local) => {
                router.merge(millrace_ingest::routes(Arc::clone(local), secret))
            }
            Client::Remote(_) => router,
        }
    }

    /// What an operator looks at and has done.
    fn operate(&self, config: &Config, roles: &Roles, common: &Common) -> Operate {
        let place = Place::new(config, common.clock.clone());
        Operate {
            backups: Backups::new(place.clone(), self.log.clone(), common.supervisor.clone()),
            place,
            running: Running {
                log: self.log.clone(),
                ingest: self.ingest.clone(),
                dataplane: Arc::clone(&self.dataplane),
                registry: common.registry.clone(),
                started_us: common.clock.now_us(),
                roles: roles.to_string(),
                lag_entries_max: config.dataplane.dataplane.ready_lag_entries_max,
            },
        }
    }

    /// Accounts that an operator wants whole.
    fn backfills(&self, config: &Config, common: &Common) -> Backfills {
        let readers = readers(config, common, &self.stores);
        Backfills { ingest: self.ingest.clone(), readers }
    }

    /// Audits, repairs and rebuilds that an operator asks for.
    fn upkeep(&self, config: &Config, common: &Common) -> Upkeep {
        let deps = RebuildDeps {
            store: self.stores.dataplane.clone(),
            dictionary: self.stores.dictionary.clone(),
            log: self.log.clone(),
            config: config.store(),
            clock: common.clock.clone(),
            rng: common.rng.fork(),
            told_since_us: told_since_us(config, common.clock.now_us()),
        };
        Upkeep::new(deps, config.clone(), common.supervisor.clone())
    }

    /// Closes the tables, then the log: rows refer to the log, never the other way round.
    pub(super) async fn close(self) {
        let Stores { dictionary, ingest, dataplane, own, feeds } = &self.stores;
        for store in [feeds, ingest, dataplane, own, dictionary.store()] {
            store.close().await;
        }
        self.log.close().await;
    }
}

impl Stores {
    async fn open(config: &StoreConfig, common: &Common) -> Result<Self, StoreError> {
        let Common { clock, registry, .. } = common;
        // Files are this process's alone, and no rebuild of its own has begun.
        if config.engine == EngineKind::Sqlite {
            clear_rebuild(config).await?;
        }
        let dictionary = Dictionary::open(config, clock, registry).await?;
        let own =
            Store::open(config, Domain::Own, millrace_dataplane::schema::OWN, &[], clock, registry)
                .await?;
        let ingest =
            Store::open(config, Domain::Ingest, millrace_ingest::MIGRATIONS, &[], clock, registry)
                .await?;
        let attach = [Domain::Dictionary, Domain::Own];
        let migrations = millrace_dataplane::schema::DATAPLANE;
        let dataplane =
            Store::open(config, Domain::Dataplane, migrations, &attach, clock, registry).await?;
        let migrations = millrace_feeds::schema::FEEDS;
        let feeds =
            Store::open(config, Domain::Feeds, migrations, &attach, clock, registry).await?;
        Ok(Self { dictionary, ingest, dataplane, own, feeds })
    }
}

/// One worker for each partition. An end of one is an end of the process: its error needs a person.
fn start_worker(config: &Config, common: &Common, log: &Log, stores: &Stores, ahead: Ahead) {
    let projection = Dataplane::new(stores.dictionary.clone(), Metrics::new(&common.registry));
    let told = move |partition, next| ahead.applied(partition, next);
    let projection = Arc::new(projection.telling(Arc::new(told)));
    let settings = WorkerConfig {
        batch_entries_max: config.dataplane.dataplane.batch_entries_max as usize,
        batch_bytes_max: usize::try_from(config.dataplane.dataplane.batch_bytes_max)
            .unwrap_or(usize::MAX),
        ..WorkerConfig::default()
    };
    for partition in 0..log.partitions(Topic::NetworkEntries) {
        let deps = WorkerDeps {
            store: stores.dataplane.clone(),
            log: log.clone(),
            clock: common.clock.clone(),
            rng: common.rng.fork(),
            registry: common.registry.clone(),
        };
        let worker = Worker::new(
            Arc::clone(&projection),
            deps,
            Topic::NetworkEntries,
            partition,
            settings.clone(),
        );
        let name = format!("dataplane.worker.{partition}");
        common.supervisor.spawn_critical(name, move |shutdown| async move {
            worker.run(&shutdown).await.map_err(TaskError::diagnosed)
        });
    }
}

/// Counts everything derived again, gently, for as long as the process runs.
fn start_audit(config: &Config, common: &Common, store: &Store) {
    let settings = config.dataplane.dataplane.audit.clone();
    let (of, clock) = (config.clone(), common.clock.clone());
    let since_us = move || told_since_us(&of, clock.now_us());
    let (rng, registry) = (common.rng.fork(), &common.registry);
    let audit = Background::new(store.clone(), settings, since_us, &rng, registry);
    let audit = Arc::new(audit);
    common.supervisor.spawn("dataplane.audit", Policy::restart(), move |shutdown| {
        let audit = Arc::clone(&audit);
        async move {
            audit.run(&shutdown).await;
            Ok(())
        }
    });
}

/// Looks now and then for what is best known here.
fn start_rankings(common: &Common, store: &Store) -> Rankings {
    let rankings = Rankings::default();
    let (kept, store) = (rankings.clone(), store.clone());
    common.supervisor.spawn("dataplane.rankings", Policy::restart(), move |shutdown| {
        let (kept, store) = (kept.clone(), store.clone());
        async move {
            kept.run(&store, &shutdown).await;
            Ok(())
        }
    });
    rankings
}

fn start_relay(common: &Common, log: &Log, store: &Store) {
    let relay = Relay::new(
        store.clone(),
        log.clone(),
        common.clock.clone(),
        common.rng.fork(),
        &common.registry,
    );
    let relay = Arc::new(relay);
    let name = format!("{}.relay", store.domain());
    common.supervisor.spawn(name, Policy::restart(), move |shutdown| {
        let relay = Arc::clone(&relay);
        async move { relay.run(&shutdown).await.map_err(TaskError::diagnosed) }
    });
}

/// Ingest is told who is of interest, where it follows nobody else.
fn start_interest(config: &Config, common: &Common, log: &Log, stores: &Stores, ingest: &Client) {
    let settings = config.ingest();
    if settings.scope != ScopeKind::Interest {
        return;
    }
    let interest = Interest {
        store: stores.dataplane.clone(),
        log: log.clone(),
        ingest: ingest.clone(),
        config: settings.interest,
        clock: common.clock.clone(),
    };
    interest.start(&common.supervisor);
}

/// Who is of interest, whatever the scope is.
fn readers(config: &Config, common: &Common, stores: &Stores) -> Readers {
    let (dataplane, clock) = (stores.dataplane.clone(), common.clock.clone());
    Readers { dataplane, interest: config.ingest().interest, clock }
}

fn start_ingest(
    config: &Config,
    common: &Common,
    outside: &Outside,
    log: &Log,
    stores: &Stores,
    ahead: Ahead,
) -> Result<Client, Failure> {
    let deps = IngestDeps {
        ahead: Some(ahead),
        log: log.clone(),
        store: stores.ingest.clone(),
        resolver: outside.resolver.clone(),
        pds: outside.pds.clone(),
        clock: common.clock.clone(),
        rng: common.rng.fork(),
        config: config.ingest(),
        registry: common.registry.clone(),
    };
    Ok(Ingest::start(deps, &common.supervisor)?)
}
