//! Services that are told of posts: a worker for each webhook, topic and partition.

use std::sync::Arc;
use std::time::Duration;

use millrace_log::{Log, Topic};
use millrace_net::HttpClient;
use millrace_runtime::supervise::{Policy, TaskError};
use millrace_store::Store;
use millrace_store::worker::{Worker, WorkerDeps};
use millrace_webhooks::{Hook, HookDeps, forget_others};

use super::Common;
use super::progress::Consumer;
use crate::config::Config;
use crate::failure::{Failure, ProgramError};

const HOUR_US: i64 = 3_600_000_000;
/// How often it is counted what waits for a person.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// The webhooks of the configuration, ready to be told.
pub(super) async fn open(
    config: &Config,
    common: &Common,
    log: &Log,
    (own, http): (&Store, &HttpClient),
) -> Result<Vec<Arc<Hook>>, Failure> {
    let deps = HookDeps {
        own: own.clone(),
        http: http.clone(),
        clock: common.clock.clone(),
        registry: common.registry.clone(),
        shutdown: common.supervisor.shutdown_token(),
        log_kept_us: i64::from(config.log.retention_hours).saturating_mul(HOUR_US),
    };
    let mut hooks = Vec::new();
    for receiver in &config.webhooks.receivers {
        let hook = Hook::new(receiver, &config.webhooks, deps.clone());
        let hook = hook.map_err(|(key, reason)| ProgramError::Setting { key, reason })?;
        hook.make_ready(log).await?;
        hooks.push(hook);
    }
    forget_others(own, &hooks).await?;
    Ok(hooks)
}

/// Whom retention waits for.
pub(super) fn consumers(hooks: &[Arc<Hook>], own: &Store) -> Vec<Consumer> {
    let of_hook = |hook: &Arc<Hook>| {
        let projection = hook.consumer();
        let consumer =
            move |topic: &Topic| Consumer { store: own.clone(), projection, topic: *topic };
        hook.topics().iter().map(consumer).collect::<Vec<Consumer>>()
    };
    hooks.iter().flat_map(of_hook).collect()
}

/// Starts their workers. One that ends holds up nobody: it begins again, after a while.
pub(super) fn start(common: &Common, log: &Log, own: &Store, hooks: &[Arc<Hook>]) {
    for hook in hooks {
        for topic in hook.topics().iter().copied() {
            for partition in 0..log.partitions(topic) {
                start_worker(common, log, own, (hook, topic, partition));
            }
        }
        let looking = Arc::clone(hook);
        let name = format!("{}.look", hook.consumer());
        common.supervisor.spawn(name, Policy::restart(), move |shutdown| {
            let hook = Arc::clone(&looking);
            async move {
                let mut ticks = tokio::time::interval(LOOK_EVERY);
                while shutdown.or(ticks.tick()).await.is_some() {
                    hook.look().await.map_err(TaskError::diagnosed)?;
                }
                Ok(())
            }
        });
    }
}

fn start_worker(
    common: &Common,
    log: &Log,
    own: &Store,
    (hook, topic, partition): (&Arc<Hook>, Topic, u32),
) {
    let deps = WorkerDeps {
        store: own.clone(),
        log: log.clone(),
        clock: common.clock.clone(),
        rng: common.rng.fork(),
        registry: common.registry.clone(),
    };
    let (hook, projection) = (Arc::clone(hook), Arc::new(hook.of(topic, partition)));
    let name = format!("{}.{topic}.{partition}", hook.consumer());
    common.supervisor.spawn(name, Policy::restart(), move |shutdown| {
        let (hook, projection, deps) = (Arc::clone(&hook), Arc::clone(&projection), deps.clone());
        async move {
            hook.make_ready(&deps.log).await.map_err(TaskError::diagnosed)?;
            let settings = hook.worker_config();
            let worker = Worker::new(projection, deps, topic, partition, settings);
            worker.run(&shutdown).await.map_err(TaskError::diagnosed)
        }
    });
}
