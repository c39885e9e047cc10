//! Repositories fetched whole: when, from where, and what becomes of the live events meanwhile.

use axum::extract::ws::Message;
use millrace_atproto::entry::EntryBody;
use millrace_ingest::{Backfill, BackfillMode, SyncState};
use tempfile::tempdir;

use crate::bed::{Bed, config, eventually};
use crate::person::Person;
use crate::stage::{Repo, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_commit_leads_to_the_whole_repository() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let _lost = alice.post("two");
    stage.emit(alice.post("three"));
    alice.publish(&stage);
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_story(&alice.did, &["one", "repo[one,two,three]"]).await;
    let account =
        bed.until_account(&alice.did, |account| account.sync_state == SyncState::Complete).await;
    assert_eq!(account.rev, Some(alice.repo.rev()));
    assert_eq!((account.next_try_us, account.error), (None, None));
    stage.emit(alice.post("four"));
    bed.until_story(&alice.did, &["one", "repo[one,two,three]", "four"]).await;
    bed.until_cursor(3).await;
    let account =
        bed.until_account(&alice.did, |account| account.rev == Some(alice.repo.rev())).await;
    assert_eq!(account.sync_state, SyncState::Complete);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_10_live_events_wait_behind_the_fetch_and_follow_it() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(1).await;

    let _lost = alice.post("two");
    let car = alice.repo.car();
    stage.set(|play| play.repos.insert(alice.did.to_string(), Repo::Gated(car)));
    stage.emit(alice.sync());
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::InProgress).await;
    let last = [alice.post("three"), alice.post("four")].map(|frame| stage.emit(frame))[1];
    // The cursor passes them: the row says that the repository has to be fetched.
    bed.until_cursor(last).await;
    assert_eq!(bed.story(&alice.did).await, ["one"], "nothing passes the barrier");
    stage.release();
    bed.until_story(&alice.did, &["one", "repo[one,two]", "three", "four"]).await;
    let account =
        bed.until_account(&alice.did, |account| account.rev == Some(alice.repo.rev())).await;
    assert_eq!(account.sync_state, SyncState::Complete);
    assert!(bed.status().await.rejected.is_empty());
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_already_has_the_waiting_events_does_not_repeat_them() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(1).await;

    let _lost = alice.post("two");
    let sync = alice.sync();
    let three = alice.post("three");
    let car = alice.repo.car();
    stage.set(|play| play.repos.insert(alice.did.to_string(), Repo::Gated(car)));
    stage.emit(sync);
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::InProgress).await;
    stage.emit(three);
    let last = stage.emit(alice.post("four"));
    bed.until_cursor(last).await;
    stage.release();
    bed.until_story(&alice.did, &["one", "repo[one,two,three]", "four"]).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_agrees_changes_nothing() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    stage.emit(alice.sync());
    stage.emit(alice.post("two"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(3).await;
    assert_eq!(bed.story(&alice.did).await, ["one", "two"]);
    assert!(stage.set(|play| play.repos_asked.is_empty()));
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_sync_starts_a_chain_and_fetches_nothing() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.sync());
    stage.emit(alice.post("one"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(2).await;
    assert_eq!(bed.story(&alice.did).await, ["one"]);
    assert!(stage.set(|play| play.repos_asked.is_empty()));
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_13_a_commit_without_blocks_leads_to_the_repository() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    stage.emit(Person::bent(alice.post("too big"), |frame| frame.blocks = b""));
    alice.publish(&stage);
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_story(&alice.did, &["one", "repo[one,too big]"]).await;
    bed.until_rejected("empty_blocks").await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_11_broken_off_and_refused_fetches_are_tried_again() {
    for repo in [(|car| Repo::Truncated { car, times: 2 }) as fn(Vec<u8>) -> Repo, |car| {
        Repo::Busy { car, times: 1 }
    }] {
        let stage = Stage::start().await;
        let mut alice = Person::new(&stage, "alice");
        stage.emit(alice.post("one"));
        let _lost = alice.post("two");
        stage.emit(alice.post("three"));
        let car = alice.repo.car();
        stage.set(|play| play.repos.insert(alice.did.to_string(), repo(car)));
        let dir = tempdir().unwrap();
        let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
        bed.until_story(&alice.did, &["one", "repo[one,two,three]"]).await;
        let account = bed
            .until_account(&alice.did, |account| account.sync_state == SyncState::Complete)
            .await;
        assert_eq!(account.attempts, 0, "counted from the last success");
        bed.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn story_10_an_older_repository_is_not_taken_and_the_error_is_seen() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let stale = alice.repo.car();
    stage.emit(alice.post("two"));
    let _lost = alice.post("three");
    stage.emit(alice.post("four"));
    stage.set(|play| play.repos.insert(alice.did.to_string(), Repo::Car(stale)));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    let account = bed.until_account(&alice.did, |account| account.attempts >= 2).await;
    assert!(
        matches!(account.sync_state, SyncState::Desynchronized | SyncState::InProgress),
        "{account:?}"
    );
    assert!(account.error.as_ref().unwrap().contains("older"), "{account:?}");
    assert_eq!(bed.story(&alice.did).await, ["one", "two"]);
    alice.publish(&stage);
    bed.until_story(&alice.did, &["one", "two", "repo[one,two,three,four]"]).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_repository_comes_in_chunks_that_cover_every_key() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    for n in 0..40 {
        let _ = alice.post(&format!("{n:02} {}", "x".repeat(300)));
    }
    alice.publish(&stage);
    let mut config = config(&stage);
    config.backfill = Backfill::Dids(vec![alice.did.to_string()]);
    config.resync.chunk_bytes_max = 4_000;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::Complete).await;

    let entries = bed.entries().await;
    let mut covered: Option<String> = None;
    let (mut records_total, mut chunks, mut ended) = (0, 0, false);
    for entry in &entries {
        let EntryBody::Snapshot { after, through, records, last } = &entry.body else { continue };
        assert!(!ended, "nothing after the last chunk");
        assert_eq!(after, &covered, "no gap between chunks");
        assert!(records.iter().all(|record| {
            after.as_ref().is_none_or(|after| record.path > *after)
                && through.as_ref().is_none_or(|through| record.path <= *through)
        }));
        assert_eq!(through.is_none(), *last);
        assert_eq!(entry.header.rev, Some(alice.repo.rev()));
        records_total += records.len();
        chunks += 1;
        covered.clone_from(through);
        ended = *last;
    }
    assert!(ended);
    assert_eq!(records_total, 40);
    assert!(chunks > 3, "{chunks}");
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backfill_of_all_fetches_what_is_listed_and_what_is_seen() {
    let stage = Stage::start().await;
    let (mut alice, mut bob) = (Person::new(&stage, "alice"), Person::new(&stage, "bob"));
    let _before = (alice.post("a1"), bob.post("b1"));
    alice.publish(&stage);
    bob.publish(&stage);
    let mut config = config(&stage);
    config.backfill = Backfill::Mode(BackfillMode::All);
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    bed.until_story(&alice.did, &["repo[a1]"]).await;
    bed.until_story(&bob.did, &["repo[b1]"]).await;

    let mut carol = Person::new(&stage, "carol");
    let _before = carol.post("c1");
    let seen = carol.post("c2");
    carol.publish(&stage);
    stage.emit(seen);
    bed.until_story(&carol.did, &["c2", "repo[c1,c2]"]).await;
    stage.emit(carol.post("c3"));
    bed.until_story(&carol.did, &["c2", "repo[c1,c2]", "c3"]).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_wanted_repository_cannot_be_fetched_live_events_go_on() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.set(|play| play.repos.insert(alice.did.to_string(), Repo::Error(503, "Down")));
    stage.emit(alice.post("one"));
    let mut config = config(&stage);
    config.backfill = Backfill::Dids(vec![alice.did.to_string()]);
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    bed.until_account(&alice.did, |account| account.attempts >= 1).await;
    stage.emit(alice.post("two"));
    stage.emit(alice.post("three"));
    bed.until_story(&alice.did, &["one", "two", "three"]).await;
    alice.publish(&stage);
    bed.until_story(&alice.did, &["one", "two", "three", "repo[one,two,three]"]).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resync_can_be_asked_for() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    alice.publish(&stage);
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(1).await;
    bed.client.request_resync(&alice.did).await.unwrap();
    bed.until_story(&alice.did, &["one", "repo[one]"]).await;
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::Complete).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_serves_repositories_is_asked_first() {
    let (stage, mirror) = (Stage::start().await, Stage::start().await);
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let car = alice.repo.car();
    mirror.set(|play| play.repos.insert(alice.did.to_string(), Repo::Car(car)));
    let mut config = config(&stage);
    config.backfill = Backfill::Dids(vec![alice.did.to_string()]);
    config.resync.relay_url = Some(mirror.origin());
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::Complete).await;
    assert!(stage.set(|play| play.repos_asked.is_empty()), "the PDS was spared");
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_signed_by_somebody_else_is_not_taken() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let _lost = alice.post("two");
    stage.emit(alice.post("three"));
    let right = alice.key.clone();
    alice.rotate_key(99);
    let _forged = alice.post("forged");
    let car = alice.repo.car();
    alice.key = right;
    stage.set(|play| play.repos.insert(alice.did.to_string(), Repo::Car(car)));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    let account = bed.until_account(&alice.did, |account| account.attempts >= 2).await;
    assert!(
        matches!(account.sync_state, SyncState::Desynchronized | SyncState::InProgress),
        "{account:?}"
    );
    assert_eq!(bed.story(&alice.did).await, ["one"], "the old content stays");
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_11_a_crash_in_the_middle_of_a_fetch_fetches_again() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let _lost = alice.post("two");
    stage.emit(alice.post("three"));
    let car = alice.repo.car();
    stage.set(|play| play.repos.insert(alice.did.to_string(), Repo::Gated(car)));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::InProgress).await;
    let waiting = stage.emit(alice.post("four, which waits"));
    bed.until_cursor(waiting).await;
    bed.stop().await;

    alice.publish(&stage);
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_story(&alice.did, &["one", "repo[one,two,three,four, which waits]"]).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_gone_from_its_host_is_gone_here() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let _lost = alice.post("two");
    stage.emit(alice.post("three"));
    stage.set(|play| play.repos.remove(alice.did.as_str()));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_story(&alice.did, &["one", "inactive:deleted"]).await;
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::Gone).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_during_a_fetch_ends_it() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let _lost = alice.post("two");
    stage.emit(alice.sync());
    let car = alice.repo.car();
    stage.set(|play| play.repos.insert(alice.did.to_string(), Repo::Gated(car)));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::InProgress).await;
    // Its directory entry ends, which the next event makes us see.
    stage.set(|play| {
        play.documents.insert(alice.did.to_string(), (410, serde_json::json!({})));
    });
    stage.emit(alice.identity());
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::Gone).await;
    stage.release();
    let last = stage.emit_message(Message::Ping(Vec::new().into()));
    let mut bob = Person::new(&stage, "bob");
    let after = stage.emit(bob.post("after"));
    assert!(after > last);
    bed.until_cursor(after).await;
    eventually(async || match bed.metric("millrace_ingest_resyncs_running") {
        0.0 => Ok(()),
        running => Err(format!("{running} still running")),
    })
    .await;
    assert_eq!(bed.story(&alice.did).await, ["one", "inactive:deleted"], "nothing comes back");
    bed.stop().await;
}
