//! Sync 1.1: honest commits pass and chain; every way to lie has its reason.

use millrace_atproto::car::CarError;
use millrace_atproto::cid::Cid;
use millrace_atproto::crypto::{Curve, SignatureError, SigningKey};
use millrace_atproto::frame::{Action, CommitFrame};
use millrace_atproto::mst::MstError;
use millrace_atproto::sync::{
    ChainState, DesyncReason, InvalidReason, Limits, RecordFault, Reject, Verified, verify_commit,
};
use millrace_atproto::syntax::Tid;

use crate::repository::{Made, NOW_US, Op, Repository, car, mixed, path, put, record};

fn verify<'a>(
    repository: &Repository,
    frame: &CommitFrame<'a>,
    prior: Option<&ChainState>,
) -> Result<Verified<'a>, Reject> {
    verify_commit(frame, &repository.public(), prior, NOW_US, &Limits::default())
}

#[test]
fn an_honest_commit_passes_and_says_what_it_did() {
    let (repository, prior, mut made) = mixed();
    let frame = made.frame();
    let verified = verify(&repository, &frame, Some(&prior)).unwrap();
    assert_eq!(Some(verified.chain), repository.state);
    assert_eq!(verified.commit, frame.commit);
    assert!(verified.invalid_records.is_empty());
    let (created, updated) = (record("created"), record("updated"));
    let expected = [
        (Action::Create, "3k01000", Some(&created[..])),
        (Action::Update, "3k00007", Some(&updated[..])),
        (Action::Delete, "3k00008", None),
    ];
    for (op, (action, rkey, record)) in verified.ops.iter().zip(expected) {
        assert_eq!((op.action, op.rkey.as_str(), op.record), (action, rkey, record));
        assert_eq!(op.collection.as_str(), "app.bsky.feed.post");
        assert_eq!(op.cid, record.map(Cid::of_dag_cbor));
    }
    assert_eq!(verified.ops.len(), 3);
}

#[test]
fn a_chain_starts_anywhere_on_both_curves() {
    for curve in [Curve::K256, Curve::P256] {
        let mut repository = Repository::new(curve);
        // The first commit of all, with and without a tree before it.
        let mut made = repository.commit(&[put(1, "first")]);
        assert!(verify(&repository, &made.frame(), None).is_ok());
        made.prev_data = None;
        assert!(verify(&repository, &made.frame(), None).is_ok());
        // One in the middle, of an account that is new to us; then its successor, an empty one among them.
        let mut made = repository.commit(&[put(2, "second")]);
        let chain = verify(&repository, &made.frame(), None).unwrap().chain;
        let mut made = repository.commit(&[]);
        let chain = verify(&repository, &made.frame(), Some(&chain)).unwrap().chain;
        let mut made = repository.commit(&[(path(1), None), (path(2), None)]);
        let verified = verify(&repository, &made.frame(), Some(&chain)).unwrap();
        assert_eq!(verified.ops.len(), 2);
        assert!(repository.tree.is_empty());
    }
}

/// Bends an honest commit and expects a reason.
fn check(expected: impl Into<Reject>, bend: impl FnOnce(&mut Made, &Repository)) {
    let (repository, prior, mut made) = mixed();
    bend(&mut made, &repository);
    assert_eq!(verify(&repository, &made.frame(), Some(&prior)).unwrap_err(), expected.into());
}

#[test]
fn what_does_not_continue_the_state_is_out_of_sync() {
    check(DesyncReason::Since, |made, _| made.since = None);
    check(DesyncReason::Since, |made, _| made.since = Some(made.rev.clone()));
    check(DesyncReason::PrevData, |made, _| made.prev_data = Some(Cid::of_raw(b"other")));
    check(DesyncReason::PrevDataAbsent, |made, _| made.prev_data = None);
    let missing = Cid::of_dag_cbor(&record("created"));
    check(DesyncReason::RecordMissing(missing), |made, _| {
        made.blocks.retain(|(cid, _)| *cid != missing)
    });
    let (_, _, made) = mixed();
    let root = made.blocks[1].0;
    check(DesyncReason::ProofIncomplete(root), |made, _| {
        made.blocks.remove(1);
    });

    let (repository, prior, mut made) = mixed();
    let empty = CommitFrame { blocks: &[], ..made.frame() };
    let reject = verify(&repository, &empty, Some(&prior)).unwrap_err();
    assert_eq!(reject, DesyncReason::EmptyBlocks.into());
    assert!(reject.needs_resync() && !reject.is_signature());
}

#[test]
fn what_was_seen_already_is_stale() {
    let (repository, prior, mut made) = mixed();
    let frame = made.frame();
    let chain = verify(&repository, &frame, Some(&prior)).unwrap().chain;
    assert_eq!(verify(&repository, &frame, Some(&chain)), Err(Reject::Stale));
    // Whatever else is wrong with it: nothing is looked at.
    let stripped = CommitFrame { blocks: &[], ..frame };
    assert_eq!(verify(&repository, &stripped, Some(&chain)), Err(Reject::Stale));
    assert!(!Reject::Stale.needs_resync());
}

