//! Whole repositories, and the proof of one record.

use millrace_atproto::car::CarLimits;
use millrace_atproto::cid::Cid;
use millrace_atproto::crypto::{Curve, SigningKey};
use millrace_atproto::sync::{Limits, RepoError, RepoReader, verify_record, verify_repo};
use millrace_atproto::syntax::{Nsid, RecordKey};

use crate::repository::{NOW_US, Repository, car, mixed, path, put, record};

#[test]
fn every_record_comes_in_key_order_from_any_block_order() {
    let (mut repository, _, _) = mixed();
    let (bytes, state) = repository.export();
    let limits = Limits::default();
    for piece_bytes in [100, 4_096, bytes.len()] {
        let mut reader = RepoReader::new(&limits);
        bytes.chunks(piece_bytes).for_each(|piece| reader.push(piece).unwrap());
        assert_eq!(reader.bytes_total(), bytes.len() as u64);
        let repo = reader.finish(&repository.did, &repository.public(), NOW_US).unwrap();
        assert_eq!(repo.chain(), state);
        assert_eq!((repo.valid_total(), repo.invalid_total()), (300, 0));
        let leaves = repo.leaves().map(|leaf| (leaf.path, leaf.record.to_vec()));
        assert!(leaves.eq(repository.records.clone()));
    }
}

#[test]
fn an_empty_repository_is_one() {
    let mut repository = Repository::new(Curve::P256);
    let (bytes, state) = repository.export();
    let limits = Limits::default();
    let repo = verify_repo(&bytes, &repository.did, &repository.public(), NOW_US, &limits).unwrap();
    assert_eq!((repo.chain(), repo.leaves().count()), (state, 0));
}

#[test]
fn invalid_records_and_paths_are_left_out_alone() {
    let mut repository = Repository::new(Curve::K256);
    repository.commit(&[
        put(1, "a"),
        (path(2), Some(vec![0x80])),
        put(3, "b"),
        ("bad".to_owned(), Some(record("c"))),
    ]);
    let (bytes, _) = repository.export();
    let limits = Limits::default();
    let repo = verify_repo(&bytes, &repository.did, &repository.public(), NOW_US, &limits).unwrap();
    assert_eq!((repo.valid_total(), repo.invalid_total()), (2, 2));
    let paths: Vec<_> = repo.leaves().map(|leaf| leaf.path).collect();
    assert_eq!(paths, [path(1), path(3)]);
}

#[test]
fn a_file_that_broke_off_may_be_fetched_again_and_a_wrong_one_not() {
    let (mut repository, _, _) = mixed();
    let (bytes, _) = repository.export();
    let limits = Limits::default();
    let (did, key) = (repository.did.clone(), repository.public());
    for cut in (0..bytes.len()).step_by(997) {
        let error = verify_repo(&bytes[..cut], &did, &key, NOW_US, &limits).unwrap_err();
        assert_eq!(error, RepoError::Incomplete, "{cut}");
        assert!(error.retryable());
    }
    let mut forged = bytes.clone();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let error = verify_repo(&forged, &did, &key, NOW_US, &limits).unwrap_err();
    assert_eq!(error.reason(), "car_hash");
    assert!(!error.retryable());
    let other = SigningKey::from_bytes(Curve::K256, &[9; 32]).unwrap().public();
    assert!(verify_repo(&bytes, &did, &other, NOW_US, &limits).unwrap_err().is_signature());
    let small = Limits { repo_car: CarLimits { bytes_max: 1_000, ..limits.repo_car }, ..limits };
    let error = verify_repo(&bytes, &did, &key, NOW_US, &small).unwrap_err();
    assert_eq!(error.reason(), "car_too_large");
}

/// The tests' 300 keys over one block of 1 kB: a file of some 30 kB that stands for 300 kB.
#[test]
fn one_block_under_very_many_keys_counts_each_time() {
    let mut repository = Repository::new(Curve::K256);
    let large = record(&"x".repeat(1_000));
    let writes: Vec<_> = (0..300).map(|at| (path(at), Some(large.clone()))).collect();
    repository.commit(&writes);
    let commit = repository.sign();
    let mut blocks = repository.tree.blocks();
    blocks.push((commit.cid(), commit.block().to_vec()));
    blocks.push((Cid::of_dag_cbor(&large), large));
    let bytes = car(&commit.cid(), &blocks);
    assert!(bytes.len() < 100_000);
    let (did, key, limits) = (&repository.did, &repository.public(), Limits::default());
    let small = Limits { repo_car: CarLimits { bytes_max: 100_000, ..limits.repo_car }, ..limits };
    let error = verify_repo(&bytes, did, key, NOW_US, &small).unwrap_err();
    assert_eq!(error.reason(), "records_too_large");
    assert!(!error.retryable());
    assert_eq!(verify_repo(&bytes, did, key, NOW_US, &limits).unwrap().valid_total(), 300);
}

#[test]
fn one_record_is_proven_or_proven_absent() {
    let (mut repository, _, _) = mixed();
    let commit = repository.sign();
    let collection = Nsid::parse("app.bsky.feed.post").unwrap();
    for (at, expected) in [(7, Some(record("updated"))), (8, None), (5_000, None)] {
        let mut blocks = repository.tree.proof_blocks(&path(at)).unwrap();
        blocks.push((commit.cid(), commit.block().to_vec()));
        blocks.extend(expected.iter().map(|record| (Cid::of_dag_cbor(record), record.clone())));
        let bytes = car(&commit.cid(), &blocks);
        let rkey = RecordKey::parse(&format!("3k{at:05}")).unwrap();
        let (did, key, limits) = (&repository.did, &repository.public(), &Limits::default());
        let proven = verify_record(&bytes, did, &collection, &rkey, key, limits).unwrap();
        assert_eq!(proven.rev, commit.rev);
        let found = proven.record.map(|(cid, record)| (cid, record.unwrap().to_vec()));
        assert_eq!(found, expected.map(|record| (Cid::of_dag_cbor(&record), record)));
        blocks.remove(1);
        let bytes = car(&commit.cid(), &blocks);
        let result = verify_record(&bytes, did, &collection, &rkey, key, limits);
        assert_eq!(result, Err(RepoError::Incomplete));
    }
}
