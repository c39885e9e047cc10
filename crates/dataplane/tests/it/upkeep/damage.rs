//! One case of damage for each thing an audit counts again.

use millrace_atproto::entry::Entry;
use millrace_store::{Param, StoreError};

use super::{assert_clean, audited, everything, repaired};
use crate::entries::{self, did};
use crate::harness::{Harness, on_every_engine};
use crate::kinds::{self, ACTORS, history, similar_asserts};

on_every_engine!(
    what_was_applied_has_no_drift,
    damage_is_found_and_mended,
    a_record_that_cannot_be_read_goes_and_is_fetched_again,
    records_of_nobody_are_told_from_others,
    what_a_deleted_account_left_is_purged,
    unknown_names_are_refused,
);

/// Handles for everybody, then commits of every kind.
async fn peopled(harness: &Harness, seed: u64) {
    let people: Vec<Entry> = ACTORS
        .iter()
        .map(|name| entries::identity(&did(name), 0, Some(&format!("{name}.test"))))
        .collect();
    harness.apply(&people).await;
    for batch in history(seed, 160).chunks(23) {
        harness.apply(batch).await;
    }
}

async fn what_was_applied_has_no_drift(harness: Harness) {
    for seed in 0..8 {
        let fresh = harness.fresh().await;
        peopled(&fresh, seed).await;
        assert_clean(&audited(&fresh.store).await, &format!("seed {seed}"));
        // Nor after accounts went, and came back.
        fresh.apply(&[entries::account(&did("bob"), 5_000, false, Some("deleted"))]).await;
        assert_clean(&audited(&fresh.store).await, &format!("seed {seed}, without bob"));
        fresh.apply(&[entries::account(&did("bob"), 5_001, true, None)]).await;
        fresh.apply(&later(&history(seed + 100, 200))).await;
        assert_clean(&audited(&fresh.store).await, &format!("seed {seed}, with bob again"));
    }
}

/// The same commits with revisions above those applied before.
fn later(history: &[Entry]) -> Vec<Entry> {
    let commits = (0..).zip(history);
    let moved = commits.map(|(n, entry)| {
        let millrace_atproto::entry::EntryBody::Commit { ops } = &entry.body else {
            panic!("a history has commits alone")
        };
        entries::commit(&entry.header.did, 10_000 + n, ops.clone())
    });
    moved.collect()
}

async fn execute(harness: &Harness, statements: &'static [&'static str]) -> u64 {
    harness
        .store
        .write(move |tx| {
            let mut changed = 0;
            for sql in statements {
                changed += tx.execute(sql, &[])?;
            }
            Ok::<_, StoreError>(changed)
        })
        .await
        .unwrap()
}

