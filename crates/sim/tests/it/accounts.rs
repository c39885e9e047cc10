//! What happens to accounts: handles, keys, moves between PDSs, statuses.

use std::collections::BTreeSet;

use millrace_atproto::frame::Frame;
use millrace_atproto::{Did, Handle};
use millrace_sim::{Goodbye, Migration, SimConfig, Status, World};

use crate::reader::{Reader, difference};

const NOW_US: i64 = 1_767_225_600_000_000;

fn world() -> (World, Vec<Did>) {
    let mut world = World::new(&SimConfig::default(), &[]);
    let dids = (0..6).map(|at| world.create_account(NOW_US + at)).collect();
    (world, dids)
}

fn handle(handle: &str) -> Handle {
    handle.parse().unwrap()
}

/// What the relay says from a number on, in short.
fn said(world: &World, from: i64) -> Vec<String> {
    let events = world.events_from(from, usize::MAX);
    let said = events.iter().map(|event| match Frame::parse(&event.frame).unwrap() {
        Frame::Account(frame) => format!("account {}", frame.status.unwrap_or("active")),
        Frame::Identity(_) => "identity".to_owned(),
        Frame::Sync(_) => "sync".to_owned(),
        Frame::Commit(frame) => format!("commit of {}", frame.ops.len()),
        other => panic!("{other:?}"),
    });
    said.collect()
}

#[test]
fn handles_are_verified_both_ways() {
    let (mut world, dids) = world();
    assert_eq!(world.verified_handle(&dids[0]), Some(&handle("alice.sim.test")));
    world.set_handle(&dids[0], handle("new.sim.test"), NOW_US);
    assert!(world.by_handle("alice.sim.test").is_none());
    // Another claims it, in vain.
    world.claim_handle(&dids[1], handle("new.sim.test"), NOW_US);
    assert_eq!(world.verified_handle(&dids[1]), None);
    assert_eq!(world.by_handle("new.sim.test").unwrap().identity.did, dids[0]);
    // A third takes it.
    world.set_handle(&dids[2], handle("new.sim.test"), NOW_US);
    assert_eq!(world.verified_handle(&dids[0]), None);
    let truth = world.truth();
    assert_eq!(truth.accounts[&dids[2]].handle, Some(handle("new.sim.test")));
    assert_eq!(truth.accounts[&dids[0]].handle, None);
    assert_eq!(truth.accounts[&dids[0]].claimed_handle, handle("new.sim.test"));
}

#[test]
fn a_move_is_told_by_both_pdss_in_any_order() {
    for (goodbye, new_key, expected) in [
        (
            Goodbye::Before,
            false,
            vec!["account deactivated", "identity", "account active", "commit of 0"],
        ),
        (Goodbye::After, true, vec!["identity", "account active", "sync", "account deactivated"]),
        (Goodbye::Never, true, vec!["identity", "account active", "sync"]),
    ] {
        let (mut world, dids) = world();
        let did = &dids[0];
        let record = millrace_sim::records::post("before", NOW_US, None, None, None);
        world.create_record(did, "app.bsky.feed.post", NOW_US, record).unwrap();
        let (from, key) =
            (world.account(did).unwrap().host, world.account(did).unwrap().identity.key.public());
        let last = world.last_seq();
        let to = (from + 1) % world.host_count();
        world.migrate(did, Migration { to, new_key, goodbye, by_commit: true }, NOW_US).unwrap();
        assert_eq!(said(&world, last + 1), expected);
        assert_eq!(world.status_at(from, did), Some(Status::Deactivated));
        assert_eq!(world.status_at(to, did), Some(Status::Active));
        assert_eq!(world.account(did).unwrap().identity.key.public() != key, new_key);
        // Each PDS tells its own part.
        let told = |host| {
            let events = world.host_events_from(host, 0, usize::MAX);
            events
                .iter()
                .filter(|event| Frame::parse(&event.frame).unwrap().did() == Some(did.as_str()))
                .count()
        };
        assert_eq!(told(to), 3);
        assert_eq!(told(from), 4 + usize::from(goodbye != Goodbye::Never));
        // A reader of the relay knows in the end, whatever the order.
        let record = millrace_sim::records::post("after", NOW_US, None, None, None);
        world.create_record(did, "app.bsky.feed.post", NOW_US, record).unwrap();
        let mut reader = Reader::default();
        reader.read(&world, &world.events_from(0, usize::MAX), NOW_US);
        assert_eq!(difference(&reader, &world.truth()), None);
    }
}

#[test]
fn keys_rotate_and_the_repository_is_signed_anew() {
    let (mut world, dids) = world();
    let last = world.last_seq();
    world.rotate_key(&dids[0], NOW_US).unwrap();
    assert_eq!(said(&world, last + 1), ["identity", "account active", "sync"]);
    let account = world.account(&dids[0]).unwrap();
    account.repo.commit().verify(&account.identity.key.public()).unwrap();
}

#[test]
fn inactive_accounts_do_not_write_and_come_back() {
    let (mut world, dids) = world();
    let did = &dids[0];
    let post = |world: &mut World| {
        let record = millrace_sim::records::post("here", NOW_US, None, None, None);
        world.create_record(did, "app.bsky.feed.post", NOW_US, record)
    };
    post(&mut world).unwrap();
    for status in [Status::Takendown, Status::Suspended, Status::Deactivated] {
        world.set_status(did, status, NOW_US);
        assert!(post(&mut world).is_err());
        assert_eq!(world.truth().accounts[did].records.len(), 1);
        world.set_status(did, Status::Active, NOW_US);
    }
    for status in [Status::Throttled, Status::Desynchronized] {
        world.set_status(did, status, NOW_US);
        post(&mut world).unwrap();
    }
    let last = world.last_seq();
    world.set_status(did, Status::Deleted, NOW_US);
    assert!(world.truth().accounts[did].records.is_empty());
    world.set_status(did, Status::Active, NOW_US);
    assert_eq!(said(&world, last + 1), ["account deleted", "account active", "sync"]);
    assert!(world.account(did).unwrap().repo.records().is_empty());
    post(&mut world).unwrap();
    let mut reader = Reader::default();
    reader.read(&world, &world.events_from(0, usize::MAX), NOW_US);
    assert_eq!(difference(&reader, &world.truth()), None);
}

#[test]
fn all_of_it_happens_in_a_lively_network_and_a_reader_keeps_up() {
    let config = SimConfig {
        accounts: 24,
        history_writes: 10,
        account_events_per_mille: 300,
        ..SimConfig::default()
    };
    let (mut world, mut population) = millrace_sim::history(&config, NOW_US).unwrap();
    let (mut reader, mut next) = (Reader::default(), 1);
    let mut statuses = BTreeSet::new();
    let hosts: Vec<usize> = world.accounts().map(|account| account.host).collect();
    for step in 0..700 {
        let now_us = NOW_US + step * 1_000;
        population.live(&mut world, now_us).unwrap();
        reader.read(&world, &world.events_from(next, usize::MAX), now_us);
        next = world.last_seq() + 1;
        statuses.extend(world.accounts().map(|account| account.status));
    }
    assert_eq!(statuses.len(), 7, "{statuses:?}");
    assert_eq!(difference(&reader, &world.truth()), None);
    let moved = world.accounts().zip(hosts).filter(|(account, host)| account.host != *host).count();
    assert!(moved > 3, "{moved} moved");
    let truth = world.truth();
    assert!(truth.accounts.values().any(|account| account.handle.is_none()));
    assert!(world.accounts().filter(|account| !account.status.is_active()).count() <= 6);
}
