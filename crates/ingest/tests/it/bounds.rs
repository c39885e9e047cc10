//! What waits is bounded in bytes, and a bound that is met loses nothing.

use std::collections::HashSet;

use millrace_ingest::SyncState;
use tempfile::tempdir;

use crate::bed::{Bed, config, eventually};
use crate::person::Person;
use crate::stage::{Plc, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn story_12_too_much_waiting_for_a_key_is_dropped_and_fetched() {
    let stage = Stage::start().await;
    let (mut alice, mut bob) = (Person::new(&stage, "alice"), Person::new(&stage, "bob"));
    stage.set(|play| play.plc = Plc::Hangs(HashSet::from([alice.did.to_string()])));
    for n in 0..40 {
        stage.emit(alice.post(&format!("{n}")));
    }
    let last = stage.emit(bob.post("not held up"));
    alice.publish(&stage);
    let mut config = config(&stage);
    config.held_did_bytes_max = 20_000;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    bed.until_cursor(last).await;
    let account = bed.until_account(&alice.did, |_| true).await;
    let missing = matches!(account.sync_state, SyncState::Desynchronized | SyncState::InProgress);
    assert!(missing, "{account:?}");
    assert!(bed.metric("millrace_ingest_held_overflows") >= 1.0);
    assert!(bed.metric("millrace_ingest_held_bytes") <= 20_000.0);
    stage.set(|play| play.plc = Plc::Up);
    let all: Vec<String> = (0..40).map(|n| n.to_string()).collect();
    bed.until_story(&alice.did, &[&format!("repo[{}]", all.join(","))]).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_12_the_bound_over_all_accounts_holds_too() {
    let stage = Stage::start().await;
    let mut people: Vec<Person> = (0..20).map(|n| Person::new(&stage, &format!("p{n}"))).collect();
    let dids: HashSet<String> = people.iter().map(|person| person.did.to_string()).collect();
    stage.set(|play| play.plc = Plc::Hangs(dids));
    let mut last = 0;
    for person in &mut people {
        for n in 0..4 {
            last = stage.emit(person.post(&format!("{n}")));
        }
        person.publish(&stage);
    }
    let mut config = config(&stage);
    config.held_bytes_max = 30_000;
    config.identity.hold_ms = 50;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    bed.until_cursor(last).await;
    assert!(bed.metric("millrace_ingest_held_overflows") >= 1.0);
    assert!(bed.metric("millrace_ingest_held_bytes") <= 30_000.0);
    stage.set(|play| play.plc = Plc::Up);
    for person in &people {
        eventually(async || {
            let story = bed.story(&person.did).await;
            let whole = story == ["0", "1", "2", "3"]
                || story.last().is_some_and(|last| last == "repo[0,1,2,3]");
            if whole { Ok(()) } else { Err(format!("{story:?}")) }
        })
        .await;
    }
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_12_a_flood_of_large_events_passes_through_a_small_budget() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    let text = "x".repeat(200_000);
    for _ in 0..60 {
        stage.emit(alice.post(&text));
    }
    let mut config = config(&stage);
    config.connection.message_bytes_max = 500_000;
    config.inflight_bytes_max = 4 << 20;
    // However long the first look at the key takes.
    config.held_did_bytes_max = 32 << 20;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    eventually(async || {
        let inflight = bed.metric("millrace_ingest_inflight_bytes");
        assert!(inflight <= f64::from(4 << 20), "{inflight}");
        match bed.status().await.cursor {
            Some(60) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    assert_eq!(bed.story(&alice.did).await.len(), 60);
    bed.stop().await;
}