/// What is done by hand, and the checks that find it.
const DAMAGE: &[(&[&str], &[&str])] = &[
    (&["UPDATE actor_count SET followers = followers + 3"], &["actor_counts"]),
    (&["UPDATE actor_count SET blocks = 9, gates = gates + 1"], &["actor_counts"]),
    (&["UPDATE actor_count SET list_blocks = -1, declarations = 5"], &["actor_counts"]),
    (&["DELETE FROM actor_count"], &["actor_counts"]),
    (&["UPDATE record_count SET likes = likes + 1, items = 7"], &["record_counts"]),
    (&["DELETE FROM record_count WHERE likes + replies + reposts + quotes + items > 0"], &["record_counts"]),
    (
        &["INSERT INTO record_count (actor_id, rkey, collection, likes) VALUES (1, 77, 1, 5)"],
        &["record_counts"],
    ),
    (&["DELETE FROM like_by_subject"], &["likes", "record_counts"]),
    (&["UPDATE like_by_subject SET sort_after_us = sort_after_us + 1"], &["likes"]),
    (&["INSERT INTO follow_by_subject (subject_actor, actor_id, rkey, sort_after_us) VALUES (1, 2, 991, 5)"], &["follows", "actor_counts"]),
    (&["DELETE FROM repost_by_subject"], &["reposts", "record_counts", "feed_reposts"]),
    (&["DELETE FROM block_by_subject"], &["blocks"]),
    (&["DELETE FROM list_item_by_list"], &["list_items", "record_counts"]),
    (&["DELETE FROM verification_by_subject"], &["verifications"]),
    (&["DELETE FROM feed_item WHERE collection = 1"], &["feed_items", "feed_heads"]),
    (&["DELETE FROM feed_item WHERE collection = 5"], &["feed_reposts", "feed_heads"]),
    (&["UPDATE feed_item SET flags = 2 WHERE collection = 1"], &["feed_items"]),
    (
        &["INSERT INTO feed_item (actor_id, sort_at_us, collection, rkey, post_actor, post_rkey, flags) VALUES (1, 9, 1, 99, 1, 99, 0)"],
        &["feed_items"],
    ),
    (
        // Newer than all that is there.
        &["INSERT INTO feed_item (actor_id, sort_at_us, collection, rkey, post_actor, post_rkey, flags) VALUES (1, 9000000000000000000, 1, 99, 1, 99, 0)"],
        &["feed_items", "feed_heads"],
    ),
    (&["DELETE FROM feed_head"], &["feed_heads"]),
    (&["UPDATE feed_head SET sort_at_us = sort_at_us + 1"], &["feed_heads"]),
    (&["UPDATE feed_head SET sort_at_us = sort_at_us - 1 WHERE actor_id = 2"], &["feed_heads"]),
    (&["INSERT INTO feed_head (actor_id, sort_at_us) VALUES (77, 5)"], &["feed_heads"]),
    (&["UPDATE post SET parent_rkey = parent_rkey + 1 WHERE parent_rkey IS NOT NULL"], &["posts", "record_counts"]),
    (&["UPDATE post SET root_actor = NULL, root_rkey = NULL WHERE root_rkey IS NOT NULL"], &["posts", "feed_items"]),
    (&["UPDATE post SET flags = flags + 2"], &["posts", "feed_items"]),
    (&["UPDATE post SET sort_at_us = sort_at_us - 5000000"], &["posts", "feed_items", "post_search", "notifications"]),
    (&["DELETE FROM post_document"], &["post_search"]),
    (&["DELETE FROM post_text"], &["post_search"]),
    (&["DELETE FROM actor_text"], &["actor_search"]),
    (&["UPDATE document SET sort_at_us = 1, purpose = 3"], &["documents"]),
    (&["UPDATE profile SET joined_actor = NULL, joined_rkey = NULL"], &["profiles"]),
    (
        &["INSERT INTO notification (actor_id, sort_at_us, author, rkey, collection, reason, cid, record)
           SELECT 1, 5, 2, 424242, 3, 1, cid, record FROM post LIMIT 1"],
        &["notifications"],
    ),
    (&["DELETE FROM notification WHERE reason IN (3, 5)"], &["notifications"]),
    (
        &["INSERT INTO \"like\" (actor_id, rkey, subject_actor, subject_collection, subject_rkey, cid_prefix, created_after_us, indexed_at_us)
           VALUES (999999, 1, 1, 1, 1, 1, 1, 1)"],
        &["names", "unknown_accounts", "likes"],
    ),
    (
        &["INSERT INTO follow (actor_id, rkey, subject_actor, cid_prefix, created_after_us, indexed_at_us)
           VALUES (1, 12345, 999999, 1, 1, 1)"],
        &["names", "follows", "actor_counts"],
    ),
];

async fn damage_is_found_and_mended(harness: Harness) {
    peopled(&harness, 3).await;
    harness.apply(&later(&history(33, 250))).await;
    let before = everything(&harness).await;
    for (number, (statements, checks)) in (0..).zip(DAMAGE) {
        let what = format!("{statements:?}");
        assert!(execute(&harness, statements).await > 0, "nothing is damaged by {what}");

        let found = audited(&harness.store).await;
        let by: Vec<&str> = found.drift.keys().map(String::as_str).collect();
        // A check may also find nothing to say of what another has found.
        assert!(by.contains(&checks[0]), "{what}: found by {by:?}, not by {}", checks[0]);
        assert!(by.iter().all(|check| checks.contains(check)), "{what}: {:#?}", found.listed);
        assert!(found.listed.iter().all(|drift| !drift.subject.is_empty()), "{what}");

        let report = repaired(&harness.store).await;
        assert_clean(&report.left, &format!("left of {what}"));
        assert!(report.mended.total() > 0);
        assert_clean(&audited(&harness.store).await, &format!("after repair of {what}"));
        similar_asserts(number, &before, &everything(&harness).await);
    }
    // What was told of an edge holds the edge's record, which nothing else does: it goes.
    execute(&harness, &["UPDATE notification SET sort_at_us = 5 WHERE reason = 1"]).await;
    let found = audited(&harness.store).await;
    assert!(found.drift.keys().eq(["notifications"]), "{found:?}");
    repaired(&harness.store).await;
    let after = everything(&harness).await;
    similar_asserts(99, &without_notices(&before), &without_notices(&after));
}

fn without_notices(rows: &[String]) -> Vec<String> {
    rows.iter().filter(|row| !row.starts_with("notification|")).cloned().collect()
}

async fn a_record_that_cannot_be_read_goes_and_is_fetched_again(harness: Harness) {
    peopled(&harness, 4).await;
    execute(&harness, &["UPDATE post SET record = '[' WHERE actor_id = 1"]).await;
    let found = audited(&harness.store).await;
    assert!(found.drift.contains_key("posts"), "{found:?}");
    assert_clean(&repaired(&harness.store).await.left, "after repair");
    assert_eq!(wanted(&harness).await, [did("alice").to_string()]);
    let left = everything(&harness).await;
    assert!(!left.iter().any(|row| row.starts_with("post|1|")), "the text is gone");
}

async fn wanted(harness: &Harness) -> Vec<String> {
    let sql = "SELECT did FROM resync_wanted ORDER BY did";
    let wanted = harness.store.read(|tx| tx.query(sql, &[], |row| row.get(0)));
    let wanted: Result<Vec<String>, StoreError> = wanted.await;
    wanted.unwrap()
}

async fn records_of_nobody_are_told_from_others(harness: Harness) {
    peopled(&harness, 5).await;
    execute(&harness, &["DELETE FROM actor WHERE actor_id = 2"]).await;
    let found = audited(&harness.store).await;
    assert!(found.drift.contains_key("unknown_accounts"), "{found:?}");
    assert!(found.listed.iter().any(|drift| drift.subject == did("bob").as_str()), "{found:?}");
    assert_clean(&repaired(&harness.store).await.left, "after repair");
    assert_eq!(wanted(&harness).await, [did("bob").to_string()], "its handle is asked for again");
}

async fn what_a_deleted_account_left_is_purged(harness: Harness) {
    peopled(&harness, 6).await;
    harness.apply(&[entries::account(&did("carol"), 9_000, false, Some("deleted"))]).await;
    assert_clean(&audited(&harness.store).await, "a deletion leaves nothing");
    let before = everything(&harness).await;
    harness
        .store
        .write(|tx| {
            tx.execute(
                "INSERT INTO follow (actor_id, rkey, subject_actor, cid_prefix, created_after_us, indexed_at_us)
                 SELECT actor_id, 5, 1, 1, 1, 1 FROM actor WHERE status = $1",
                &[Param::Text("deleted")],
            )
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
    let found = audited(&harness.store).await;
    assert!(found.drift.contains_key("deleted_accounts"), "{found:?}");
    assert_clean(&repaired(&harness.store).await.left, "after repair");
    similar_asserts(6, &before, &everything(&harness).await);
}

async fn unknown_names_are_refused(harness: Harness) {
    let check = |name: &str| millrace_dataplane::audit::check_names(&[name.to_owned()]);
    assert!(check("like").is_ok() && check("record_counts").is_ok() && check("post").is_ok());
    let refused = check("liked").unwrap_err().to_string();
    assert!(refused.contains("liked") && refused.contains("record_counts"), "{refused}");
    let only = millrace_dataplane::audit::AuditOptions {
        only: vec!["like".to_owned()],
        ..Default::default()
    };
    kinds_of(&harness, only).await;
}

/// One table alone is looked at.
async fn kinds_of(harness: &Harness, only: millrace_dataplane::audit::AuditOptions) {
    peopled(harness, 7).await;
    let progress = millrace_dataplane::progress::Progress::default();
    let report = millrace_dataplane::audit::run(&harness.store, &only, &progress).await.unwrap();
    let likes = everything(harness).await;
    let likes = likes.iter().filter(|row| row.starts_with("\"like\"|")).count() as u64;
    // By the ids of its names, as an author's, and for its row by target.
    assert_eq!(report.rows, 2 * likes + authors(harness).await);
    assert!(kinds::counts_nothing("actor_count|1|0|0|0|0|0|0|0|0|0|0"));
}

async fn authors(harness: &Harness) -> u64 {
    let sql = "SELECT count(DISTINCT actor_id) FROM \"like\"";
    let count: Result<i64, StoreError> =
        harness.store.read(|tx| tx.query_one(sql, &[], |row| row.get(0))).await;
    count.unwrap().unsigned_abs()
}
