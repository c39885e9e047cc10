//! An audit beside writes calls nothing drift, and a repair beside writes mends what is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use millrace_runtime::supervise::{Shutdown, spawn_detached_named};
use millrace_store::StoreError;

use super::rebuilt::{appended, arrived, log_beside, worker};
use super::{assert_clean, audited, repaired};
use crate::harness::{Harness, on_every_engine};
use crate::kinds::history;

on_every_engine!(writes_are_no_drift, a_repair_beside_writes_leaves_nothing);

/// Applies batches of a long history until told to stop; how many there were.
async fn write_on(harness: &Harness, seed: u64, stop: &AtomicBool) -> usize {
    let history = history(seed, 4_000);
    let mut batches = 0;
    for batch in history.chunks(11) {
        harness.apply(batch).await;
        batches += 1;
        if stop.load(Ordering::Relaxed) && batches > 5 {
            break;
        }
    }
    batches
}

async fn writes_are_no_drift(harness: Harness) {
    harness.apply(&history(80, 200)[..100]).await;
    let stop = Arc::new(AtomicBool::new(false));
    let auditing = async {
        for round in 0..4 {
            assert_clean(&audited(&harness.store).await, &format!("round {round}"));
        }
        stop.store(true, Ordering::Relaxed);
    };
    let ((), batches) = tokio::join!(auditing, write_on(&harness, 81, &stop));
    assert!(batches > 1);
    assert_clean(&audited(&harness.store).await, "afterwards");
}

async fn a_repair_beside_writes_leaves_nothing(harness: Harness) {
    let (log, entries) = (log_beside(&harness), history(90, 1_200));
    appended(&log, &entries[..300]).await;
    let shutdown = Shutdown::new();
    worker(&harness, &log).until(300).run(&shutdown).await.unwrap();
    let damage = harness.store.write(|tx| {
        tx.execute("UPDATE record_count SET likes = likes + 2, replies = 0", &[])?;
        tx.execute("DELETE FROM like_by_subject WHERE rkey > 0", &[])?;
        tx.execute("DELETE FROM feed_item", &[])
    });
    damage.await.map_err(|error: StoreError| error).unwrap();
    let stop = shutdown.clone();
    let working = worker(&harness, &log);
    let working = spawn_detached_named("worker", async move { working.run(&stop).await });
    let writing = async {
        for batch in entries[300..].chunks(11) {
            appended(&log, batch).await;
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(repaired(&harness.store), writing);
    arrived(&harness, 1_200).await;
    shutdown.cancel();
    working.await.unwrap().unwrap();
    // What a write met while it was damaged may show only now.
    repaired(&harness.store).await;
    assert_clean(&audited(&harness.store).await, "afterwards");
    let parked: Result<i64, StoreError> = harness
        .store
        .read(|tx| tx.query_one("SELECT count(*) FROM parked", &[], |row| row.get(0)))
        .await;
    assert_eq!(parked.unwrap(), 0, "no entry was in the repair's way");
}
