//! Several sources of one network, and several hosts of one source: duplicates, reorderings between
//! them, one that lags, one that dies. With proofs or without, an account's story is told once.

use std::time::Duration;

use millrace_ingest::{IngestConfig, SourceConfig, SourceKind, SyncState};
use millrace_runtime::clock::{Clock as _, ManualClock, SystemClock};
use tempfile::tempdir;
use tokio::net::TcpListener;

use crate::bed::{Bed, config, eventually};
use crate::jet::Jet;
use crate::jetstream::{WIRES, position};
use crate::person::Person;
use crate::stage::Stage;

const V1: SourceKind = SourceKind::JetstreamV1;
const V2: SourceKind = SourceKind::JetstreamV2;

/// A relay, and a second source beside it.
fn with_relay(stage: &Stage, second: SourceConfig) -> IngestConfig {
    let mut config = config(stage);
    config.sources.push(second);
    config
}

fn second_relay(name: &str, stage: &Stage) -> SourceConfig {
    SourceConfig {
        name: name.to_owned(),
        url: stage.socket(),
        cursor: Some(0),
        ..SourceConfig::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_relays_that_tell_the_same_in_another_order_cost_nothing() {
    let (one, two) = (Stage::start().await, Stage::start().await);
    let mut people: Vec<Person> = (0..6).map(|n| Person::new(&one, &format!("p{n}"))).collect();
    let mut frames = Vec::new();
    for n in 0..20 {
        for person in &mut people {
            frames.push(person.post(&n.to_string())(1));
        }
    }
    for frame in &frames {
        one.emit(|seq| numbered(frame, seq));
    }
    // The second passes on one account after the other, as its hosts answered.
    for first in 0..people.len() {
        for frame in frames.iter().skip(first).step_by(people.len()) {
            two.emit(|seq| numbered(frame, seq));
        }
    }
    let dir = tempdir().unwrap();
    let bed = Bed::start(&one, dir.path(), with_relay(&one, second_relay("two", &two))).await;
    for source in 0..2 {
        bed.until_cursor_of(source, 120).await;
    }
    let expected: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    for person in &people {
        assert_eq!(bed.story(&person.did).await, expected);
    }
    assert!(one.set(|play| play.repos_asked.is_empty()), "nothing was missing");
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_joins_ahead_of_one_that_lags_causes_no_fetches() {
    let (relay, pds) = (Stage::start().await, Stage::start().await);
    let mut alice = Person::new(&relay, "alice");
    let frames: Vec<Vec<u8>> = (0..10).map(|n| alice.post(&n.to_string())(1)).collect();
    alice.publish(&relay);
    for frame in &frames[..3] {
        relay.emit(|seq| numbered(frame, seq));
    }
    let dir = tempdir().unwrap();
    let bed = Bed::start(&relay, dir.path(), with_relay(&relay, second_relay("pds", &pds))).await;
    bed.until_cursor_of(0, 3).await;
    // Its own host is at the end already, and says what the relay will say later.
    for frame in &frames[7..] {
        pds.emit(|seq| numbered(frame, seq));
    }
    bed.until_cursor_of(1, 3).await;
    let planned = bed.until_account(&alice.did, |account| account.next_try_us.is_some()).await;
    assert!(planned.next_try_us > Some(SystemClock.now_us() + 60_000_000), "not at once");
    assert_eq!(planned.sync_state, SyncState::Partial);
    for frame in &frames[3..] {
        relay.emit(|seq| numbered(frame, seq));
    }
    bed.until_cursor_of(0, 10).await;
    let expected: Vec<String> = (0..10).map(|n| n.to_string()).collect();
    assert_eq!(bed.story(&alice.did).await, expected);
    bed.until_account(&alice.did, |account| account.next_try_us.is_none()).await;
    assert!(relay.set(|play| play.repos_asked.is_empty()));
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_lagging_source_never_tells_is_fetched_after_a_while() {
    let (relay, pds) = (Stage::start().await, Stage::start().await);
    let mut alice = Person::new(&relay, "alice");
    let frames: Vec<Vec<u8>> = (0..3).map(|n| alice.post(&n.to_string())(1)).collect();
    alice.publish(&relay);
    let clock = ManualClock::at(SystemClock.now_us());
    relay.emit(|seq| numbered(&frames[0], seq));
    let dir = tempdir().unwrap();
    let config = with_relay(&relay, second_relay("pds", &pds));
    let bed = Bed::start_with_clock(&relay, dir.path(), config.clone(), &clock).await;
    bed.until_cursor_of(0, 1).await;
    pds.emit(|seq| numbered(&frames[2], seq));
    bed.until_cursor_of(1, 1).await;
    bed.until_account(&alice.did, |account| account.next_try_us.is_some()).await;
    assert_eq!(bed.story(&alice.did).await, ["0"]);
    // The plan is on disk.
    bed.stop().await;
    let bed = Bed::start_with_clock(&relay, dir.path(), config, &clock).await;
    clock.advance(Duration::from_secs(180));
    bed.until_story(&alice.did, &["0", "repo[0,1,2]"]).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_source_that_dies_stops_no_other_and_each_has_its_own_line() {
    let (one, two) = (Stage::start().await, Stage::start().await);
    let (mut alice, mut bob) = (Person::new(&one, "alice"), Person::new(&one, "bob"));
    let jet = Jet::start().await;
    one.emit(alice.post("a"));
    two.emit(bob.post("b"));
    let mut config = with_relay(&one, second_relay("two", &two));
    config.sources.push(SourceConfig {
        name: "dead".to_owned(),
        url: "ws://127.0.0.1:1".to_owned(),
        ..SourceConfig::default()
    });
    config.sources.push(jet.source("jet", V2));
    // Its cursor is of the future: this one stops, and says so.
    config.sources.push(SourceConfig { cursor: Some(900), ..second_relay("reset", &two) });
    let dir = tempdir().unwrap();
    let bed = Bed::start(&one, dir.path(), config).await;
    bed.until_cursor_of(0, 1).await;
    bed.until_cursor_of(1, 1).await;
    bed.until_status_of(2, |dead| !dead.connected && dead.last_error.is_some()).await;
    bed.until_status_of(3, |jet| jet.connected).await;
    let stopped = bed.until_status_of(4, |reset| reset.stopped).await;
    assert!(stopped.last_error.unwrap().contains("MR-ING-006"));
    one.emit(alice.post("a2"));
    bed.until_cursor_of(0, 2).await;
    let names: Vec<String> =
        bed.client.list_sources().await.unwrap().into_iter().map(|source| source.name).collect();
    assert_eq!(names, ["relay", "two", "dead", "jet", "reset"]);
    assert!((bed.metric("millrace_ingest_connected{source=\"two\"}") - 1.0).abs() < 0.5);
    assert!(bed.metric("millrace_ingest_connected{source=\"dead\"}") < 0.5);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_preferred_host_is_away_another_is_followed_and_then_that_goes_on_where_it_was() {
    let (first, second) = (Stage::start().await, Stage::start().await);
    let (mut alice, mut bob) = (Person::new(&first, "alice"), Person::new(&first, "bob"));
    // Something in between, which can be away.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let door = forward(listener, &first);
    first.emit(alice.post("one"));
    let mut config = config(&first);
    config.sources[0].url = format!("ws://{addr}");
    config.sources[0].fallback_urls = vec![second.socket()];
    config.connection.fallback_return_ms = 200;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&first, dir.path(), config.clone()).await;
    bed.until_cursor(1).await;
    drop(door);
    first.disconnect();
    let other = second.socket();
    bed.until_status_of(0, |status| status.connected && status.url.starts_with(&other)).await;
    second.emit(bob.post("only there"));
    bed.until_story(&bob.did, &["only there"]).await;
    let gap = bed.status().await.gap.unwrap();
    assert_eq!(gap.reason, "fallback", "where the other was joined is not known");
    // What happened meanwhile is at the preferred host, when that is back.
    first.emit(alice.post("two"));
    let door = forward(TcpListener::bind(addr).await.unwrap(), &first);
    bed.until_story(&alice.did, &["one", "two"]).await;
    bed.until_cursor(2).await;
    bed.until_status_of(0, |status| status.url.contains(&addr.to_string())).await;
    assert_eq!(first.cursors(), [Some(0), Some(1)]);
    // Each host's cursor is on disk.
    bed.stop().await;
    drop(door);
    second.emit(bob.post("and there again"));
    let bed = Bed::start(&first, dir.path(), config).await;
    bed.until_story(&bob.did, &["only there", "and there again"]).await;
    assert_eq!(second.cursors().last(), Some(&Some(1)));
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_jetstream_is_joined_by_time() {
    for kind in WIRES {
        let (stage, second) = (Stage::start().await, Jet::start().await);
        let mut alice = Person::new(&stage, "alice");
        let first = Jet::start().await;
        let at = position(kind, 1);
        first.tell(kind, &[at], &alice.post("one")(1));
        let mut config =
            IngestConfig { sources: vec![first.source("jet", kind)], ..config(&stage) };
        config.sources[0].fallback_urls = vec![second.url()];
        let dir = tempdir().unwrap();
        let bed = Bed::start(&stage, dir.path(), config).await;
        bed.until_cursor(at).await;
        first.set(|play| play.refuse = Some((503, "ServiceUnavailable")));
        first.disconnect();
        let there = position(kind, 5_000);
        second.tell(kind, &[there], &alice.post("two")(1));
        bed.until_story(&alice.did, &["one", "two"]).await;
        let cursor = second.cursors()[0].unwrap();
        let since_us = SystemClock.now_us() - cursor;
        assert!(cursor >= 1_000_000_000_000_000, "{kind:?}: a time, {cursor}");
        assert!(kind == V2 || (60_000_000..80_000_000).contains(&since_us), "{since_us}");
        assert!(bed.status().await.url.starts_with(&second.url()));
        bed.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_relay_tells_of_an_account_a_jetstream_has_no_say() {
    for kind in WIRES {
        let (stage, jet) = (Stage::start().await, Jet::start().await);
        let mut alice = Person::new(&stage, "alice");
        let mut at = (1..).map(|n| position(kind, n));
        stage.emit(alice.post("one"));
        let dir = tempdir().unwrap();
        let bed = Bed::start(&stage, dir.path(), with_relay(&stage, jet.source("jet", kind))).await;
        bed.until_cursor_of(0, 1).await;
        // The Jetstream is faster, and lies about the second.
        let (two, three) = (alice.post("two")(2), alice.post("three")(3));
        let mut lie = crate::jet::told(&two).remove(0);
        let record = millrace_sim::records::post("a lie", 0, None, None, None);
        lie.commit["record"] = serde_json::from_str(&millrace_atproto::cbor::to_json(
            &millrace_atproto::cbor::decode(&record).unwrap(),
        ))
        .unwrap();
        lie.commit["cid"] = millrace_atproto::Cid::of_dag_cbor(&record).to_string().into();
        let first = at.next().unwrap();
        jet.emit(first, lie.message(kind, first));
        let last = at.next().unwrap();
        jet.tell(kind, &[last], &three);
        bed.until_cursor_of(1, last).await;
        assert_eq!(bed.story(&alice.did).await, ["one"], "{kind:?}");
        stage.emit(|_| two);
        stage.emit(|_| three);
        bed.until_story(&alice.did, &["one", "two", "three"]).await;
        bed.until_account(&alice.did, |account| account.next_try_us.is_none()).await;
        assert_eq!(bed.sources_of(&alice.did).await, ["relay"; 3]);
        assert!(stage.set(|play| play.repos_asked.is_empty()));
        bed.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_relay_is_away_the_jetstream_is_believed_and_then_they_meet_without_a_fetch() {
    for kind in WIRES {
        let (stage, jet) = (Stage::start().await, Jet::start().await);
        let mut alice = Person::new(&stage, "alice");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let door = forward(listener, &stage);
        stage.emit(alice.post("one"));
        let mut config = with_relay(&stage, jet.source("jet", kind));
        config.sources[0].url = format!("ws://{addr}");
        let dir = tempdir().unwrap();
        let bed = Bed::start(&stage, dir.path(), config).await;
        bed.until_cursor_of(0, 1).await;
        drop(door);
        stage.disconnect();
        bed.until_status_of(0, |relay| !relay.connected && relay.last_error.is_some()).await;
        let frames = ["two", "three", "four"].map(|text| alice.post(text)(1));
        let at: Vec<i64> = (1..=2).map(|n| position(kind, n)).collect();
        jet.tell(kind, &[at[0]], &frames[0]);
        jet.tell(kind, &[at[1]], &frames[1]);
        bed.until_story(&alice.did, &["one", "two", "three"]).await;
        for frame in &frames {
            stage.emit(|seq| numbered(frame, seq));
        }
        let _door = forward(TcpListener::bind(addr).await.unwrap(), &stage);
        bed.until_cursor_of(0, 4).await;
        assert_eq!(bed.story(&alice.did).await, ["one", "two", "three", "four"], "{kind:?}");
        let named = bed.sources_of(&alice.did).await;
        assert_eq!(named, ["relay", "jet+unverified", "jet+unverified", "relay"]);
        let account =
            bed.until_account(&alice.did, |account| account.rev == Some(alice.repo.rev())).await;
        assert_eq!(account.data, Some(alice.repo.commit().data), "the chain is whole again");
        assert!(stage.set(|play| play.repos_asked.is_empty()));
        assert!(bed.status().await.rejected.is_empty());
        bed.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_came_without_proofs_is_confirmed_by_the_one_that_has_them() {
    let (stage, jet) = (Stage::start().await, Jet::start().await);
    let mut alice = Person::new(&stage, "alice");
    let frames = ["one", "two", "three"].map(|text| alice.post(text)(1));
    let at = position(V1, 1);
    jet.tell(V1, &[at], &frames[0]);
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), with_relay(&stage, jet.source("jet", V1))).await;
    bed.until_story(&alice.did, &["one"]).await;
    let before = bed.until_account(&alice.did, |account| account.rev.is_some()).await;
    assert_eq!(before.data, None);
    stage.emit(|seq| numbered(&frames[0], seq));
    bed.until_cursor_of(0, 1).await;
    let after = bed.until_account(&alice.did, |account| account.data.is_some()).await;
    assert_eq!(after.rev, before.rev);
    assert_eq!(bed.story(&alice.did).await, ["one"], "and not appended twice");
    // From here on the chain is checked: a commit that is missing is noticed.
    alice.publish(&stage);
    stage.emit(|seq| numbered(&frames[2], seq));
    bed.until_story(&alice.did, &["one", "repo[one,two,three]"]).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_jetstream_that_sees_but_a_part_passed_over_is_fetched() {
    let (stage, jet) = (Stage::start().await, Jet::start().await);
    let mut alice = Person::new(&stage, "alice");
    let frames = ["one", "two", "three", "four"].map(|text| alice.post(text)(1));
    alice.publish(&stage);
    // It was asked for one collection, or began later.
    let (first, last) = (position(V1, 1), position(V1, 2));
    jet.tell(V1, &[first], &frames[0]);
    jet.tell(V1, &[last], &frames[2]);
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), with_relay(&stage, jet.source("jet", V1))).await;
    bed.until_story(&alice.did, &["one", "three"]).await;
    for frame in &frames {
        stage.emit(|seq| numbered(frame, seq));
    }
    bed.until_story(&alice.did, &["one", "three", "repo[one,two,three,four]"]).await;
    bed.until_cursor_of(0, 4).await;
    assert_eq!(
        stage.set(|play| play.repos_asked[alice.did.as_str()]),
        1,
        "once, not again and again"
    );
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_to_a_relay_that_dies_is_not_lost() {
    let (stage, jet) = (Stage::start().await, Jet::start().await);
    let mut alice = Person::new(&stage, "alice");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let door = forward(listener, &stage);
    stage.emit(alice.post("one"));
    let mut config = with_relay(&stage, jet.source("jet", V2));
    config.sources[0].url = format!("ws://{addr}");
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    bed.until_cursor_of(0, 1).await;
    jet.tell(V2, &[1], &alice.post("two, left to the relay")(1));
    bed.until_cursor_of(1, 1).await;
    assert_eq!(bed.story(&alice.did).await, ["one"]);
    drop(door);
    stage.disconnect();
    bed.until_status_of(0, |relay| !relay.connected).await;
    let three = alice.post("three")(1);
    alice.publish(&stage);
    jet.tell(V2, &[2], &three);
    bed.until_story(&alice.did, &["one", "repo[one,two, left to the relay,three]"]).await;
    bed.stop().await;
}

/// The same commit under another number.
fn numbered(frame: &[u8], seq: i64) -> Vec<u8> {
    Person::bent(|_| frame.to_vec(), |frame| frame.seq = seq)(seq)
}

/// Forwards connections to the stage until it is dropped.
fn forward(listener: TcpListener, stage: &Stage) -> millrace_runtime::supervise::TaskSet<()> {
    let to = stage.addr;
    let mut tasks = millrace_runtime::supervise::TaskSet::new();
    tasks.spawn("forward", async move {
        let mut passing = millrace_runtime::supervise::TaskSet::new();
        loop {
            let Ok((mut from, _)) = listener.accept().await else { return };
            passing.spawn("passing", async move {
                let Ok(mut to) = tokio::net::TcpStream::connect(to).await else { return };
                let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
            });
        }
    });
    tasks
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_host_is_left_for_the_next_at_once() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let mut config = config(&stage);
    config.sources[0].url = "ws://127.0.0.1:1".to_owned();
    config.sources[0].fallback_urls = vec!["ws://127.0.0.1:2".to_owned(), stage.socket()];
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    eventually(async || match bed.status().await.cursor {
        Some(1) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    assert_eq!(stage.cursors(), [Some(0)], "nothing was read anywhere: as configured");
    bed.stop().await;
}
