//! No parser panics, on arbitrary bytes or on valid ones that were bent, and what is accepted is canonical.

use std::borrow::Cow;

use millrace_atproto::car::{CarLimits, CarReader, CarSlice};
use millrace_atproto::cbor::{
    self, CborError, INT_MAX, Value, decode, encode, from_json, to_json, validate, validate_record,
};
use millrace_atproto::cid::Cid;
use millrace_atproto::commit::Commit;
use millrace_atproto::crypto::Curve;
use millrace_atproto::entry::{Action, Entry, EntryBody, EntryHeader, EntryOp, SnapshotRecord};
use millrace_atproto::frame::Frame;
use millrace_atproto::mst::{Mst, read_node};
use millrace_atproto::sync::{Limits, verify_repo};
use millrace_atproto::syntax::{Did, Handle, Nsid, RecordKey, Tid};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::repository::{NOW_US, Repository, record};

fn values() -> impl Strategy<Value = Value<'static>> {
    let flat = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-INT_MAX..=INT_MAX).prop_map(Value::Int),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| Value::Bytes(Cow::Owned(bytes))),
        ".{0,20}".prop_map(Value::text),
        any::<[u8; 4]>().prop_map(|bytes| Value::Link(Cid::of_dag_cbor(&bytes))),
    ];
    flat.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            prop::collection::vec(("[a-z]{1,12}", inner), 0..8).prop_map(Value::map),
        ]
    })
}

/// Bends bytes in one place: changes, cuts, inserts or repeats.
fn bend(bytes: &mut Vec<u8>, at: Index, byte: u8, how: u8) {
    let at = at.index(bytes.len().max(1)).min(bytes.len());
    match how % 4 {
        0 => {
            if let Some(bent) = bytes.get_mut(at) {
                *bent = byte;
            }
        }
        1 => bytes.truncate(at),
        2 => bytes.insert(at, byte),
        _ => {
            let tail = bytes[at..].to_vec();
            bytes.extend(tail);
        }
    }
}

/// Everything that reads bytes from outside, or from the log.
fn every_parser(bytes: &[u8]) {
    if let Ok(value) = decode(bytes) {
        assert_eq!(encode(&value), bytes, "what is accepted is canonical");
    }
    assert_eq!(validate(bytes), decode(bytes).map(|_| ()));
    let _ = validate_record(bytes);
    let _ = cbor::decode_prefix(bytes);
    let _ = read_node(bytes, |_| Ok(()));
    let _ = Commit::parse(bytes);
    let _ = Cid::from_bytes(bytes);
    let _ = Cid::parse(&String::from_utf8_lossy(bytes));
    if let Ok(frame) = Frame::parse(bytes) {
        let _ = (frame.seq(), frame.did());
    }
    if let Ok(entry) = Entry::decode(bytes) {
        assert_eq!(Entry::decode(&entry.encode().unwrap()).unwrap(), entry);
    }
    if let Ok(car) = CarSlice::parse(bytes, &CarLimits::COMMIT) {
        for (cid, _) in car.blocks() {
            let _ = Mst::load(cid, &car);
        }
    }
    let mut reader = CarReader::new(CarLimits::REPO);
    for piece in bytes.chunks(7) {
        if reader.push(piece).is_err() {
            break;
        }
        while let Ok(Some((cid, block))) = reader.next_block() {
            assert!(cid.names(block));
        }
    }
}

fn entries() -> impl Strategy<Value = Entry> {
    let did = "did:plc:[a-z2-7]{24}".prop_map(|text| Did::parse(&text).unwrap());
    let record = || prop::collection::vec(any::<u8>(), 0..60);
    let op =
        (0..3_u8, "[a-z]{3,12}", prop::option::of(record())).prop_map(|(action, rkey, record)| {
            EntryOp {
                action: [Action::Create, Action::Update, Action::Delete][usize::from(action)],
                collection: Nsid::parse("app.bsky.feed.like").unwrap(),
                rkey: RecordKey::parse(&rkey).unwrap(),
                cid: record.as_deref().map(Cid::of_dag_cbor),
                record,
            }
        });
    let snapshot_record = ("[a-z]{1,9}/[a-z]{1,9}", record())
        .prop_map(|(path, record)| SnapshotRecord { path, cid: Cid::of_dag_cbor(&record), record });
    let text = || prop::option::of(".{0,12}");
    let body = prop_oneof![
        prop::collection::vec(op, 0..6).prop_map(|ops| EntryBody::Commit { ops }),
        (text(), text(), prop::collection::vec(snapshot_record, 0..6), any::<bool>()).prop_map(
            |(after, through, records, last)| EntryBody::Snapshot { after, through, records, last }
        ),
        (prop::option::of("[a-z]{3,9}\\.test"), text()).prop_map(|(handle, pds)| {
            EntryBody::Identity {
                handle: handle.map(|handle| Handle::parse(&handle).unwrap()),
                pds,
            }
        }),
        (any::<bool>(), text()).prop_map(|(active, status)| EntryBody::Account { active, status }),
        Just(EntryBody::Mark),
    ];
    let rev = prop::option::of((0..1_i64 << 50).prop_map(|us| Tid::from_time(us, 5)));
    let seq = prop::option::of(0..INT_MAX);
    (did, body, rev, seq, 0..INT_MAX, any::<[u8; 16]>(), ".{0,10}").prop_map(
        |(did, body, rev, source_seq, time_us, trace, source)| Entry {
            header: EntryHeader { kind: body.kind(), source, source_seq, did, rev, time_us, trace },
            body,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        every_parser(&bytes);
    }

    #[test]
    fn bent_values(value in values(), at in any::<Index>(), byte: u8, how: u8) {
        let mut bytes = encode(&value);
        prop_assert_eq!(decode(&bytes), Ok(value.clone()));
        bend(&mut bytes, at, byte, how);
        every_parser(&bytes);
    }

    #[test]
    fn values_survive_json(value in values()) {
        let json: serde_json::Value = serde_json::from_str(&to_json(&value)).unwrap();
        prop_assert_eq!(from_json(&json), Ok(value));
    }

    #[test]
    fn entries_read_back_and_bent_ones_do_no_harm(entry in entries(), at in any::<Index>(), byte: u8, how: u8) {
        let mut bytes = entry.encode().unwrap();
        prop_assert_eq!(Entry::decode(&bytes), Ok(entry.clone()));
        bend(&mut bytes, at, byte, how);
        every_parser(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn bent_frames_and_repositories(at in any::<Index>(), byte: u8, how: u8) {
        let mut repository = Repository::new(Curve::P256);
        let writes: Vec<_> =
            (0..20).map(|at| (format!("app.bsky.feed.post/{at}"), Some(record(&at.to_string())))).collect();
        let mut frame = repository.commit(&writes).frame().encode();
        let (mut car, _) = repository.export();
        bend(&mut frame, at, byte, how);
        every_parser(&frame);
        bend(&mut car, at, byte, how);
        every_parser(&car);
        let _ = verify_repo(&car, &repository.did, &repository.public(), NOW_US, &Limits::default());
    }
}

#[test]
fn nesting_that_would_exhaust_the_stack_is_refused() {
    for head in [0x81, 0xa1] {
        every_parser(&vec![head; 1_000_000]);
    }
    assert_eq!(validate(&vec![0x81; 1_000_000]), Err(CborError::Depth));
}
