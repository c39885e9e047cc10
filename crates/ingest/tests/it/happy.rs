//! The way of a good event: from the socket into the log, then the cursor.

use millrace_atproto::entry::{Action, EntryBody};
use millrace_ingest::{SyncState, VerifyMode};
use millrace_sim::repo::Write;
use tempfile::tempdir;

use crate::bed::{Bed, config, eventually};
use crate::person::Person;
use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn commits_become_entries_in_order_and_the_cursor_follows() {
    let stage = Stage::start().await;
    let (mut alice, mut bob) = (Person::new(&stage, "alice"), Person::new(&stage, "bob"));
    for n in 0..30 {
        stage.emit(alice.post(&format!("a{n}")));
        stage.emit(bob.post(&format!("b{n}")));
    }
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(60).await;

    for (person, letter) in [(&alice, "a"), (&bob, "b")] {
        let expected: Vec<String> = (0..30).map(|n| format!("{letter}{n}")).collect();
        assert_eq!(bed.story(&person.did).await, expected);
        let account =
            bed.until_account(&person.did, |account| account.rev == Some(person.repo.rev())).await;
        assert_eq!(account.sync_state, SyncState::Partial);
        assert_eq!(account.data, Some(person.repo.commit().data));
        assert_eq!(account.pds.as_deref(), Some(stage.origin().as_str()));
    }
    let status = bed.status().await;
    assert!(status.connected && !status.stopped);
    assert_eq!((status.received_seq, status.appended_seq), (Some(60), Some(60)));
    assert_eq!(status.outstanding, 0);
    assert!(status.rejected.is_empty());
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_carries_what_projections_need() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    let path = "app.bsky.feed.post/3jzfcijpj2z2a".to_owned();
    let record = millrace_sim::records::post("with a \0 inside", 0, None, None, None);
    stage.emit(alice.write(vec![Write::Put { path: path.clone(), record: record.clone() }]));
    stage.emit(alice.write(vec![Write::Delete { path }]));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(2).await;

    let entries = bed.entries().await;
    let commits: Vec<_> =
        entries.iter().filter(|entry| matches!(entry.body, EntryBody::Commit { .. })).collect();
    let [first, second] = commits.as_slice() else { panic!("{commits:?}") };
    assert_eq!((first.header.source.as_str(), first.header.source_seq), ("relay", Some(1)));
    assert_ne!(first.header.trace, [0; 16]);
    assert_eq!(second.header.rev, Some(alice.repo.rev()));
    let EntryBody::Commit { ops } = &first.body else { panic!() };
    assert_eq!(ops[0].action, Action::Create);
    assert_eq!(ops[0].record.as_deref(), Some(record.as_slice()));
    assert_eq!(ops[0].cid, Some(millrace_atproto::Cid::of_dag_cbor(&record)));
    let EntryBody::Commit { ops } = &second.body else { panic!() };
    assert_eq!((ops[0].action, ops[0].cid, ops[0].record.as_ref()), (Action::Delete, None, None));
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_02_without_a_cursor_live_begins_with_what_happens_next() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("before"));
    let mut config = config(&stage);
    config.sources[0].cursor = None;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    eventually(
        async || {
            if bed.status().await.connected { Ok(()) } else { Err("not connected".to_owned()) }
        },
    )
    .await;
    stage.emit(alice.post("after"));
    bed.until_cursor(2).await;
    assert_eq!(bed.story(&alice.did).await, ["after"]);
    assert_eq!(stage.cursors(), [None]);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sources_keep_their_own_cursors() {
    let (one, two) = (Stage::start().await, Stage::start().await);
    let (mut alice, mut bob) = (Person::new(&one, "alice"), Person::new(&one, "bob"));
    one.emit(alice.post("a"));
    two.emit(bob.post("b1"));
    two.emit(bob.post("b2"));
    let mut config = config(&one);
    let mut second = config.sources[0].clone();
    second.name = "second".to_owned();
    second.url = two.socket();
    config.sources.push(second);
    let dir = tempdir().unwrap();
    let bed = Bed::start(&one, dir.path(), config).await;
    eventually(async || {
        let sources = bed.client.list_sources().await.unwrap();
        let cursors: Vec<_> = sources.iter().map(|source| source.cursor).collect();
        if cursors == [Some(1), Some(2)] { Ok(()) } else { Err(format!("{cursors:?}")) }
    })
    .await;
    assert_eq!(bed.story(&alice.did).await, ["a"]);
    assert_eq!(bed.story(&bob.did).await, ["b1", "b2"]);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_commit_from_two_sources_is_appended_once() {
    let (one, two) = (Stage::start().await, Stage::start().await);
    let mut alice = Person::new(&one, "alice");
    for n in 0..10 {
        let frame = alice.post(&format!("{n}"))(n + 1);
        one.emit(|_| frame.clone());
        two.emit(|_| frame);
    }
    let mut config = config(&one);
    let mut second = config.sources[0].clone();
    second.name = "second".to_owned();
    second.url = two.socket();
    config.sources.push(second);
    let dir = tempdir().unwrap();
    let bed = Bed::start(&one, dir.path(), config).await;
    eventually(async || {
        let sources = bed.client.list_sources().await.unwrap();
        if sources.iter().all(|source| source.cursor == Some(10)) {
            Ok(())
        } else {
            Err(format!("{sources:?}"))
        }
    })
    .await;
    let expected: Vec<String> = (0..10).map(|n| n.to_string()).collect();
    assert_eq!(bed.story(&alice.did).await, expected);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unverified_commits_say_so() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    let stranger = millrace_atproto::crypto::SigningKey::from_bytes(
        millrace_atproto::crypto::Curve::K256,
        &[9; 32],
    )
    .unwrap();
    stage.emit(alice.post("one"));
    alice.key = stranger;
    stage.emit(alice.post("two, badly signed"));
    let config = millrace_ingest::IngestConfig { verify: VerifyMode::Off, ..config(&stage) };
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    bed.until_cursor(2).await;
    assert_eq!(bed.story(&alice.did).await, ["one", "two, badly signed"]);
    let entries = bed.entries().await;
    assert!(entries.iter().any(|entry| entry.header.source == "relay+unverified"));
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_is_verified_and_the_chain_of_all() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    for n in 0..40 {
        stage.emit(alice.post(&format!("{n}")));
    }
    let _lost = alice.post("40");
    stage.emit(alice.post("41"));
    alice.publish(&stage);
    let config = millrace_ingest::IngestConfig {
        verify: VerifyMode::Sampled,
        sample_one_in: 2,
        ..config(&stage)
    };
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::Complete).await;
    let full = bed.metric("millrace_ingest_commits_total{verified=\"full\"}");
    let off = bed.metric("millrace_ingest_commits_total{verified=\"off\"}");
    assert!(full > 0.0 && off > 0.0 && (full + off - 40.0).abs() < 0.5, "{full} {off}");
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_shows_events_that_led_to_no_entry() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    stage.emit(alice.sync());
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(2).await;
    until_marked(&bed, 2, 1).await;
    bed.stop().await;
}

/// A stop may come between a cursor and its mark, and nothing may ever be written again.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_marks_the_stored_cursor_though_no_event_follows() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    until_marked(&bed, 1, 1).await;
    bed.stop().await;
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    until_marked(&bed, 1, 2).await;
    bed.stop().await;
}

async fn until_marked(bed: &Bed, seq: i64, times: usize) {
    eventually(async || {
        let entries = bed.entries().await;
        let marks = entries.iter().filter(|entry| {
            matches!(entry.body, EntryBody::Mark) && entry.header.source_seq == Some(seq)
        });
        if marks.count() >= times { Ok(()) } else { Err(format!("{entries:?}")) }
    })
    .await;
}
