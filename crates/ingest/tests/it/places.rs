//! Positions in a Jetstream's stream: going on after a break, and servers that do not go on where they
//! were left.

use axum::extract::ws::Message;
use millrace_ingest::{Backfill, OnFutureCursor, SourceKind, SyncState};
use millrace_runtime::clock::{Clock as _, SystemClock};
use tempfile::tempdir;

use crate::bed::{Bed, eventually};
use crate::jet::{Jet, told};
use crate::jetstream::{WIRES, config_of, position};
use crate::person::Person;
use crate::stage::Stage;

const S: i64 = 1_000_000;
const V1: SourceKind = SourceKind::JetstreamV1;
const V2: SourceKind = SourceKind::JetstreamV2;

async fn connections(jet: &Jet, at_least: usize) {
    eventually(async || match jet.cursors().len() {
        n if n >= at_least => Ok(()),
        n => Err(format!("{n} connections")),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_break_v1_begins_earlier_and_v2_at_the_last_event_and_nothing_comes_twice() {
    for kind in WIRES {
        let (stage, jet) = (Stage::start().await, Jet::start().await);
        let mut alice = Person::new(&stage, "alice");
        let at: Vec<i64> = (1..=4).map(|n| position(kind, n)).collect();
        for (n, position) in at.iter().enumerate().take(3) {
            jet.tell(kind, &[*position], &alice.post(&n.to_string())(1));
        }
        let dir = tempdir().unwrap();
        let bed = Bed::start(&stage, dir.path(), config_of(&stage, &jet, kind)).await;
        bed.until_cursor(at[2]).await;
        jet.disconnect();
        connections(&jet, 2).await;
        bed.stop().await;
        jet.tell(kind, &[at[3]], &alice.post("3")(1));
        let bed = Bed::start(&stage, dir.path(), config_of(&stage, &jet, kind)).await;
        bed.until_cursor(at[3]).await;
        assert_eq!(bed.story(&alice.did).await, ["0", "1", "2", "3"], "{kind:?}");
        let back = if kind == V1 { at[2] - S } else { at[2] };
        let first = if kind == V1 { 0 } else { 1_000_000_000_000_000 };
        assert_eq!(jet.cursors(), [Some(first), Some(back), Some(back)]);
        assert_eq!(bed.status().await.gaps, 0);
        assert!(stage.set(|play| play.repos_asked.is_empty()));
        bed.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn story_02_absent_and_zero_cursors_are_different() {
    for kind in WIRES {
        for (cursor, sent) in
            [(None, None), (Some(0), Some(if kind == V1 { 0 } else { 1_000_000_000_000_000 }))]
        {
            let (stage, jet) = (Stage::start().await, Jet::start().await);
            let mut alice = Person::new(&stage, "alice");
            jet.tell(kind, &[position(kind, 1)], &alice.post("before")(1));
            let mut config = config_of(&stage, &jet, kind);
            config.sources[0].cursor = cursor;
            let dir = tempdir().unwrap();
            let bed = Bed::start(&stage, dir.path(), config).await;
            connections(&jet, 1).await;
            bed.until_status_of(0, |status| status.connected).await;
            let last = position(kind, 2);
            jet.tell(kind, &[last], &alice.post("after")(1));
            bed.until_cursor(last).await;
            let story: &[&str] = if cursor.is_none() { &["after"] } else { &["before", "after"] };
            assert_eq!(bed.story(&alice.did).await, story, "{kind:?} {cursor:?}");
            assert_eq!(jet.cursors(), [sent]);
            assert_eq!(bed.status().await.gaps, 0, "who asks for the oldest has lost nothing");
            bed.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn story_02_a_silently_clamped_time_leaves_a_suspect_range() {
    let (stage, jet) = (Stage::start().await, Jet::start().await);
    let mut alice = Person::new(&stage, "alice");
    let at: Vec<i64> = (1..=3).map(|n| position(V1, 10_000 * n)).collect();
    jet.tell(V1, &[at[0]], &alice.post("one")(1));
    let dir = tempdir().unwrap();
    let mut config = config_of(&stage, &jet, V1);
    config.backfill = Backfill::Dids(vec![alice.did.to_string()]);
    alice.publish(&stage);
    let bed = Bed::start(&stage, dir.path(), config.clone()).await;
    bed.until_cursor(at[0]).await;
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::Complete).await;
    bed.stop().await;
    // While we were away the server forgot what we had, and more.
    let _lost = alice.post("two");
    jet.set(|play| play.oldest = at[1]);
    jet.tell(V1, &[at[2]], &alice.post("three")(1));
    alice.publish(&stage);
    let bed = Bed::start(&stage, dir.path(), config.clone()).await;
    bed.until_cursor(at[2]).await;
    let gap = bed.status().await.gap.unwrap();
    assert_eq!((gap.reason.as_str(), gap.from, gap.to), ("clamped", Some(at[0]), Some(at[2])));
    assert!(bed.metric("millrace_ingest_gaps_total{source=\"jet\",reason=\"clamped\"}") >= 1.0);
    // What was whole is not believed to be whole any more.
    eventually(async || match bed.story(&alice.did).await {
        story if story.last().is_some_and(|last| last == "repo[one,two,three]") => Ok(()),
        story => Err(format!("{story:?}")),
    })
    .await;
    bed.stop().await;
    let bed = Bed::start(&stage, dir.path(), config).await;
    let status = bed.until_status_of(0, |status| status.gap_us.is_some()).await;
    assert_eq!(status.gap, Some(gap), "the range is on disk");
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_02_a_number_that_is_too_old_is_told_and_the_rest_is_read() {
    let (stage, jet) = (Stage::start().await, Jet::start().await);
    let mut alice = Person::new(&stage, "alice");
    jet.tell(V2, &[10], &alice.post("one")(1));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config_of(&stage, &jet, V2)).await;
    bed.until_cursor(10).await;
    bed.stop().await;
    jet.set(|play| play.oldest = 500);
    jet.tell(V2, &[500], &alice.post("two")(1));
    let bed = Bed::start(&stage, dir.path(), config_of(&stage, &jet, V2)).await;
    bed.until_cursor(500).await;
    assert_eq!(bed.story(&alice.did).await, ["one", "two"]);
    let status = bed.status().await;
    assert_eq!(status.gaps, 1, "counted once");
    let gap = status.gap.unwrap();
    assert_eq!((gap.reason.as_str(), gap.from), ("cursor_too_old", Some(10)));
    let text = bed.registry.encode();
    assert!(text.contains("code=\"cursor_too_old\""), "{text}");
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_02_a_server_that_counts_anew_is_noticed() {
    for restart in [false, true] {
        let (stage, jet) = (Stage::start().await, Jet::start().await);
        let (mut alice, mut bob) = (Person::new(&stage, "alice"), Person::new(&stage, "bob"));
        jet.tell(V2, &[497_201], &alice.post("one")(1));
        let mut config = config_of(&stage, &jet, V2);
        if restart {
            config.on_future_cursor = OnFutureCursor::RestartAtOldest;
        }
        let dir = tempdir().unwrap();
        let bed = Bed::start(&stage, dir.path(), config).await;
        bed.until_cursor(497_201).await;
        // Our number is of the future there, which the server does not say: it goes live.
        jet.set(|play| play.events.clear());
        jet.tell(V2, &[1], &bob.post("in the new count")(1));
        jet.disconnect();
        connections(&jet, 2).await;
        jet.tell(V2, &[2], &bob.post("after")(1));
        if restart {
            bed.until_cursor(2).await;
            assert_eq!(bed.story(&bob.did).await, ["in the new count", "after"]);
        } else {
            let status = bed.until_status_of(0, |status| status.stopped).await;
            assert!(status.last_error.unwrap().contains("MR-ING-007"));
            assert_eq!(status.cursor, Some(497_201), "left for an operator to decide about");
        }
        bed.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn story_02_times_that_go_back_are_followed_and_counted() {
    let (stage, jet) = (Stage::start().await, Jet::start().await);
    let mut alice = Person::new(&stage, "alice");
    let now_us = SystemClock.now_us();
    let frames = ["one", "two", "three"].map(|text| alice.post(text)(1));
    jet.tell(V1, &[now_us - 7_200 * S], &frames[0]);
    jet.tell(V1, &[now_us - 10 * S], &frames[1]);
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config_of(&stage, &jet, V1)).await;
    bed.until_cursor(now_us - 10 * S).await;
    // The server begins an hour before what it was asked for, and says nothing of it.
    jet.set(|play| play.events.retain(|(at, _)| *at != now_us - 10 * S));
    let back = now_us - 3_700 * S;
    jet.disconnect();
    connections(&jet, 2).await;
    jet.tell(V1, &[back], &frames[0]);
    bed.until_cursor(back).await;
    jet.tell(V1, &[back + S], &frames[1]);
    jet.tell(V1, &[now_us - 5 * S], &frames[2]);
    bed.until_cursor(now_us - 5 * S).await;
    assert_eq!(bed.story(&alice.did).await, ["one", "two", "three"]);
    let jumps = "millrace_ingest_position_jumps_total{source=\"jet\",direction=\"backward\"}";
    assert!((bed.metric(jumps) - 1.0).abs() < 0.5);
    assert!(
        stage.set(|play| play.repos_asked.is_empty()),
        "a replay is no reason to fetch anything"
    );
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_02_a_time_of_the_future_does_not_move_the_cursor_there() {
    let (stage, jet) = (Stage::start().await, Jet::start().await);
    let mut alice = Person::new(&stage, "alice");
    let now_us = SystemClock.now_us();
    jet.tell(V1, &[now_us + 86_400 * S], &alice.post("tomorrow")(1));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config_of(&stage, &jet, V1)).await;
    let status = bed.until_status_of(0, |status| status.cursor.is_some()).await;
    let cursor = status.cursor.unwrap();
    assert!((now_us..now_us + 60 * S).contains(&cursor), "{cursor}");
    assert_eq!(bed.story(&alice.did).await, ["tomorrow"]);
    let jumps = "millrace_ingest_position_jumps_total{source=\"jet\",direction=\"forward\"}";
    assert!(bed.metric(jumps) >= 1.0);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_03_what_is_reordered_at_the_cutover_from_replay_to_live_is_fetched() {
    for kind in WIRES {
        let (stage, jet) = (Stage::start().await, Jet::start().await);
        let (mut alice, mut bob) = (Person::new(&stage, "alice"), Person::new(&stage, "bob"));
        let at: Vec<i64> = (1..=5).map(|n| position(kind, n)).collect();
        let frames = ["one", "two", "three", "four"].map(|text| alice.post(text)(1));
        alice.publish(&stage);
        // "three" is live already while "two" is still being replayed.
        for (position, frame) in at.iter().zip([0, 2, 1, 3]) {
            jet.tell(kind, &[*position], &frames[frame]);
        }
        jet.tell(kind, &[at[4]], &bob.post("another")(1));
        let dir = tempdir().unwrap();
        let bed = Bed::start(&stage, dir.path(), config_of(&stage, &jet, kind)).await;
        bed.until_cursor(at[4]).await;
        bed.until_account(&alice.did, |account| account.sync_state == SyncState::Complete).await;
        let story = bed.story(&alice.did).await;
        assert_eq!(story, ["one", "three", "repo[one,two,three,four]"], "{kind:?}");
        assert_eq!(bed.story(&bob.did).await, ["another"]);
        bed.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn story_13_messages_that_no_server_should_send_do_not_end_the_stream() {
    for kind in WIRES {
        let (stage, jet) = (Stage::start().await, Jet::start().await);
        let (mut alice, mut bob) = (Person::new(&stage, "alice"), Person::new(&stage, "bob"));
        let mut at = (1..).map(|n| position(kind, n));
        let mut next = || at.next().unwrap();
        jet.tell(kind, &[next()], &alice.post("good")(1));
        // No JSON, the wrong kind of message, nothing at all.
        let place = next();
        jet.set(|play| {
            for message in [
                Message::Text("{\"kind\":".into()),
                Message::Binary(vec![0xff; 20].into()),
                Message::Text("".into()),
                Message::Text("[1,2]".into()),
            ] {
                play.events.push((place, message));
            }
        });
        // Fields of the wrong type and of the wrong kind, in an event with a number.
        let bad = |field: &str, value: serde_json::Value| {
            let mut op = told(&Person::new(&stage, "mallory").post("x")(1)).remove(0);
            op.commit[field] = value;
            op
        };
        for (field, value) in [
            ("rev", "not a tid".into()),
            ("rev", 7.into()),
            ("rev", "7zzzzzzzzzzzz".into()),
            ("collection", "nul\u{0}".into()),
            ("rkey", "a/b".into()),
            ("rkey", "x".repeat(600).into()),
            ("operation", "-1".into()),
            ("record", serde_json::json!({"text": 1e300})),
            ("record", serde_json::json!(["no", "record"])),
            ("cid", "no cid".into()),
        ] {
            let position = next();
            jet.emit(position, bad(field, value).message(kind, position));
        }
        let mut ghost = told(&alice.post("of nobody")(1)).remove(0);
        ghost.did = "did:plc:\u{0}".to_owned();
        let position = next();
        jet.emit(position, ghost.message(kind, position));
        // Keys may be long, and texts may hold NUL.
        let mut long = told(&bob.post("with a \u{0} inside")(1)).remove(0);
        long.commit["rkey"] = "r".repeat(512).into();
        let last = next();
        jet.emit(last, long.message(kind, last));
        let mut config = config_of(&stage, &jet, kind);
        config.connection.backoff_max_ms = 5;
        let dir = tempdir().unwrap();
        let bed = Bed::start(&stage, dir.path(), config).await;
        bed.until_cursor(last).await;
        assert_eq!(bed.story(&alice.did).await, ["good"], "{kind:?}");
        assert_eq!(bed.story(&bob.did).await, ["with a \u{0} inside"]);
        let rejected = bed.status().await.rejected;
        for reason in [
            "invalid_frame",
            "malformed",
            "rev",
            "future_rev",
            "op_path",
            "op_shape",
            "record_json",
            "record_cid",
            "did",
        ] {
            assert!(rejected.contains_key(reason), "{kind:?} {reason}: {rejected:?}");
        }
        assert_eq!(rejected.get("op_path"), Some(&3), "{rejected:?}");
        bed.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_above_the_bound_is_passed_over_on_both_wires() {
    for kind in WIRES {
        let (stage, jet) = (Stage::start().await, Jet::start().await);
        let mut alice = Person::new(&stage, "alice");
        let at: Vec<i64> = (1..=3).map(|n| position(kind, n)).collect();
        jet.tell(kind, &[at[0]], &alice.post("before")(1));
        jet.emit(at[1], "x".repeat(70_000));
        jet.tell(kind, &[at[2]], &alice.post("after")(1));
        let mut config = config_of(&stage, &jet, kind);
        config.connection.message_bytes_max = 60_000;
        config.connection.backoff_max_ms = 5;
        let dir = tempdir().unwrap();
        let bed = Bed::start(&stage, dir.path(), config).await;
        bed.until_story(&alice.did, &["before", "after"]).await;
        assert_eq!(bed.status().await.rejected.get("oversize"), Some(&1), "{kind:?}");
        let asked = jet.set(|play| play.queries[0].clone());
        assert!(asked.contains(&("maxMessageSizeBytes".to_owned(), "60000".to_owned())));
        bed.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn story_04_a_jetstream_that_says_nothing_is_joined_again_and_a_quiet_one_is_left_alone() {
    for kind in WIRES {
        let (stage, jet) = (Stage::start().await, Jet::start().await);
        let mut alice = Person::new(&stage, "alice");
        let mut config = config_of(&stage, &jet, kind);
        config.connection.idle_min_ms = 30;
        config.connection.idle_first_ms = 30;
        config.connection.idle_max_ms = 60_000;
        let dir = tempdir().unwrap();
        let bed = Bed::start(&stage, dir.path(), config).await;
        // Each silence allows twice as long, until an event comes.
        connections(&jet, 3).await;
        assert!(bed.status().await.last_error.unwrap().contains("MR-ING-004"));
        let at = position(kind, 1);
        jet.tell(kind, &[at], &alice.post("one")(1));
        bed.until_cursor(at).await;
        bed.stop().await;
        let quiet = config_of(&stage, &jet, kind);
        let made = jet.cursors().len();
        let bed = Bed::start(&stage, dir.path(), quiet).await;
        let last = position(kind, 2);
        connections(&jet, made + 1).await;
        jet.tell(kind, &[last], &alice.post("two")(1));
        bed.until_cursor(last).await;
        assert_eq!(jet.cursors().len(), made + 1, "one connection is enough");
        bed.stop().await;
    }
}
