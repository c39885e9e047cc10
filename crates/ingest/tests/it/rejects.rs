//! Events that are not accepted: counted by reason, kept for an operator, and never in the way of
//! the events after them.

use axum::extract::ws::Message;
use millrace_atproto::cbor::{Value, encode};
use millrace_atproto::crypto::{Curve, SigningKey};
use millrace_ingest::{ListRejected, SyncState};
use tempfile::tempdir;

use crate::bed::{Bed, config};
use crate::person::Person;
use crate::stage::Stage;

/// The order of secp256k1's group.
const K256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];

/// The other signature that is valid wherever high S is tolerated.
fn high_s(signature: &mut [u8]) {
    let mut borrow = 0_i16;
    for (byte, order) in signature[32..].iter_mut().zip(K256_ORDER).rev() {
        let difference = i16::from(order) - i16::from(*byte) - borrow;
        borrow = i16::from(difference < 0);
        *byte = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
}

/// Sends one good event, `bad`, and a good event of somebody else; the last must arrive, and the bad
/// one be counted under `reason`.
async fn check(reason: &str, bad: impl FnOnce(&Stage, &mut Person)) {
    let stage = Stage::start().await;
    let (mut alice, mut bob) = (Person::new(&stage, "alice"), Person::new(&stage, "bob"));
    stage.emit(alice.post("good"));
    bad(&stage, &mut alice);
    let last = stage.emit(bob.post("after"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(last).await;
    assert_eq!(bed.story(&alice.did).await, ["good"], "{reason}");
    assert_eq!(bed.story(&bob.did).await, ["after"], "{reason}");
    let status = bed.status().await;
    assert_eq!(status.rejected.get(reason), Some(&1), "{reason}: {:?}", status.rejected);
    let kept = bed.client.list_rejected(ListRejected::latest(10)).await.unwrap();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(kept[0].reason, reason);
    assert!(kept[0].bytes > 0 || reason == "oversize");
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_signature() {
    check("signature", |stage, alice| {
        alice.key = SigningKey::from_bytes(Curve::K256, &[66; 32]).unwrap();
        stage.emit(alice.post("forged"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_high_s_signature() {
    check("signature", |stage, alice| {
        stage.emit(Person::resigned(alice.post("malleable"), high_s));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_is_not_what_its_cid_says() {
    check("car_hash", |stage, alice| {
        let frame = alice.post("original");
        stage.emit(move |seq| {
            let mut bytes = frame(seq);
            let at = bytes.windows(8).position(|window| window == b"original").unwrap();
            bytes[at] = b'O';
            bytes
        });
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_of_the_future() {
    check("future_rev", |stage, alice| {
        stage.emit(Person::bent(alice.post("tomorrow"), |frame| frame.rev = "5zzzzzzzzzzzz"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_13_garbage_instead_of_a_revision_or_an_account() {
    check("rev", |stage, alice| {
        stage.emit(Person::bent(alice.post("x"), |frame| frame.rev = "not a tid"));
    })
    .await;
    check("did", |stage, alice| {
        stage.emit(Person::bent(alice.post("x"), |frame| frame.repo = "did:plc:\u{0}"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_a_required_field() {
    check("malformed", |stage, _| {
        stage.emit(|seq| {
            let header = Value::map([("t", Value::text("#account")), ("op", Value::Int(1))]);
            let body =
                Value::map([("seq", Value::Int(seq)), ("did", Value::text("did:plc:alice"))]);
            [encode(&header), encode(&body)].concat()
        });
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_no_frame() {
    check("invalid_frame", |stage, _| {
        stage.emit_message(Message::Binary(b"\xff\xffnot cbor at all".as_slice().into()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_above_the_bound() {
    check("oversize", |stage, _| {
        stage.emit_message(Message::Binary(vec![0; 5_000_001].into()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_outside_the_protocols_range() {
    for seq in [-1, 0, 1 << 60] {
        check("invalid_frame", |stage, alice| {
            let status = alice.status(true, None, crate::person::TIME);
            stage.emit(|_| status(seq));
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn story_13_an_invalid_frame_breaks_the_connection_once_and_is_then_passed_over() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    stage.emit_message(Message::Binary(b"\xff".as_slice().into()));
    stage.emit_message(Message::Binary(b"\xfe".as_slice().into()));
    stage.emit(alice.post("two"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(4).await;
    assert_eq!(bed.story(&alice.did).await, ["one", "two"]);
    assert_eq!(
        stage.cursors(),
        [Some(0), Some(1), Some(1)],
        "each bad message broke one connection"
    );
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_13_unknown_and_negative_ops_are_ignored() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    for (op, t) in [(1, "#migrate"), (2, "#commit"), (-7, "#commit")] {
        stage.emit(move |seq| {
            let header = Value::map([("t", Value::text(t)), ("op", Value::Int(op))]);
            [encode(&header), encode(&Value::map([("seq", Value::Int(seq))]))].concat()
        });
    }
    stage.emit(alice.post("two"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(5).await;
    assert_eq!(bed.story(&alice.did).await, ["one", "two"]);
    assert_eq!(stage.cursors().len(), 1, "no connection was broken");
    assert!(bed.status().await.rejected.is_empty());
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_that_are_repeated_or_late_are_dropped_silently() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    let (one, two) = (alice.post("one")(1), alice.post("two")(2));
    let again = Person::bent(move |_| one, |frame| frame.seq = 3);
    stage.emit(|_| {
        let (seq, frame) = (1, again(0));
        let Ok(millrace_atproto::frame::Frame::Commit(mut commit)) =
            millrace_atproto::frame::Frame::parse(&frame)
        else {
            panic!()
        };
        commit.seq = seq;
        millrace_atproto::frame::Frame::Commit(commit).encode()
    });
    stage.emit(|_| two.clone());
    stage.emit(Person::bent(move |_| two, |frame| frame.seq = 3));
    stage.emit(alice.post("three"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(4).await;
    assert_eq!(bed.story(&alice.did).await, ["one", "two", "three"]);
    assert!(bed.status().await.rejected.is_empty());
    let account = bed.until_account(&alice.did, |_| true).await;
    assert_eq!(account.sync_state, SyncState::Partial);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_13_a_record_that_does_not_decode_is_left_out_alone() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    let good = millrace_sim::records::post("good", 0, None, None, None);
    stage.emit(alice.write(vec![
        millrace_sim::repo::Write::Put {
            path: "app.bsky.feed.post/3jzfcijpj2z2a".to_owned(),
            record: good,
        },
        // A float, which the data model does not have.
        millrace_sim::repo::Write::Put {
            path: "app.bsky.feed.post/3jzfcijpj2z2b".to_owned(),
            record: b"\xa1\x61n\xfb\x3f\xf8\x00\x00\x00\x00\x00\x00".to_vec(),
        },
    ]));
    stage.emit(alice.post("next"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(2).await;
    assert_eq!(bed.story(&alice.did).await, ["good", "next"]);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_bounded_in_rows_and_bytes() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    for _ in 0..20 {
        stage.emit(Person::bent(alice.post(&"x".repeat(2_000)), |frame| frame.rev = "not a tid"));
    }
    let mut config = config(&stage);
    config.rejected_rows_max = 5;
    config.rejected_sample_bytes_max = 100;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    bed.until_cursor(20).await;
    assert_eq!(bed.status().await.rejected.get("rev"), Some(&20));
    let kept = bed.client.list_rejected(ListRejected::latest(100)).await.unwrap();
    assert!(!kept.is_empty() && kept.len() <= 5, "{}", kept.len());
    let samples: Vec<i64> = bed
        .store
        .read(|tx| tx.query("SELECT length(sample) FROM rejected", &[], |row| row.get(0)))
        .await
        .map_err(|error: millrace_store::StoreError| error)
        .unwrap();
    assert!(samples.iter().all(|bytes| *bytes == 100), "{samples:?}");
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_13_odd_times_and_long_keys_are_nobodys_fault() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    let times = [
        "2026-01-02T03:04:05.123456789Z",
        "2026-01-02T03:04:05+05:30",
        "2026-01-02 03:04:05",
        "-0001-13-99T99:99:99Z",
        "",
        "nul\u{0}",
    ];
    for (n, time) in times.into_iter().enumerate() {
        stage.emit(Person::bent(alice.post(&n.to_string()), |frame| frame.time = time));
    }
    for rkey in ["k".repeat(256), "k".repeat(512), "~.:_-".to_owned()] {
        let path = format!("app.bsky.feed.post/{rkey}");
        let record = millrace_sim::records::post("long", 0, None, None, None);
        stage.emit(alice.write(vec![millrace_sim::repo::Write::Put { path, record }]));
    }
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(9).await;
    let story = bed.story(&alice.did).await;
    assert_eq!(story, ["0", "1", "2", "3", "4", "5", "long", "long", "long"]);
    assert!(bed.status().await.rejected.is_empty());
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_13_a_record_without_its_block_leads_to_the_repository() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    let record = millrace_sim::records::post("again", 0, None, None, None);
    let cid = millrace_atproto::Cid::of_dag_cbor(&record);
    let path = "app.bsky.feed.post/3jzfcijpj2z2a".to_owned();
    let put =
        || vec![millrace_sim::repo::Write::Put { path: path.clone(), record: record.clone() }];
    stage.emit(alice.write(put()));
    stage.emit(alice.write(vec![millrace_sim::repo::Write::Delete { path: path.clone() }]));
    // The same record is made again, and its host thinks that everybody has it.
    let made_again = alice.write(put());
    alice.publish(&stage);
    stage.emit(move |seq| Person::without_block(&made_again(seq), &cid));
    stage.emit(alice.post("after"));
    alice.publish(&stage);
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(4).await;
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::Complete).await;
    assert_eq!(bed.status().await.rejected.get("record_missing"), Some(&1));
    let story = bed.story(&alice.did).await;
    assert_eq!(&story[..3], ["again", "-", "repo[again,after]"]);
    bed.stop().await;
}
