//! Events meant to make us wait, ask or forget: whoever sends them holds up nobody, and no host is
//! asked for long on their account.

use millrace_ingest::{Backfill, BackfillMode, SourceConfig, SyncState};
use serde_json::json;
use tempfile::tempdir;

use crate::bed::{Bed, config, eventually};
use crate::person::Person;
use crate::stage::{Plc, Repo, Stage};

const LATER: &str = "2026-01-05T00:00:00.000Z";

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_announced_without_end_does_not_hold_the_cursor() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let mut config = config(&stage);
    config.identity.hold_ms = 30;
    config.identity.refresh_pause_ms = 100;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    bed.until_cursor(1).await;

    stage.emit(alice.identity());
    let two = stage.emit(alice.post("two"));
    eventually(async || {
        stage.emit(alice.identity());
        match bed.status().await.cursor {
            Some(cursor) if cursor >= two => Ok(()),
            other => Err(format!("{other:?}, while {two} waits")),
        }
    })
    .await;
    // When there is an end the event is judged, from memory or with the repository.
    alice.publish(&stage);
    eventually(async || match bed.story(&alice.did).await.join(" ") {
        story if story.contains("two") => Ok(()),
        story => Err(story),
    })
    .await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_announced_without_end_is_not_asked_for_without_end() {
    let stage = Stage::start().await;
    let alice = Person::new(&stage, "alice");
    let mut config = config(&stage);
    config.identity.refresh_pause_ms = 60_000;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    let looked_at = "millrace_ingest_identities_total";
    stage.emit(alice.identity());
    eventually(async || if bed.metric(looked_at) > 0.0 { Ok(()) } else { Err("not yet".into()) })
        .await;
    for _ in 0..20 {
        let seq = stage.emit(alice.identity());
        bed.until_cursor(seq).await;
    }
    let asked = stage.set(|play| play.plc_asked[alice.did.as_str()]);
    assert!(asked <= 3, "asked {asked} times for 21 announcements");
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_waited_behind_a_failed_fetch_is_not_forgotten() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(1).await;

    let _lost = alice.post("two");
    let car = alice.repo.car();
    let half = car[..car.len() / 2].to_vec();
    stage.set(|play| {
        play.repos.insert(alice.did.to_string(), Repo::Gated(half));
        let told = json!({"did": alice.did.as_str(), "active": false, "status": "deleted"});
        play.statuses.insert(alice.did.to_string(), told);
    });
    stage.emit(alice.sync());
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::InProgress).await;
    let last = stage.emit(alice.status(false, Some("deleted"), LATER));
    bed.until_cursor(last).await;
    stage.release();
    bed.until_story(&alice.did, &["one", "inactive:deleted"]).await;
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::Gone).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_missing_once_after_other_failures_is_not_gone() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let _lost = alice.post("two");
    stage.emit(alice.post("three"));
    stage.set(|play| play.repos.insert(alice.did.to_string(), Repo::Error(503, "Down")));
    let mut config = config(&stage);
    config.resync.backoff_max_ms = 300;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    bed.until_account(&alice.did, |account| account.attempts >= 9).await;
    // Its host is back, and for a moment without its data.
    stage.set(|play| play.repos.remove(alice.did.as_str()));
    bed.until_account(&alice.did, |account| {
        account.sync_state == SyncState::Gone
            || account.error.as_ref().is_some_and(|error| error.contains("does not have it"))
    })
    .await;
    alice.publish(&stage);
    bed.until_story(&alice.did, &["one", "repo[one,two,three]"]).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_for_whom_there_is_no_room_leave_no_questions_behind() {
    let stage = Stage::start().await;
    stage.set(|play| play.plc = Plc::Down);
    let mut last = 0;
    for n in 0..20 {
        let mut stranger = Person::new(&stage, &format!("stranger{n}"));
        last = stage.emit(stranger.post("hello"));
    }
    let mut config = config(&stage);
    config.held_bytes_max = 1;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    bed.until_cursor(last).await;
    eventually(async || match bed.metric("millrace_ingest_lookups_waiting") {
        0.0 => Ok(()),
        waiting => Err(format!("{waiting} questions for events that were dropped")),
    })
    .await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_key_is_waited_for_the_repository_is_not_due_all_the_time() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    stage.set(|play| play.plc = Plc::Down);
    let mut config = config(&stage);
    config.identity.hold_ms = 30;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    let marked = bed.until_account(&alice.did, |account| account.next_try_us.is_some()).await;
    bed.until_account(&alice.did, |account| account.next_try_us > marked.next_try_us).await;
    assert!(bed.story(&alice.did).await.is_empty());
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_source_does_not_keep_the_lists_of_the_others_waiting() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    let _before = alice.post("one");
    alice.publish(&stage);
    let mut config = config(&stage);
    let dead = SourceConfig {
        name: "dead".to_owned(),
        url: "ws://127.0.0.1:1".to_owned(),
        ..config.sources[0].clone()
    };
    config.sources.insert(0, dead);
    config.backfill = Backfill::Mode(BackfillMode::All);
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    bed.until_story(&alice.did, &["repo[one]"]).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_wait_for_long_leave_room_for_those_who_wait_for_a_moment() {
    let stage = Stage::start().await;
    let (mut dead, mut bob) = (Person::new(&stage, "dead"), Person::new(&stage, "bob"));
    stage.set(|play| play.plc = Plc::Hangs([dead.did.to_string()].into()));
    let large = "x".repeat(100_000);
    let mut last = 0;
    for _ in 0..6 {
        last = stage.emit(dead.post(&large));
    }
    let mut config = config(&stage);
    config.identity.hold_ms = 30;
    config.held_bytes_max = 700_000;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    // What one account waits for is on disk, and its directory does not answer.
    bed.until_cursor(last).await;
    let first = stage.emit(bob.post(&large));
    let second = stage.emit(bob.post("two"));
    assert!(first < second);
    bed.until_story(&bob.did, &[&large, "two"]).await;
    let state = bed.until_account(&bob.did, |_| true).await.sync_state;
    assert_eq!(state, SyncState::Partial, "nothing of it was dropped");
    // Nothing is lost of the other either.
    dead.publish(&stage);
    stage.set(|play| play.plc = Plc::Up);
    bed.until_account(&dead.did, |account| account.rev == Some(dead.repo.rev())).await;
    bed.stop().await;
}
