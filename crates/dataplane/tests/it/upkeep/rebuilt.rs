//! Tables made anew are equal to those they were made from, and are those that are served.

use std::sync::Arc;

use millrace_atproto::entry::Entry;
use millrace_dataplane::progress::Progress;
use millrace_dataplane::rebuild::{self, RebuildDeps, RebuildOptions};
use millrace_log::{Append, Log, LogConfig, Retention, Topic};
use millrace_runtime::metrics::Registry;
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::{Shutdown, spawn_detached_named};
use millrace_store::worker::{Worker, WorkerConfig, WorkerDeps};
use millrace_store::{Domain, Param, Store, StoreError};

use super::{assert_clean, audited, everything};
use crate::entries::{self, did};
use crate::harness::{Harness, on_every_engine};
use crate::kinds::{ACTORS, history, similar_asserts};

on_every_engine!(
    tables_made_anew_are_equal,
    damage_does_not_outlive_a_rebuild,
    what_came_meanwhile_is_in_both,
    a_place_that_the_log_lost_is_found_again,
    every_repository_is_wanted_from_the_network,
    what_a_killed_rebuild_left_is_no_matter,
);

pub fn log_beside(harness: &Harness) -> Log {
    let config = LogConfig::in_dir(harness.place.dir().join("log"));
    Log::open(&config, harness.clock.clone(), &Registry::new()).unwrap()
}

pub fn deps(harness: &Harness, log: &Log) -> RebuildDeps {
    RebuildDeps {
        store: harness.store.clone(),
        dictionary: harness.dictionary.clone(),
        log: log.clone(),
        config: harness.config.clone(),
        clock: harness.clock.clone(),
        rng: Rng::seeded(5),
        told_since_us: i64::MIN,
    }
}

async fn rebuilt(harness: &Harness, log: &Log) -> rebuild::RebuildReport {
    let (progress, shutdown) = (Progress::default(), Shutdown::new());
    let options = RebuildOptions::default();
    rebuild::run(&deps(harness, log), options, &progress, &shutdown).await.unwrap()
}

async fn peopled(harness: &Harness, seed: u64) {
    let people: Vec<Entry> = ACTORS
        .iter()
        .map(|name| entries::identity(&did(name), 0, Some(&format!("{name}.test"))))
        .collect();
    harness.apply(&people).await;
    let rng = Rng::seeded(seed);
    let history = history(seed, 160);
    let mut rest = history.as_slice();
    while !rest.is_empty() {
        let (batch, after) = rest.split_at((1 + rng.below(50) as usize).min(rest.len()));
        harness.apply(batch).await;
        rest = after;
    }
    harness.apply(&[entries::account(&did("dan"), 9_000, false, Some("deleted"))]).await;
}

async fn tables_made_anew_are_equal(harness: Harness) {
    for seed in 20..26 {
        let fresh = harness.fresh().await;
        let log = log_beside(&fresh);
        peopled(&fresh, seed).await;
        let before = everything(&fresh).await;
        let report = rebuilt(&fresh, &log).await;
        similar_asserts(seed, &before, &everything(&fresh).await);
        assert!(report.rows > 0 && report.checked > 0 && !report.place_lost, "{report:?}");
        assert_clean(&audited(&fresh.store).await, "after a rebuild");
        // The store is the new tables: it takes writes, and counts on from where it was.
        fresh.apply(&history(seed + 50, 20)).await;
        assert_clean(&audited(&fresh.store).await, "writes after a rebuild");
    }
}

async fn damage_does_not_outlive_a_rebuild(harness: Harness) {
    let log = log_beside(&harness);
    peopled(&harness, 31).await;
    let before = everything(&harness).await;
    let damage = harness.store.write(|tx| {
        for sql in [
            "UPDATE record_count SET likes = 900",
            "DELETE FROM follow_by_subject",
            "DELETE FROM feed_item WHERE collection = 1",
            "DELETE FROM post_document",
        ] {
            tx.execute(sql, &[])?;
        }
        Ok::<_, StoreError>(())
    });
    damage.await.unwrap();
    rebuilt(&harness, &log).await;
    similar_asserts(31, &before, &everything(&harness).await);
}