#[test]
fn signatures_and_commits_must_be_the_accounts_own() {
    check(InvalidReason::Signature(SignatureError::Mismatch), |made, _| {
        let other = SigningKey::from_bytes(Curve::K256, &[8; 32]).unwrap();
        made.resign(&other, |_| {});
    });
    check(InvalidReason::CommitDid, |made, _| made.did = "did:web:example.com".to_owned());
    check(InvalidReason::CommitRev, |made, repository| {
        let later = Tid::from_time(NOW_US, 0);
        made.resign(&repository.key, |commit| commit.rev = later);
    });
    let (repository, prior, mut made) = mixed();
    let other = Cid::of_dag_cbor(b"other");
    let frame = CommitFrame { commit: other, ..made.frame() };
    assert_eq!(verify(&repository, &frame, Some(&prior)), Err(InvalidReason::Root.into()));
    let bytes = car(&other, &made.blocks);
    let frame = CommitFrame { commit: other, blocks: &bytes, ..made.frame() };
    assert_eq!(verify(&repository, &frame, Some(&prior)), Err(InvalidReason::CommitMissing.into()));
}

#[test]
fn a_wrong_signature_asks_for_a_fresh_identity() {
    let reject = Reject::from(InvalidReason::Signature(SignatureError::HighS));
    assert!(reject.is_signature() && !reject.needs_resync());
    assert_eq!(reject.reason(), "signature");
}

#[test]
fn forged_blocks_are_noticed_by_their_hash() {
    let honest = Cid::of_dag_cbor(&record("created"));
    check(InvalidReason::Car(CarError::Hash(honest)), |made, _| {
        for (cid, block) in &mut made.blocks {
            if *cid == honest {
                *block = record("forged");
            }
        }
    });
}

#[test]
fn operations_must_be_what_the_tree_shows() {
    let other = Cid::of_dag_cbor(&record("updated"));
    // An operation left out, or made up.
    check(InvalidReason::Inversion, |made, _| {
        made.ops.pop();
    });
    check(InvalidReason::OpTree, |made, _| {
        made.ops.push(Op::new(Action::Create, path(2_000), Some(other), None));
    });
    check(InvalidReason::OpTree, |made, _| {
        made.ops.push(Op::new(Action::Delete, path(9), None, Some(other)));
    });
    // Another record than the tree's; another record before than there was.
    check(InvalidReason::OpTree, |made, _| made.ops[0].cid = Some(other));
    check(InvalidReason::OpTree, |made, _| made.ops[1].cid = Some(Cid::of_raw(b"")));
    check(InvalidReason::Inversion, |made, _| made.ops[1].prev = Some(other));
    check(InvalidReason::Inversion, |made, _| made.ops[2].prev = Some(other));
    // A create told as an update, and the reverse.
    check(InvalidReason::Inversion, |made, _| {
        made.ops[0] = Op::new(Action::Update, path(1_000), made.ops[0].cid, Some(other));
    });
    check(InvalidReason::Inversion, |made, _| {
        made.ops[1] = Op::new(Action::Create, path(7), made.ops[1].cid, None);
    });
}

#[test]
fn operations_must_be_well_formed() {
    let cid = Some(Cid::of_raw(b""));
    check(InvalidReason::OpDuplicate, |made, _| made.ops.push(made.ops[0].clone()));
    let shapes = [
        (None, cid, None),
        (Some(Action::Create), None, None),
        (Some(Action::Create), cid, cid),
        (Some(Action::Update), None, cid),
        (Some(Action::Update), cid, None),
        (Some(Action::Delete), cid, cid),
        (Some(Action::Delete), None, None),
    ];
    for (action, cid, prev) in shapes {
        check(InvalidReason::OpShape, |made, _| {
            made.ops[0] = Op { action, path: path(1_000), cid, prev }
        });
    }
    // Paths that are no records are refused even where the tree has them.
    for bad in [
        "nothing",
        "app.bsky.feed.post/",
        "post/3k00001",
        "app.bsky.feed.post/a/b",
        "app.bsky.feed.post/..",
    ] {
        let mut repository = Repository::new(Curve::K256);
        let mut made = repository.commit(&[(bad.to_owned(), Some(record("x")))]);
        let reject = verify(&repository, &made.frame(), None).unwrap_err();
        assert_eq!(reject, InvalidReason::OpPath.into(), "{bad}");
        assert!(reject.needs_resync());
    }
}

