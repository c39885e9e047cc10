//! Directories, hosts and disks that fail for a while: others do not wait, and nothing is lost.

use std::collections::HashSet;

use millrace_atproto::entry::EntryBody;
use millrace_ingest::SyncState;
use millrace_log::{LogConfig, Retention, Topic};
use tempfile::tempdir;

use crate::bed::{Bed, HeldTables, config, eventually};
use crate::person::Person;
use crate::stage::{Plc, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_down_delays_and_loses_nothing() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.set(|play| play.plc = Plc::Down);
    for n in 0..5 {
        stage.emit(alice.post(&format!("{n}")));
    }
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    eventually(async || match stage.set(|play| play.plc_asked.get(alice.did.as_str()).copied()) {
        Some(3..) => Ok(()),
        asked => Err(format!("asked {asked:?} times")),
    })
    .await;
    assert_eq!(bed.status().await.cursor, None, "the cursor does not pass what is only in memory");
    stage.set(|play| play.plc = Plc::Up);
    bed.until_story(&alice.did, &["0", "1", "2", "3", "4"]).await;
    bed.until_cursor(5).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_stays_down_lets_the_cursor_pass_once_the_need_is_on_disk() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.set(|play| play.plc = Plc::Down);
    stage.emit(alice.post("one"));
    stage.emit(alice.post("two"));
    alice.publish(&stage);
    let mut config = config(&stage);
    config.identity.hold_ms = 30;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config.clone()).await;
    bed.until_cursor(2).await;
    let account = bed.until_account(&alice.did, |_| true).await;
    assert_eq!(account.sync_state, SyncState::Desynchronized);
    assert!(account.error.as_ref().unwrap().starts_with("identity:"), "{account:?}");
    bed.stop().await;

    // The events were only in memory. The row is on disk.
    stage.set(|play| play.plc = Plc::Up);
    let bed = Bed::start(&stage, dir.path(), config).await;
    bed.until_story(&alice.did, &["repo[one,two]"]).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_held_for_a_key_are_judged_when_it_comes_although_the_cursor_has_passed() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.set(|play| play.plc = Plc::Down);
    stage.emit(alice.post("one"));
    stage.emit(alice.post("two"));
    let mut config = config(&stage);
    config.identity.hold_ms = 30;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    bed.until_cursor(2).await;
    stage.set(|play| play.plc = Plc::Up);
    bed.until_story(&alice.did, &["one", "two"]).await;
    let account =
        bed.until_account(&alice.did, |account| account.sync_state == SyncState::Partial).await;
    assert_eq!(account.next_try_us, None);
    assert!(stage.set(|play| play.repos_asked.is_empty()));
    eventually(async || {
        let entries = bed.entries().await;
        let named = entries.iter().any(|entry| matches!(entry.body, EntryBody::Identity { .. }));
        if named { Ok(()) } else { Err("its handle was never looked at".to_owned()) }
    })
    .await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_slow_document_keeps_nobody_else_waiting() {
    let stage = Stage::start().await;
    let mut slow = Person::new(&stage, "slow");
    let mut others: Vec<Person> =
        (0..5).map(|n| Person::new(&stage, &format!("other{n}"))).collect();
    stage.set(|play| play.plc = Plc::Hangs(HashSet::from([slow.did.to_string()])));
    stage.emit(slow.post("waits"));
    for other in &mut others {
        stage.emit(other.post("passes"));
    }
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    for other in &others {
        bed.until_story(&other.did, &["passes"]).await;
    }
    assert!(bed.story(&slow.did).await.is_empty());
    assert_eq!(bed.status().await.cursor, None, "the first event is not settled");
    stage.set(|play| play.plc = Plc::Up);
    bed.until_story(&slow.did, &["waits"]).await;
    bed.until_cursor(6).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_nobody_knows_is_rejected_and_does_not_hold_the_cursor() {
    let stage = Stage::start().await;
    let mut ghost = Person::new(&stage, "ghost");
    stage.set(|play| play.documents.remove(ghost.did.as_str()));
    stage.emit(ghost.post("boo"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(1).await;
    assert_eq!(bed.status().await.rejected.get("identity_unknown"), Some(&1));
    assert_eq!(bed.account(&ghost.did).await, None);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_is_down_at_the_start_is_found_when_it_comes() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    let relay = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = relay.local_addr().unwrap();
    drop(relay);
    let mut config = config(&stage);
    config.sources[0].url = format!("ws://{addr}");
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    eventually(async || match bed.status().await.last_error {
        Some(error) if error.contains("MR-ING-002") => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    // Something that forwards to the stage begins to listen there.
    let listener = tokio::net::TcpListener::bind(addr).await.unwrap();
    let stage_addr = stage.addr;
    let mut tasks = millrace_runtime::supervise::TaskSet::new();
    tasks.spawn("forward", async move {
        let (mut from, _) = listener.accept().await.unwrap();
        let mut to = tokio::net::TcpStream::connect(stage_addr).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
    });
    stage.emit(alice.post("one"));
    bed.until_cursor(1).await;
    assert_eq!(bed.status().await.last_error, None);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_01_while_the_log_is_full_nothing_is_read_on_and_nothing_is_lost() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    let text = "x".repeat(100_000);
    for _ in 0..40 {
        stage.emit(alice.post(&text));
    }
    let dir = tempdir().unwrap();
    let small = LogConfig { disk_bytes_max: Some(2 << 20), ..LogConfig::default() };
    let plc = format!("{}/plc", stage.origin());
    let bed = Bed::start_with_log(&plc, &stage.origin(), dir.path(), config(&stage), small).await;
    eventually(async || match bed.metric("millrace_ingest_append_retries_total") {
        0.0 => Err("no append was refused".to_owned()),
        _ => Ok(()),
    })
    .await;
    assert!(bed.status().await.cursor.is_none_or(|cursor| cursor < 40));
    // Retention makes room, as often as the log is full again.
    let topic = Topic::NetworkEntries;
    eventually(async || {
        let tail = bed.log.tail(topic, 0).await.unwrap();
        let retention = Retention { age_us: Some(0), bytes_max: None, floors: vec![tail] };
        bed.log.retain(topic, &retention).await.unwrap();
        match bed.status().await.cursor {
            Some(40) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    assert!(bed.log.tail(topic, 0).await.unwrap() >= 40);
    assert!(bed.status().await.rejected.is_empty());
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_01_while_the_tables_take_no_writes_the_log_goes_on_and_the_cursor_waits() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(1).await;

    // Another connection holds the file's only write lock.
    let held = HeldTables::hold(dir.path()).await;
    stage.emit(alice.post("two"));
    bed.until_story(&alice.did, &["one", "two"]).await;
    eventually(async || match bed.metric("millrace_ingest_checkpoint_retries_total") {
        0.0 => Err("no checkpoint was refused".to_owned()),
        _ => Ok(()),
    })
    .await;
    assert_eq!(bed.status().await.cursor, Some(1));
    held.let_go().await;
    bed.until_cursor(2).await;
    bed.stop().await;
}
