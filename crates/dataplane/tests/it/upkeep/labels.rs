//! Labels are base rows: an audit finds what nobody can name and what a deleted labeler left, and a rebuild
//! keeps the rest.

use millrace_dataplane::progress::Progress;
use millrace_dataplane::rebuild::{self, RebuildOptions};
use millrace_runtime::supervise::Shutdown;
use millrace_store::StoreError;

use super::rebuilt::{deps, log_beside};
use super::{assert_clean, audited, everything, repaired};
use crate::entries::{self, POST, did, label, labels, tid, uri};
use crate::harness::{Harness, on_every_engine};

on_every_engine!(
    labels_nobody_can_name_go,
    what_a_deleted_labeler_left_goes,
    a_rebuild_keeps_labels
);

const CTS: &str = "2025-12-01T00:00:00.000Z";

async fn labelled(harness: &Harness) {
    let (labeler, alice) = (did("labeler"), did("alice"));
    let post = uri(&alice, POST, &tid(1).to_string());
    let thing = uri(&alice, "com.example.thing", "key");
    for name in ["alice", "labeler"] {
        harness.apply(&[entries::identity(&did(name), 0, Some(&format!("{name}.test")))]).await;
    }
    let account = alice.to_string();
    let subjects = [post.as_str(), thing.as_str(), account.as_str()];
    let all = subjects
        .iter()
        .flat_map(|subject| ["a", "b"].map(|val| label(&labeler, subject, val, CTS)));
    harness.apply(&[labels(&labeler, 1, &all.collect::<Vec<_>>())]).await;
}

async fn execute(harness: &Harness, sql: &'static str) {
    let changed: Result<u64, StoreError> =
        harness.store.write(move |tx| tx.execute(sql, &[])).await;
    assert!(changed.unwrap() > 0, "{sql}");
}

fn kept(rows: &[String]) -> Vec<&String> {
    rows.iter().filter(|row| row.starts_with("label|")).collect()
}

async fn labels_nobody_can_name_go(harness: Harness) {
    labelled(&harness).await;
    assert_clean(&audited(&harness.store).await, "labels as they came");
    let before = everything(&harness).await;
    for sql in [
        "INSERT INTO label (subject_actor, subject_collection, subject_rkey, src, val, neg, cts, cts_us, indexed_at_us)
         VALUES (999999, 0, 0, 1, 'x', 0, 'x', 1, 1)",
        "INSERT INTO label (subject_actor, subject_collection, subject_rkey, src, val, neg, cts, cts_us, indexed_at_us)
         VALUES (1, 0, 0, 999999, 'x', 0, 'x', 1, 1)",
        "INSERT INTO label (subject_actor, subject_collection, subject_rkey, src, val, neg, cts, cts_us, indexed_at_us)
         VALUES (1, -999999, 5, 1, 'x', 0, 'x', 1, 1)",
    ] {
        execute(&harness, sql).await;
        let found = audited(&harness.store).await;
        assert!(found.drift.keys().eq(["names"]), "{found:?}");
        assert_clean(&repaired(&harness.store).await.left, "after repair");
        assert_eq!(kept(&before), kept(&everything(&harness).await));
    }
}

async fn what_a_deleted_labeler_left_goes(harness: Harness) {
    labelled(&harness).await;
    execute(
        &harness,
        "UPDATE actor SET active = 0, status = 'deleted', status_at_us = 9000000000000000000
         WHERE actor_id IN (SELECT src FROM label)",
    )
    .await;
    let found = audited(&harness.store).await;
    assert!(found.drift.contains_key("deleted_accounts"), "{found:?}");
    assert_clean(&repaired(&harness.store).await.left, "after repair");
    assert!(kept(&everything(&harness).await).is_empty());
}

async fn a_rebuild_keeps_labels(harness: Harness) {
    let log = log_beside(&harness);
    labelled(&harness).await;
    let before = everything(&harness).await;
    let (progress, shutdown) = (Progress::default(), Shutdown::new());
    let options = RebuildOptions::default();
    rebuild::run(&deps(&harness, &log), options, &progress, &shutdown).await.unwrap();
    let after = everything(&harness).await;
    assert_eq!(kept(&before).len(), 6);
    assert_eq!(kept(&before), kept(&after));
    assert_clean(&audited(&harness.store).await, "after a rebuild");
}
