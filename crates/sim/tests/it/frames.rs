//! Every frame of a history passes the verification that ingest applies.

use std::collections::HashMap;

use millrace_atproto::frame::Frame;
use millrace_atproto::sync::{self, ChainState, Limits};
use millrace_atproto::syntax::Did;
use millrace_sim::{SimConfig, World};

const NOW_US: i64 = 1_767_225_600_000_000;

fn config(seed: u64) -> SimConfig {
    SimConfig { seed, accounts: 12, history_writes: 600, ..SimConfig::default() }
}

fn history(seed: u64) -> World {
    millrace_sim::history(&config(seed), NOW_US).unwrap().0
}

#[test]
fn the_same_seed_makes_the_same_bytes() {
    let frames = |seed| {
        history(seed)
            .events_from(0, usize::MAX)
            .into_iter()
            .map(|event| event.frame)
            .collect::<Vec<_>>()
    };
    assert_eq!(frames(7), frames(7));
    assert_ne!(frames(7), frames(8));
}

#[test]
fn every_commit_verifies_and_continues_its_chain() {
    let world = history(3);
    let mut chains: HashMap<Did, ChainState> = HashMap::new();
    let mut kinds: HashMap<&str, usize> = HashMap::new();
    for event in world.events_from(0, usize::MAX) {
        match Frame::parse(&event.frame).unwrap() {
            Frame::Commit(frame) => {
                let did = Did::parse(frame.repo).unwrap();
                let key = world.account(&did).unwrap().identity.key.public();
                let verified =
                    sync::verify_commit(&frame, &key, chains.get(&did), NOW_US, &Limits::default())
                        .unwrap();
                assert!(verified.invalid_records.is_empty());
                assert_eq!(verified.ops.len(), 1);
                chains.insert(did, verified.chain);
                *kinds.entry("commit").or_default() += 1;
            }
            Frame::Sync(frame) => {
                let did = Did::parse(frame.did).unwrap();
                let repo = world.account(&did).unwrap();
                let key = repo.identity.key.public();
                sync::verify_sync(&frame, &key, chains.get(&did), NOW_US, &Limits::default())
                    .unwrap();
                *kinds.entry("sync").or_default() += 1;
            }
            Frame::Identity(_) => *kinds.entry("identity").or_default() += 1,
            Frame::Account(_) => *kinds.entry("account").or_default() += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((kinds["identity"], kinds["account"], kinds["sync"]), (12, 12, 12));
    assert!(kinds["commit"] > 600, "{kinds:?}");
    for account in world.accounts() {
        let commit = account.repo.commit();
        assert_eq!(
            chains[&account.identity.did],
            ChainState { rev: commit.rev, data: commit.data }
        );
    }
}

#[test]
fn whole_repositories_verify() {
    let world = history(5);
    for account in world.accounts() {
        let repo = sync::verify_repo(
            &account.repo.car(),
            &account.identity.did,
            &account.identity.key.public(),
            NOW_US,
            &Limits::default(),
        );
        let repo = repo.unwrap();
        let leaves: Vec<String> = repo.leaves().map(|leaf| leaf.path.to_owned()).collect();
        let records: Vec<String> = account.repo.records().keys().cloned().collect();
        assert_eq!(leaves, records);
    }
}