#[test]
fn trees_must_be_well_formed() {
    let (repository, prior, mut made) = mixed();
    // The account itself signs a tree whose root is not a node.
    let block = record("no node");
    let cid = Cid::of_dag_cbor(&block);
    made.resign(&repository.key, |commit| commit.data = cid);
    made.blocks.push((cid, block));
    let reject = verify(&repository, &made.frame(), Some(&prior)).unwrap_err();
    assert!(matches!(
        reject,
        Reject::Invalid(InvalidReason::Mst(MstError::Fields | MstError::Shape(_)))
    ));
    assert!(reject.needs_resync());
}

#[test]
fn syntax_sizes_and_the_future_are_bounded() {
    check(InvalidReason::TooManyOps(200), |made, _| made.ops = vec![made.ops[0].clone(); 201]);
    let (repository, prior, mut made) = mixed();
    let limits = Limits::default();
    let large = vec![0; 2_000_001];
    let frame = CommitFrame { blocks: &large, ..made.frame() };
    let reject = verify(&repository, &frame, Some(&prior)).unwrap_err();
    assert_eq!(reject, InvalidReason::BlocksTooLarge(2_000_001).into());
    assert_eq!(reject.reason(), "blocks_too_large");

    let (repository, prior, mut made) = mixed();
    let frame = CommitFrame { repo: "alice.test", ..made.frame() };
    let reject = verify(&repository, &frame, Some(&prior)).unwrap_err();
    assert!(matches!(reject, Reject::Invalid(InvalidReason::Did(_))));
    let frame = CommitFrame { rev: "now", ..made.frame() };
    let reject = verify(&repository, &frame, Some(&prior)).unwrap_err();
    assert!(matches!(reject, Reject::Invalid(InvalidReason::Rev(_))));

    let rev_us = Tid::parse(&made.rev).unwrap().time_us();
    let frame = made.frame();
    for (now_us, ahead_us) in
        [(rev_us - 300_000_000, None), (rev_us - 300_000_001, Some(300_000_001))]
    {
        let result = verify_commit(&frame, &repository.public(), Some(&prior), now_us, &limits);
        let expected = ahead_us.map(|ahead_us| InvalidReason::FutureRev(ahead_us).into());
        assert_eq!(result.err(), expected);
    }
}

#[test]
fn an_invalid_record_is_left_out_alone() {
    let mut repository = Repository::new(Curve::K256);
    let float = vec![0xa1, 0x61, b'x', 0xf9, 0x3c, 0x00];
    let list = vec![0x80];
    let large = record(&"x".repeat(1 << 20));
    let mut made = repository.commit(&[
        (path(1), Some(float.clone())),
        put(2, "fine"),
        (path(3), Some(list)),
        (path(4), Some(large.clone())),
    ]);
    let frame = made.frame();
    let verified = verify(&repository, &frame, None).unwrap();
    assert_eq!(verified.ops.len(), 1);
    assert_eq!(verified.ops[0].rkey.as_str(), "3k00002");
    let left_out: Vec<_> =
        verified.invalid_records.iter().map(|record| record.path.clone()).collect();
    assert_eq!(left_out, [path(1), path(3), path(4)]);
    assert_eq!(verified.invalid_records[0].cid, Cid::of_dag_cbor(&float));
    assert_eq!(verified.invalid_records[2].fault, RecordFault::TooLarge(large.len()));
}

#[test]
fn one_large_block_named_many_times_does_not_blow_up() {
    let mut repository = Repository::new(Curve::K256);
    let text = "x".repeat(100_000);
    let writes: Vec<_> = (0..19).map(|at| put(at, &text)).collect();
    let mut made = repository.commit(&writes);
    let reject = verify(&repository, &made.frame(), None).unwrap_err();
    assert!(matches!(reject, Reject::Desync(DesyncReason::RecordsTooLarge(_))));
    // Nor is a block that breaks off at its end read once for each operation.
    let mut broken = record(&text);
    broken.pop();
    let writes: Vec<_> = (0..19).map(|at| (path(at), Some(broken.clone()))).collect();
    let mut made = Repository::new(Curve::K256).commit(&writes);
    let reject = verify(&repository, &made.frame(), None).unwrap_err();
    assert!(matches!(reject, Reject::Desync(DesyncReason::RecordsTooLarge(_))));
}

/// A host that has sent a record before may leave it out when the same bytes come back.
#[test]
fn a_record_created_again_without_its_block_is_out_of_sync() {
    let mut repository = Repository::new(Curve::K256);
    repository.commit(&[put(1, "again"), put(2, "other")]);
    repository.commit(&[(path(1), None)]);
    let prior = repository.state.unwrap();
    let mut made = repository.commit(&[put(1, "again")]);
    assert!(verify(&repository, &made.frame(), Some(&prior)).is_ok());
    made.blocks.pop();
    let reject = verify(&repository, &made.frame(), Some(&prior)).unwrap_err();
    assert_eq!(reject.reason(), "record_missing");
    assert!(reject.needs_resync());
}
