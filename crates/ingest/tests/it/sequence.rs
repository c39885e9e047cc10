//! Positions in a source's stream: resuming, losing a part, and sources that count anew.

use axum::extract::ws::Message;
use millrace_atproto::frame::Frame;
use millrace_ingest::{IngestConfig, OnFutureCursor};
use tempfile::tempdir;

use crate::bed::{Bed, config, eventually};
use crate::person::Person;
use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_goes_on_where_it_was() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    stage.emit(alice.post("two"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(2).await;
    stage.set(|play| play.mute = true);
    stage.disconnect();
    stage.emit(alice.post("three"));
    eventually(async || match stage.cursors().len() {
        2 => Ok(()),
        n => Err(format!("{n} connections")),
    })
    .await;
    stage.set(|play| play.mute = false);
    bed.until_cursor(3).await;
    assert_eq!(bed.story(&alice.did).await, ["one", "two", "three"]);
    assert_eq!(stage.cursors(), [Some(0), Some(2)]);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_from_the_stored_cursor_whatever_the_configuration_says() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(1).await;
    bed.stop().await;
    stage.emit(alice.post("two"));
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(2).await;
    assert_eq!(bed.story(&alice.did).await, ["one", "two"]);
    assert_eq!(stage.cursors(), [Some(0), Some(1)]);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_is_not_used_for_another_host() {
    let (one, two) = (Stage::start().await, Stage::start().await);
    let mut alice = Person::new(&one, "alice");
    one.emit(alice.post("one"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&one, dir.path(), config(&one)).await;
    bed.until_cursor(1).await;
    bed.stop().await;
    let bed = Bed::start(&two, dir.path(), config(&two)).await;
    eventually(async || match two.cursors().as_slice() {
        [] => Err("not connected".to_owned()),
        cursors => {
            assert_eq!(cursors, [Some(0)]);
            Ok(())
        }
    })
    .await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_02_a_future_cursor_stops_the_source_and_says_so() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let mut config = config(&stage);
    config.sources[0].cursor = Some(500);
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    let status = eventually(async || {
        let status = bed.status().await;
        if status.stopped { Ok(status) } else { Err(format!("{status:?}")) }
    })
    .await;
    assert!(status.last_error.as_ref().unwrap().contains("MR-ING-006"), "{status:?}");
    assert_eq!(stage.cursors(), [Some(500)], "no silent reset");
    assert!(bed.entries().await.is_empty());
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_02_a_source_that_was_reset_is_read_again_from_its_oldest_if_so_configured() {
    let stage = Stage::start().await;
    let (mut alice, mut bob) = (Person::new(&stage, "alice"), Person::new(&stage, "bob"));
    for n in 0..5 {
        stage.emit(alice.post(&format!("{n}")));
    }
    let config =
        IngestConfig { on_future_cursor: OnFutureCursor::RestartAtOldest, ..config(&stage) };
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    bed.until_cursor(5).await;
    stage.set(|play| {
        play.events.clear();
        play.next_seq = 1;
    });
    stage.emit(bob.post("new life"));
    stage.disconnect();
    bed.until_cursor(1).await;
    assert_eq!(bed.story(&bob.did).await, ["new life"]);
    assert_eq!(stage.cursors(), [Some(0), Some(5), Some(0)]);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_02_a_source_that_silently_counts_anew_is_noticed() {
    let stage = Stage::start().await;
    let (mut alice, mut bob) = (Person::new(&stage, "alice"), Person::new(&stage, "bob"));
    stage.emit(alice.post("one"));
    stage.emit(alice.post("two"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(2).await;
    // A newer event under a lower number, in the place of event 3.
    let newer = Person::bent(bob.post("new life"), |frame| {
        frame.seq = 1;
        frame.time = "2026-01-03T00:00:00.000Z";
    });
    stage.emit(newer);
    let status = eventually(async || {
        let status = bed.status().await;
        if status.stopped { Ok(status) } else { Err(format!("{status:?}")) }
    })
    .await;
    assert!(status.last_error.as_ref().unwrap().contains("MR-ING-007"), "{status:?}");
    assert_eq!(status.cursor, Some(2), "the cursor is left for an operator to decide about");
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_02_events_lost_to_an_outdated_cursor_are_found_at_the_accounts_next_commit() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(1).await;
    bed.stop().await;
    for text in ["two", "three", "four"] {
        stage.emit(alice.post(text));
    }
    stage.set(|play| {
        play.oldest = 4;
        play.events.retain(|(seq, _)| *seq >= 4);
    });
    alice.publish(&stage);
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_story(&alice.did, &["one", "repo[one,two,three,four]"]).await;
    let status = bed.status().await;
    assert!(status.gap_us.is_some(), "{status:?}");
    bed.until_cursor(4).await;
    bed.stop().await;
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    eventually(async || match bed.status().await.gap_us {
        Some(_) => Ok(()),
        None => Err("the gap was forgotten".to_owned()),
    })
    .await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_04_a_connection_that_says_nothing_is_made_again() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    stage.set(|play| play.mute = true);
    let mut config = config(&stage);
    config.connection.idle_min_ms = 20;
    config.connection.idle_first_ms = 20;
    config.connection.idle_max_ms = 100;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    eventually(async || match stage.cursors().len() {
        0..3 => Err("no new connection".to_owned()),
        _ => Ok(()),
    })
    .await;
    assert!(bed.status().await.last_error.unwrap().contains("no event for"));
    stage.set(|play| play.mute = false);
    bed.until_cursor(1).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_04_pings_are_no_sign_of_life() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    stage.set(|play| play.only_pings = true);
    let mut config = config(&stage);
    config.connection.idle_min_ms = 50;
    config.connection.idle_first_ms = 50;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    eventually(async || match bed.status().await.last_error {
        Some(error) if error.contains("MR-ING-004") => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    stage.set(|play| play.only_pings = false);
    bed.until_cursor(1).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_finds_us_too_slow_is_joined_again() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let slow = Frame::Error { error: "ConsumerTooSlow", message: None }.encode();
    let seq = stage.emit_message(Message::Binary(slow.into()));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    eventually(async || match bed.status().await.last_error {
        Some(error) if error.contains("MR-ING-008") => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    stage.set(|play| play.events.retain(|(other, _)| *other != seq));
    stage.emit(alice.post("two"));
    bed.until_cursor(3).await;
    assert_eq!(bed.story(&alice.did).await, ["one", "two"]);
    assert!(stage.cursors().iter().skip(1).all(|cursor| *cursor == Some(1)));
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_events_with_jumping_times_are_no_reset() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    let times =
        ["2026-01-02T03:04:05.000Z", "2026-01-02T03:04:00.000Z", "2026-01-02T03:04:09.000Z"];
    let mut frames = Vec::new();
    for (n, time) in times.into_iter().enumerate() {
        let frame = Person::bent(alice.post(&n.to_string()), |frame| frame.time = time);
        let seq = i64::try_from(n).unwrap() + 1;
        frames.push(frame(seq));
    }
    for frame in &frames {
        stage.emit(|_| frame.clone());
    }
    // The source goes back by two, then on.
    stage.emit(|_| frames[1].clone());
    stage.emit(|_| frames[2].clone());
    stage.emit(alice.post("last"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(6).await;
    assert_eq!(bed.story(&alice.did).await, ["0", "1", "2", "last"]);
    assert_eq!(stage.cursors().len(), 1);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_message_is_passed_over_like_any_other_bad_one() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    stage.emit_message(Message::Text("hello".into()));
    stage.emit(alice.post("two"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(3).await;
    assert_eq!(bed.story(&alice.did).await, ["one", "two"]);
    assert_eq!(bed.status().await.rejected.get("invalid_frame"), Some(&1));
    bed.stop().await;
}

#[tokio::test]
async fn a_negative_cursor_is_refused_at_the_start() {
    let stage = Stage::start().await;
    let mut config = config(&stage);
    config.sources[0].cursor = Some(-1);
    let error = config.check().unwrap_err();
    assert!(error.to_string().contains("cursor"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn story_02_a_jump_of_a_million_numbers_is_suspect() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    let _lost = alice.post("two");
    stage.set(|play| play.next_seq = 5_000_000);
    stage.emit(alice.post("three"));
    alice.publish(&stage);
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(5_000_000).await;
    let gap = bed.status().await.gap.unwrap();
    assert_eq!((gap.reason.as_str(), gap.from, gap.to), ("jump", Some(1), Some(5_000_000)));
    bed.until_story(&alice.did, &["one", "repo[one,two,three]"]).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_03_a_cutover_from_replay_to_live_loses_and_reorders_nothing() {
    let stage = Stage::start().await;
    let (mut alice, mut bob) = (Person::new(&stage, "alice"), Person::new(&stage, "bob"));
    for n in 0..300 {
        stage.emit(alice.post(&n.to_string()));
        stage.emit(bob.post(&n.to_string()));
    }
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    // Live events come while the history is replayed, and the connection breaks again and again.
    let mut last = 0;
    for n in 300..400 {
        last = stage.emit(alice.post(&n.to_string()));
        if n % 20 == 0 {
            let made = stage.cursors().len();
            stage.disconnect();
            eventually(async || match stage.cursors().len() {
                n if n > made => Ok(()),
                n => Err(format!("{n} connections")),
            })
            .await;
        }
    }
    bed.until_cursor(last).await;
    let whole = |count: i32| (0..count).map(|n| n.to_string()).collect::<Vec<String>>();
    assert_eq!(bed.story(&alice.did).await, whole(400));
    assert_eq!(bed.story(&bob.did).await, whole(300));
    assert!(stage.cursors().len() >= 5, "{}", stage.cursors().len());
    assert!(stage.set(|play| play.repos_asked.is_empty()));
    bed.stop().await;
}
