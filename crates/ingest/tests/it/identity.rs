//! Keys and handles: fresh when they change, asked for no more than needed.

use std::path::Path;

use millrace_atproto::entry::EntryBody;
use millrace_atproto::{Did, Handle};
use millrace_ingest::{AccountState, SyncState};
use serde_json::json;
use tempfile::tempdir;

use crate::bed::{Bed, config, eventually, put_back, tables};
use crate::person::Person;
use crate::stage::Stage;

/// Handles announced for an account, in order.
async fn handles(bed: &Bed, did: &Did) -> Vec<Option<String>> {
    bed.entries()
        .await
        .into_iter()
        .filter(|entry| entry.header.did == *did)
        .filter_map(|entry| match entry.body {
            EntryBody::Identity { handle, .. } => {
                Some(handle.map(|handle: Handle| handle.to_string()))
            }
            _ => None,
        })
        .collect()
}

async fn until_handles(bed: &Bed, did: &Did, expected: &[Option<&str>]) {
    eventually(async || {
        let handles = handles(bed, did).await;
        let found: Vec<Option<&str>> = handles.iter().map(Option::as_deref).collect();
        if found == expected { Ok(()) } else { Err(format!("{found:?}, expected {expected:?}")) }
    })
    .await;
}

/// Alice and Bob, followed and known by their handles.
async fn two_with_handles(dir: &Path) -> (Stage, [Person; 2], Bed) {
    let stage = Stage::start().await;
    let mut people = ["alice", "bob"].map(|name| Person::new(&stage, name));
    for person in &mut people {
        stage.emit(person.post("one"));
    }
    let bed = Bed::start(&stage, dir, config(&stage)).await;
    for person in &people {
        until_handles(&bed, &person.did, &[Some(person.handle.as_str())]).await;
    }
    (stage, people, bed)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_is_verified_both_ways_at_first_sight_and_after_a_hint() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    until_handles(&bed, &alice.did, &[Some("alice.test")]).await;

    alice.handle = "alicia.test".to_owned();
    alice.publish(&stage);
    stage.emit(alice.identity());
    until_handles(&bed, &alice.did, &[Some("alice.test"), Some("alicia.test")]).await;

    // The document claims a handle that names somebody else.
    stage.set(|play| play.handles.insert("alicia.test".to_owned(), "did:plc:mallory".to_owned()));
    stage.emit(alice.identity());
    until_handles(&bed, &alice.did, &[Some("alice.test"), Some("alicia.test"), None]).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_09_a_handle_is_looked_at_again_although_nobody_hinted_at_a_change() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let mut config = config(&stage);
    config.identity.handle_reverify_ms = 20;
    config.identity.handle_retry_ms = 20;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    until_handles(&bed, &alice.did, &[Some("alice.test")]).await;
    stage.set(|play| play.handles.remove("alice.test"));
    until_handles(&bed, &alice.did, &[Some("alice.test"), None]).await;
    alice.publish(&stage);
    until_handles(&bed, &alice.did, &[Some("alice.test"), None, Some("alice.test")]).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_09_an_account_that_moves_is_followed_to_its_new_host_and_key() {
    let (old, new) = (Stage::start().await, Stage::start().await);
    let mut alice = Person::new(&old, "alice");
    old.emit(alice.post("at home"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&old, dir.path(), config(&old)).await;
    bed.until_cursor(1).await;
    alice.rotate_key(77);
    let document = alice.document(&new.origin());
    old.set(|play| play.documents.insert(alice.did.to_string(), (200, document)));
    old.emit(alice.identity());
    old.emit(alice.post("abroad"));
    bed.until_story(&alice.did, &["at home", "abroad"]).await;
    let host = new.origin();
    let moved = |account: &AccountState| account.pds.as_deref() == Some(host.as_str());
    bed.until_account(&alice.did, |account| {
        moved(account) && account.rev == Some(alice.repo.rev())
    })
    .await;
    eventually(async || {
        let entries = bed.entries().await;
        let moved = entries.iter().any(|entry| {
            matches!(&entry.body, EntryBody::Identity { pds: Some(pds), .. } if *pds == new.origin())
        });
        if moved { Ok(()) } else { Err("no entry names the new host".to_owned()) }
    })
    .await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_09_an_identity_event_of_an_unknown_account_is_not_lost() {
    let stage = Stage::start().await;
    let alice = Person::new(&stage, "alice");
    stage.emit(alice.identity());
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    until_handles(&bed, &alice.did, &[Some("alice.test")]).await;
    bed.until_cursor(1).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_not_looked_at_before_a_stop_is_looked_at_after_it() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let mut paused = config(&stage);
    // The first poll happens at once, before anything is due; the next never.
    paused.identity.poll_ms = 3_600_000;
    paused.identity.handle_checks_max = 1;
    let dir = tempdir().unwrap();
    stage.set(|play| play.handles.clear());
    let bed = Bed::start(&stage, dir.path(), paused).await;
    bed.until_cursor(1).await;
    bed.stop().await;
    alice.publish(&stage);
    stage.emit(alice.identity());
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    eventually(async || match handles(&bed, &alice.did).await.last() {
        Some(Some(handle)) if handle == "alice.test" => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_09_a_rotated_key_is_found_by_the_first_signature_it_makes() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("old key"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(1).await;
    // No #identity event came through.
    alice.rotate_key(42);
    alice.publish(&stage);
    stage.emit(alice.post("new key"));
    bed.until_story(&alice.did, &["old key", "new key"]).await;
    assert!(bed.status().await.rejected.is_empty());
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_signatures_do_not_make_us_ask_the_directory_each_time() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("good"));
    let mut config = config(&stage);
    config.identity.refresh_min_ms = 3_600_000;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    bed.until_cursor(1).await;
    until_handles(&bed, &alice.did, &[Some("alice.test")]).await;
    let before = stage.set(|play| play.plc_asked[alice.did.as_str()]);
    alice.rotate_key(66);
    for n in 0..20 {
        stage.emit(alice.post(&format!("forged {n}")));
    }
    bed.until_cursor(21).await;
    assert_eq!(bed.status().await.rejected.get("signature"), Some(&20));
    let asked = stage.set(|play| play.plc_asked[alice.did.as_str()]) - before;
    assert_eq!(asked, 1);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tombstoned_identity_means_that_the_account_is_deleted() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_story(&alice.did, &["one"]).await;
    until_handles(&bed, &alice.did, &[Some("alice.test")]).await;
    stage.set(|play| play.documents.insert(alice.did.to_string(), (410, json!({}))));
    stage.emit(alice.identity());
    bed.until_story(&alice.did, &["one", "inactive:deleted"]).await;
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::Gone).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_09_a_handle_that_two_claim_is_the_ones_it_names() {
    let dir = tempdir().unwrap();
    let (stage, [alice, mut bob], bed) = two_with_handles(dir.path()).await;
    // The name goes over to somebody else. Nobody says anything about who had it.
    bob.handle = "alice.test".to_owned();
    bob.publish(&stage);
    stage.emit(bob.identity());
    until_handles(&bed, &bob.did, &[Some("bob.test"), Some("alice.test")]).await;
    until_handles(&bed, &alice.did, &[Some("alice.test"), None]).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_09_a_handle_that_went_to_somebody_who_is_gone_leads_nowhere() {
    let dir = tempdir().unwrap();
    let (stage, [alice, mut bob], bed) = two_with_handles(dir.path()).await;
    // When he is looked at, there is no document any more that says what he took.
    bob.handle = "Alice.Test".to_owned();
    stage.set(|play| {
        play.handles.insert("alice.test".to_owned(), bob.did.to_string());
        play.documents.insert(bob.did.to_string(), (410, json!({})));
    });
    stage.emit(bob.identity_with_handle());
    until_handles(&bed, &alice.did, &[Some("alice.test"), None]).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_09_who_is_new_may_have_a_handle_that_somebody_else_had() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    until_handles(&bed, &alice.did, &[Some("alice.test")]).await;
    let mut bob = Person::new(&stage, "bob");
    bob.handle = "alice.test".to_owned();
    bob.publish(&stage);
    stage.emit(bob.post("one"));
    until_handles(&bed, &bob.did, &[Some("alice.test")]).await;
    until_handles(&bed, &alice.did, &[Some("alice.test"), None]).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_09_a_handle_that_a_crash_left_in_the_log_alone_is_put_right() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    until_handles(&bed, &alice.did, &[Some("alice.test")]).await;
    bed.until_cursor(1).await;
    bed.stop().await;
    let before = tables(dir.path());
    stage.set(|play| play.handles.remove("alice.test"));
    stage.emit(alice.identity());
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    until_handles(&bed, &alice.did, &[Some("alice.test"), None]).await;
    bed.stop().await;
    // Only the log was quick enough; and when it is looked at again, the handle is back.
    put_back(dir.path(), &before);
    alice.publish(&stage);
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    until_handles(&bed, &alice.did, &[Some("alice.test"), None, Some("alice.test")]).await;
    bed.stop().await;
}
