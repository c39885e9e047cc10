//! A worker that runs beside a test, and what the test looks at meanwhile.

use std::sync::Arc;
use std::time::Duration;

use millrace_log::Log;
use millrace_runtime::supervise::{Shutdown, spawn_detached_named};
use millrace_store::parked::{self, Parked, ParkedFilter};
use millrace_store::worker::{ApplyError, WorkerConfig, WorkerError};
use millrace_store::{Store, StoreError, offsets};
use tokio::task::JoinHandle;

use crate::toy::{TOPIC, Toy, effects, worker_with};
use crate::world::{World, eventually};

/// A worker that runs until it is stopped.
pub struct Running {
    pub shutdown: Shutdown,
    pub task: JoinHandle<Result<(), WorkerError>>,
}

impl Running {
    pub fn start(world: &World, toy: &Arc<Toy>, store: &Store, log: &Log) -> Running {
        Running::start_with(world, toy, store, log, WorkerConfig::default())
    }

    pub fn start_with(
        world: &World,
        toy: &Arc<Toy>,
        store: &Store,
        log: &Log,
        config: WorkerConfig,
    ) -> Running {
        let shutdown = Shutdown::new();
        let (worker, stop) = (worker_with(world, toy, store, log, config), shutdown.clone());
        let task = spawn_detached_named("worker", async move { worker.run(&stop).await });
        Running { shutdown, task }
    }

    pub async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }
}

/// Runs a worker until `next_offset` is committed.
pub async fn run_until(world: &World, toy: &Arc<Toy>, store: &Store, log: &Log, next_offset: i64) {
    let running = Running::start(world, toy, store, log);
    reached(store, next_offset).await;
    running.stop().await;
}

pub async fn reached(store: &Store, next_offset: i64) {
    eventually("the offset is committed", || async {
        (offset(store).await == Some(next_offset)).then_some(())
    })
    .await;
}

pub async fn offset(store: &Store) -> Option<i64> {
    let offset: Result<_, StoreError> = store.read(|tx| offsets::load(tx, "toy", TOPIC, 0)).await;
    offset.unwrap()
}

pub async fn parked(store: &Store) -> Vec<Parked> {
    let filter = ParkedFilter { limit: 100, ..ParkedFilter::default() };
    let page: Result<_, StoreError> = store.read(move |tx| parked::list(tx, &filter)).await;
    page.unwrap()
}

pub async fn reasons(store: &Store) -> Vec<(i64, String)> {
    parked(store).await.into_iter().map(|it| (it.offset, it.reason)).collect()
}

pub async fn effects_are(store: &Store, expected: &[&str]) {
    eventually("the effects are as expected", || async {
        (effects(store).await == expected).then_some(())
    })
    .await;
}

pub async fn stops_with(running: Running) -> ApplyError {
    let stopped = tokio::time::timeout(Duration::from_secs(20), running.task).await;
    stopped.unwrap().unwrap().unwrap_err().error
}
