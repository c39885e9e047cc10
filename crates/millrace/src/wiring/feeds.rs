//! Homes: the workers that turn facts into them, the tasks beside these, and who answers for them.

use std::sync::Arc;

use millrace_dataplane::Client as Dataplane;
use millrace_feeds::Deps;
use millrace_feeds::client::Local;
use millrace_feeds::jobs::Jobs;
use millrace_feeds::worker::{self, Feeds};
use millrace_log::Log;
use millrace_runtime::supervise::{Policy, TaskError};
use millrace_store::worker::{Worker, WorkerConfig, WorkerDeps};
use millrace_store::{Dictionary, Store};

use super::Common;
use super::progress::Consumer;
use crate::config::Config;
use crate::failure::Failure;

/// Whom retention waits for.
pub(super) fn consumers(config: &Config, store: &Store) -> Vec<Consumer> {
    let consumer = |topic| Consumer { store: store.clone(), projection: worker::NAME, topic };
    match config.feeds.enabled {
        true => worker::TOPICS.map(consumer).into(),
        false => Vec::new(),
    }
}

/// Starts everything that makes homes, unless they are read by pull.
pub(super) async fn start(
    config: &Config,
    common: &Common,
    log: &Log,
    store: &Store,
    (dictionary, dataplane): (&Dictionary, Dataplane),
) -> Result<Option<Arc<Local>>, Failure> {
    if !config.feeds.enabled {
        return Ok(None);
    }
    worker::make_ready(store, log).await?;
    let deps = Deps::new(
        store.clone(),
        (dictionary.clone(), dataplane),
        config.feeds.clone(),
        (common.clock.clone(), common.rng.fork()),
        &common.registry,
    );
    let projection = Arc::new(Feeds { deps: deps.clone() });
    start_workers(config, common, log, store, &projection);
    Jobs::new(deps.clone()).start(&common.supervisor);
    let local = Arc::new(Local::new(deps));
    let (watched, log) = (Arc::clone(&local), log.clone());
    common.supervisor.spawn("feeds.lag", Policy::restart(), move |shutdown| {
        let (watched, log) = (Arc::clone(&watched), log.clone());
        async move {
            watched.watch_lag(&log, &shutdown).await;
            Ok(())
        }
    });
    Ok(Some(local))
}

/// One worker for each partition of each topic that tells of something.
fn start_workers(
    config: &Config,
    common: &Common,
    log: &Log,
    store: &Store,
    projection: &Arc<Feeds>,
) {
    let settings = WorkerConfig {
        batch_entries_max: config.feeds.batch_entries_max as usize,
        batch_bytes_max: usize::try_from(config.feeds.batch_bytes_max).unwrap_or(usize::MAX),
        ..WorkerConfig::default()
    };
    for topic in worker::TOPICS {
        for partition in 0..log.partitions(topic) {
            let deps = WorkerDeps {
                store: store.clone(),
                log: log.clone(),
                clock: common.clock.clone(),
                rng: common.rng.fork(),
                registry: common.registry.clone(),
            };
            let worker =
                Worker::new(Arc::clone(projection), deps, topic, partition, settings.clone());
            let name = format!("feeds.worker.{topic}.{partition}");
            common.supervisor.spawn_critical(name, move |shutdown| async move {
                worker.run(&shutdown).await.map_err(TaskError::diagnosed)
            });
        }
    }
}