pub async fn appended(log: &Log, entries: &[Entry]) {
    let items = entries
        .iter()
        .map(|entry| Append::new(entry.header.did.as_str().as_bytes(), entry.encode().unwrap()));
    log.append(Topic::NetworkEntries, items.collect()).await.unwrap();
}

pub fn worker(harness: &Harness, log: &Log) -> Worker<millrace_dataplane::worker::Dataplane> {
    let deps = WorkerDeps {
        store: harness.store.clone(),
        log: log.clone(),
        clock: harness.clock.clone(),
        rng: Rng::seeded(9),
        registry: Registry::new(),
    };
    // Small batches: the rebuild falls between many of them.
    let config = WorkerConfig { batch_entries_max: 7, ..WorkerConfig::default() };
    Worker::new(Arc::new(harness.projection.clone()), deps, Topic::NetworkEntries, 0, config)
}

/// The facts that wait to be told, in their order.
async fn facts(harness: &Harness) -> Vec<String> {
    let sql = "SELECT payload FROM outbox ORDER BY id";
    let facts = harness.store.read(|tx| {
        tx.query(sql, &[], |row| Ok(String::from_utf8_lossy(row.blob(0)?).into_owned()))
    });
    let facts: Result<Vec<String>, StoreError> = facts.await;
    facts.unwrap()
}

async fn what_came_meanwhile_is_in_both(harness: Harness) {
    for seed in 40..43 {
        let (fresh, control) = (harness.fresh().await, harness.fresh().await);
        let (log, control_log) = (log_beside(&fresh), log_beside(&control));
        let entries = history(seed, 600);
        let shutdown = Shutdown::new();
        appended(&log, &entries[..200]).await;
        let stop = shutdown.clone();
        let working = worker(&fresh, &log);
        let working = spawn_detached_named("worker", async move { working.run(&stop).await });
        let deps = deps(&fresh, &log);
        let rebuilding = async {
            let (progress, never) = (Progress::default(), Shutdown::new());
            for _ in 0..2 {
                let options = RebuildOptions::default();
                rebuild::run(&deps, options, &progress, &never).await.unwrap();
            }
        };
        let feeding = async {
            for batch in entries[200..].chunks(9) {
                appended(&log, batch).await;
                tokio::task::yield_now().await;
            }
        };
        let retaining = retain_what_is_read(&fresh, &log);
        tokio::select! {
            _ = async { tokio::join!(rebuilding, feeding) } => {}
            () = retaining => {}
        }
        // All that is left is applied to the new tables by the worker that applied to the old ones.
        let tail = log.tail(Topic::NetworkEntries, 0).await.unwrap();
        arrived(&fresh, tail).await;
        shutdown.cancel();
        working.await.unwrap().unwrap();

        appended(&control_log, &entries).await;
        let never = Shutdown::new();
        worker(&control, &control_log).until(tail).run(&never).await.unwrap();
        let (expected, found) = (everything(&control).await, everything(&fresh).await);
        similar_asserts(seed, &undated(expected), &undated(found));
        assert_clean(&audited(&fresh.store).await, "after rebuilds beside a worker");
        let (mut told, mut expected) = (facts(&fresh).await, facts(&control).await);
        // Batches end elsewhere, so a payload holds other facts; each account's are the same.
        (told, expected) = (by_account(told), by_account(expected));
        assert_eq!(told, expected, "seed {seed}: each fact is told once");
    }
}

/// Removes from the log, all the time, whatever the tables that are served have applied.
async fn retain_what_is_read(harness: &Harness, log: &Log) {
    loop {
        let next = harness.store.read(|tx| {
            tx.query_opt("SELECT next_offset FROM projection_offset", &[], |row| row.get(0))
        });
        let next: Result<Option<i64>, StoreError> = next.await;
        let retention = Retention {
            bytes_max: Some(0),
            floors: vec![next.unwrap().unwrap_or(0)],
            age_us: None,
        };
        log.retain(Topic::NetworkEntries, &retention).await.unwrap();
        tokio::task::yield_now().await;
    }
}

/// The clock of these stores stands still, so the log's times are equal; nothing else may differ.
fn undated(rows: Vec<String>) -> Vec<String> {
    rows.into_iter().filter(|row| !row.starts_with("source_progress|")).collect()
}

