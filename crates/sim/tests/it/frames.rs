//! Without faults every frame of a history passes the verification that ingest applies, and all of them
//! together say what is true.

use std::collections::BTreeMap;

use millrace_atproto::frame::Frame;
use millrace_atproto::sync::{self, Limits};
use millrace_sim::{Mix, SimConfig, World};

use crate::reader::{Reader, difference};

const NOW_US: i64 = 1_767_225_600_000_000;

fn config(seed: u64) -> SimConfig {
    SimConfig { seed, accounts: 12, history_writes: 600, ..SimConfig::default() }
}

fn history(config: &SimConfig) -> World {
    millrace_sim::history(config, NOW_US).unwrap().0
}

/// All frames there are: the relay's, then each PDS's.
fn frames(world: &World) -> Vec<bytes::Bytes> {
    let hosts =
        (0..world.host_count()).flat_map(|host| world.host_events_from(host, 0, usize::MAX));
    let all = world.events_from(0, usize::MAX).into_iter().chain(hosts);
    all.map(|event| event.frame).collect()
}

#[test]
fn the_same_seed_makes_the_same_bytes() {
    for mix in [Mix::Simple, Mix::Rich] {
        let of = |seed| {
            let config = SimConfig {
                mix,
                account_events_per_mille: 50,
                account_events_in_history: true,
                ..config(seed)
            };
            frames(&history(&config))
        };
        assert_eq!(of(7), of(7));
        assert_ne!(of(7), of(8));
    }
}

#[test]
fn every_frame_verifies_and_all_say_what_is_true() {
    for mix in [Mix::Simple, Mix::Rich] {
        let world = history(&SimConfig { mix, ..config(3) });
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for event in world.events_from(0, usize::MAX) {
            let kind = match Frame::parse(&event.frame).unwrap() {
                Frame::Commit(_) => "commit",
                Frame::Sync(_) => "sync",
                Frame::Identity(_) => "identity",
                Frame::Account(_) => "account",
                other => panic!("{other:?}"),
            };
            *kinds.entry(kind).or_default() += 1;
        }
        assert!(kinds["commit"] > 600, "{kinds:?}");
        assert_eq!((kinds["account"], kinds["sync"]), (12, 12));
        let mut reader = Reader::default();
        reader.read(&world, &world.events_from(0, usize::MAX), NOW_US);
        assert!(reader.rejected.is_empty(), "{:?}", reader.rejected);
        assert_eq!((reader.repeated, reader.infos), (0, 0));
        assert_eq!(difference(&reader, &world.truth()), None);
    }
}

#[test]
fn the_firehoses_of_the_pdss_say_together_what_the_relays_says() {
    let world = history(&config(4));
    let mut reader = Reader::default();
    for host in 0..world.host_count() {
        let mut apart = Reader::default();
        apart.read(&world, &world.host_events_from(host, 0, usize::MAX), NOW_US);
        assert!(apart.rejected.is_empty(), "{:?}", apart.rejected);
        assert!(apart.accounts.len() < 12);
        reader.accounts.extend(apart.accounts);
    }
    assert_eq!(difference(&reader, &world.truth()), None);
}

#[test]
fn whole_repositories_and_proofs_verify() {
    let world = history(&config(5));
    for account in world.accounts() {
        let (did, key) = (&account.identity.did, account.identity.key.public());
        let repo =
            sync::verify_repo(&account.repo.car(), did, &key, NOW_US, &Limits::default()).unwrap();
        let leaves: Vec<String> = repo.leaves().map(|leaf| leaf.path.clone()).collect();
        let records: Vec<String> = account.repo.records().keys().cloned().collect();
        assert_eq!(leaves, records);
    }
    let account = world.accounts().next().unwrap();
    let (path, (cid, record)) = account.repo.records().iter().next().unwrap();
    let check = |path: &str, expected| {
        let (collection, rkey) = path.split_once('/').unwrap();
        let (collection, rkey) = (collection.parse().unwrap(), rkey.parse().unwrap());
        let (did, key) = (&account.identity.did, account.identity.key.public());
        let car = account.repo.proof(path).unwrap();
        let proven =
            sync::verify_record(&car, did, &collection, &rkey, &key, &Limits::default()).unwrap();
        assert_eq!(proven.record, expected);
    };
    check(path, Some((*cid, Ok(record.as_slice()))));
    check("app.bsky.feed.post/3kaaaaaaaaaaa", None);
}

#[test]
fn the_journal_leads_to_the_truth() {
    let world = history(&config(6));
    let truth = world.truth();
    let mut replayed: BTreeMap<(String, String), (String, u64)> = BTreeMap::new();
    for write in &truth.writes {
        let key = (write.did.to_string(), write.path.clone());
        match write.cid {
            Some(cid) => replayed.insert(key, (cid.to_string(), write.order)),
            None => replayed.remove(&key),
        };
    }
    let mut expected = BTreeMap::new();
    for account in truth.accounts.values() {
        for (path, record) in &account.records {
            assert!(record.created_us <= record.updated_us);
            assert_eq!(*path, format!("{}/{}", record.collection, record.rkey));
            let key = (account.did.to_string(), path.clone());
            expected.insert(key, (record.cid.to_string(), record.updated_order));
        }
    }
    assert_eq!(replayed, expected);
}

#[test]
fn a_filled_repository_is_announced_once() {
    let mut world = World::new(&SimConfig::default(), &[]);
    let did = world.create_account(NOW_US - 10_000);
    let record = |at: usize| millrace_sim::records::post(&format!("no {at}"), 0, None, None, None);
    let records = (0..2_000).map(|at| {
        let tid = millrace_atproto::Tid::from_time(1_000_000 * i64::try_from(at).unwrap(), 0);
        (format!("app.bsky.feed.post/{tid}"), record(at))
    });
    world.fill_repo(&did, NOW_US - 5_000, records.collect()).unwrap();
    assert_eq!(world.last_seq(), 4);
    let mut reader = Reader::default();
    reader.read(&world, &world.events_from(0, usize::MAX), NOW_US);
    assert_eq!(difference(&reader, &world.truth()), None);
    // A post on top of it makes a frame like those outside: more than five blocks.
    world.create_record(&did, "app.bsky.feed.post", NOW_US, record(7)).unwrap();
    let last = world.events_from(world.last_seq(), 1).remove(0);
    let Frame::Commit(commit) = Frame::parse(&last.frame).unwrap() else { panic!("no commit") };
    let car = millrace_atproto::car::CarSlice::parse(
        commit.blocks,
        &millrace_atproto::car::CarLimits::COMMIT,
    );
    assert!(car.unwrap().blocks().len() >= 5);
}
