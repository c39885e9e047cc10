//! A process that dies: this test binary, started again as a child that applies entries until it
//! aborts at a chosen moment. Nothing of it is unwound or closed, as with `kill -9`.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use millrace_runtime::supervise::{Shutdown, spawn_detached_named};
use millrace_store::outbox::{self, Relay};
use millrace_store::worker::WorkerConfig;
use millrace_store::{EngineKind, StoreConfig, StoreError, offsets};
use serde_json::json;

use crate::toy::{TOPIC, Toy, worker_with};
use crate::world::{World, eventually};

/// Where the child is told what to do.
const ORDERS: &str = "MILLRACE_TEST_CRASH";
/// The signal of `abort`.
const SIGABRT: i32 = 6;

/// When the child dies: at the n-th time.
#[derive(Debug, Clone, Copy)]
pub enum Death {
    /// Rows and offset are written, the transaction is open.
    BeforeCommit(u32),
    AfterCommit(u32),
    /// Everything that was left is committed, the outbox is full.
    BeforeRelay(u32),
}

/// Runs a child that must die.
pub async fn run_until_killed(world: &World, death: Death) {
    let (moment, at) = match death {
        Death::BeforeCommit(at) => ("before-commit", at),
        Death::AfterCommit(at) => ("after-commit", at),
        Death::BeforeRelay(at) => ("before-relay", at),
    };
    let orders = json!({"moment": moment, "at": at, "until": 12});
    let status = child(world, orders).await;
    assert_eq!(status.signal(), Some(SIGABRT), "{death:?}: the child should have died by itself");
}

/// Runs a child that applies and relays everything.
pub async fn run_until_done(world: &World, until: i64) {
    let orders = json!({"moment": "never", "at": 0, "until": until});
    assert!(child(world, orders).await.success(), "the child should have finished");
}

/// Runs a child; how it ended.
async fn child(world: &World, mut orders: serde_json::Value) -> ExitStatus {
    // Each child comes so much later that the lease of the one before has run out.
    world.manual.advance(Duration::from_secs(60));
    orders["now_us"] = json!(world.clock.now_us());
    orders["dir"] = json!(world.dir.path());
    orders["postgres_url"] = json!(world.config.postgres_url.as_ref().map(|url| url.expose()));
    let run = move || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::the_child", "--nocapture"])
            .env(ORDERS, orders.to_string())
            .output()
            .unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    output.status
}

/// Not a test of its own: what a child process runs.
#[test]
fn the_child() {
    let Ok(orders) = std::env::var(ORDERS) else { return };
    let orders: serde_json::Value = serde_json::from_str(&orders).unwrap();
    let mut world = World::new(EngineKind::Sqlite);
    let dir = std::path::Path::new(orders["dir"].as_str().unwrap());
    world.config = match orders["postgres_url"].as_str() {
        Some(url) => StoreConfig::at_postgres(url),
        None => StoreConfig::in_dir(dir.join("store")),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(work(&world, dir, &orders));
}

fn dying(orders: &serde_json::Value, moment: &str) -> Option<Box<dyn Fn() + Send + Sync>> {
    if orders["moment"] != moment {
        return None;
    }
    let at = u32::try_from(orders["at"].as_u64().unwrap()).unwrap();
    let times = AtomicU32::new(0);
    Some(Box::new(move || {
        if times.fetch_add(1, Ordering::SeqCst) + 1 == at {
            std::process::abort();
        }
    }))
}

async fn work(world: &World, dir: &std::path::Path, orders: &serde_json::Value) {
    world.manual.set_us(orders["now_us"].as_i64().unwrap());
    let store = world.store().await;
    let log = world.log_in(dir);
    let toy = Arc::new(Toy {
        before_commit: dying(orders, "before-commit"),
        after_commit: dying(orders, "after-commit"),
        ..Toy::default()
    });
    let config = WorkerConfig { batch_entries_max: 2, ..WorkerConfig::default() };
    let (worker, shutdown) = (worker_with(world, &toy, &store, &log, config), Shutdown::new());
    let stop = shutdown.clone();
    let running = spawn_detached_named("worker", async move { worker.run(&stop).await });
    let until = orders["until"].as_i64();
    eventually("everything is applied", || async {
        let offset: Result<_, StoreError> =
            store.read(|tx| offsets::load(tx, "toy", TOPIC, 0)).await;
        (offset.unwrap() == until).then_some(())
    })
    .await;
    shutdown.cancel();
    running.await.unwrap().unwrap();
    if let Some(die) = dying(orders, "before-relay") {
        die();
    }
    let relay = Relay::new(
        store.clone(),
        log.clone(),
        world.clock.clone(),
        world.rng.fork(),
        &world.registry,
    );
    while relay.relay_batch().await.unwrap() > 0 {}
    let left: Result<i64, StoreError> = store.read(outbox::count).await;
    assert_eq!(left.unwrap(), 0);
}