/// One line a fact, in order of account and then of time.
fn by_account(payloads: Vec<String>) -> Vec<String> {
    let mut facts: Vec<(String, String)> = Vec::new();
    for payload in payloads {
        let payload: serde_json::Value = serde_json::from_str(&payload).unwrap();
        let did = payload["did"].as_str().unwrap().to_owned();
        let changes = payload["changes"].as_array().unwrap();
        facts.extend(changes.iter().map(|change| (did.clone(), change.to_string())));
    }
    facts.sort();
    facts.into_iter().map(|(did, change)| format!("{did} {change}")).collect()
}

pub async fn arrived(harness: &Harness, tail: i64) {
    let deadline = std::time::Duration::from_secs(60);
    let looking = async {
        loop {
            let sql = "SELECT next_offset FROM projection_offset";
            let at: Result<Option<i64>, StoreError> =
                harness.store.read(|tx| tx.query_opt(sql, &[], |row| row.get(0))).await;
            if at.unwrap() == Some(tail) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(deadline, looking).await.expect("the worker arrives at the log's tail");
}

async fn a_place_that_the_log_lost_is_found_again(harness: Harness) {
    peopled(&harness, 50).await;
    let log = log_beside(&harness);
    let before = everything(&harness).await;
    let placed = harness.store.write(|tx| {
        tx.execute(
            "INSERT INTO projection_offset (projection, topic, partition, next_offset, updated_us)
             VALUES ($1, $2, 0, 700, 0)",
            &[Param::Text("dataplane"), Param::Text(Topic::NetworkEntries.name())],
        )?;
        tx.execute(
            "INSERT INTO parked (projection, topic, partition, log_offset, appended_us, reason, error, entry, first_us, last_us, attempts)
             VALUES ($1, $2, 0, 690, 0, 'r', 'e', $3, 0, 0, 1)",
            &[Param::Text("dataplane"), Param::Text(Topic::NetworkEntries.name()), Param::Blob(b"x")],
        )
    });
    placed.await.map_err(|error: StoreError| error).unwrap();
    let report = rebuilt(&harness, &log).await;
    assert!(report.place_lost);
    // Dan is deleted, and cannot be fetched.
    assert_eq!(report.wanted, 3);
    similar_asserts(50, &before, &everything(&harness).await);
    let at = harness.store.read(|tx| {
        let offset: i64 =
            tx.query_one("SELECT next_offset FROM projection_offset", &[], |row| row.get(0))?;
        let parked: i64 = tx.query_one("SELECT log_offset FROM parked", &[], |row| row.get(0))?;
        Ok::<_, StoreError>((offset, parked))
    });
    assert_eq!(at.await.unwrap(), (0, -11), "it begins anew, after what was parked");
}

async fn every_repository_is_wanted_from_the_network(harness: Harness) {
    peopled(&harness, 60).await;
    let log = log_beside(&harness);
    let options = RebuildOptions { from_network: true };
    let (progress, shutdown) = (Progress::default(), Shutdown::new());
    let report = rebuild::run(&deps(&harness, &log), options, &progress, &shutdown).await.unwrap();
    assert_eq!(report.wanted, 3);
    let wanted = millrace_dataplane::resync::wanted(&harness.store).await.unwrap();
    assert_eq!(wanted.len(), 3);
}

async fn what_a_killed_rebuild_left_is_no_matter(harness: Harness) {
    peopled(&harness, 70).await;
    let log = log_beside(&harness);
    let before = everything(&harness).await;
    // One that is stopped in the middle: the process asks it to, or is killed and leaves its tables.
    let stopped = Shutdown::new();
    stopped.cancel();
    let (progress, options) = (Progress::default(), RebuildOptions::default());
    let refused = rebuild::run(&deps(&harness, &log), options, &progress, &stopped).await;
    assert!(matches!(refused, Err(rebuild::RebuildError::Stopped)), "{refused:?}");
    similar_asserts(70, &before, &everything(&harness).await);
    let attach = [Domain::Dictionary, Domain::Own];
    let (domain, migrations) = (Domain::DataplaneRebuild, millrace_dataplane::schema::DATAPLANE);
    let registry = Registry::new();
    let left =
        Store::open(&harness.config, domain, migrations, &attach, &harness.clock, &registry).await;
    left.unwrap().close().await;
    rebuilt(&harness, &log).await;
    similar_asserts(70, &before, &everything(&harness).await);
}
