//! The worker loop: every entry takes effect once and in the order of its key, whatever fails.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use millrace_log::{Retention, Topic};
use millrace_runtime::error::Diagnose as _;
use millrace_store::outbox::Relay;
use millrace_store::{StoreError, offsets, parked as dlq};

use crate::crash::{self, Death};
use crate::running::{
    Running, effects_are, offset, parked, reached, reasons, run_until, stops_with,
};
use crate::toy::{Fail, TOPIC, Toy, append, effects};
use crate::world::{START_US, World, eventually};

pub async fn entries_are_applied_in_order_with_their_offset(world: &World) {
    let (store, log, toy) = (world.store().await, world.log(), Arc::new(Toy::default()));
    append(&log, &["a 1", "b 2", "a 3"]).await;
    run_until(world, &toy, &store, &log, 3).await;
    assert_eq!(effects(&store).await, ["a 1", "b 2", "a 3"]);
    assert_eq!(toy.committed.load(Ordering::SeqCst), 3);
}

pub async fn a_restart_applies_nothing_twice(world: &World) {
    let (store, log, toy) = (world.store().await, world.log(), Arc::new(Toy::default()));
    let mut expected = Vec::new();
    for round in 0..4_i64 {
        let entries = [format!("a {round}"), format!("b {round}")];
        append(&log, &[&entries[0], &entries[1]]).await;
        expected.extend(entries);
        run_until(world, &toy, &store, &log, 2 * (round + 1)).await;
    }
    assert_eq!(effects(&store).await, expected);
}

pub async fn a_failure_between_write_and_commit_leaves_one_effect(world: &World) {
    let (store, log) = (world.store().await, world.log());
    let toy = Toy::failing(&[("2", Fail::Retry)]);
    append(&log, &["a 1", "a 2", "a 3"]).await;
    let running = Running::start(world, &toy, &store, &log);
    eventually("it was tried several times", || async {
        (toy.writes.load(Ordering::SeqCst) >= 5).then_some(())
    })
    .await;
    assert_eq!((effects(&store).await.len(), offset(&store).await), (0, None));
    assert_eq!(parked(&store).await, [], "what can pass is not parked");
    assert!(world.metric("millrace_store_retries", &["toy-later"]).unwrap() >= 4.0);
    toy.mend();
    reached(&store, 3).await;
    running.stop().await;
    assert_eq!(effects(&store).await, ["a 1", "a 2", "a 3"]);
}

pub async fn a_poisoned_entry_is_parked_and_its_neighbours_applied(world: &World) {
    let (store, log) = (world.store().await, world.log());
    let toy = Toy::failing(&[("bad", Fail::Poison)]);
    append(&log, &["a 1", "b 2", "c bad", "d 4", "e 5", "f bad", "g 7"]).await;
    run_until(world, &toy, &store, &log, 7).await;
    assert_eq!(effects(&store).await, ["a 1", "b 2", "d 4", "e 5", "g 7"]);
    let poison = |offset| (offset, "toy-poison".to_owned());
    assert_eq!(reasons(&store).await, [poison(2), poison(5)]);
    let parked = parked(&store).await;
    assert_eq!(parked[0].barrier_key.as_deref(), Some(b"c".as_slice()));
    assert_eq!(parked[0].error, "toy-poison: bad cannot be applied");
}

pub async fn a_named_culprit_is_found_without_searching(world: &World) {
    let (store, log) = (world.store().await, world.log());
    let toy = Toy::failing(&[("bad", Fail::Named)]);
    let mut entries: Vec<String> = (0..64).map(|n| format!("k{n} {n}")).collect();
    entries[40] = "k40 bad".to_owned();
    append(&log, &entries.iter().map(String::as_str).collect::<Vec<_>>()).await;
    run_until(world, &toy, &store, &log, 64).await;
    assert_eq!(effects(&store).await.len(), 63);
    assert_eq!(reasons(&store).await, [(40, "toy-named".to_owned())]);
    // The batch, the part before, the culprit, the part after; the restart adds none.
    assert!(toy.writes.load(Ordering::SeqCst) <= 4, "{}", toy.writes.load(Ordering::SeqCst));
}

pub async fn a_panic_parks_the_entry(world: &World) {
    let (store, log) = (world.store().await, world.log());
    let toy = Toy::failing(&[("early", Fail::PanicInPrepare), ("late", Fail::PanicInWrite)]);
    append(&log, &["a 1", "b early", "c 3", "d late", "e 5"]).await;
    run_until(world, &toy, &store, &log, 5).await;
    assert_eq!(effects(&store).await, ["a 1", "c 3", "e 5"]);
    assert_eq!(reasons(&store).await, [(1, "panic".to_owned()), (3, "panic".to_owned())]);
}

pub async fn a_broken_rule_parks_the_entry(world: &World) {
    let (store, log) = (world.store().await, world.log());
    let toy = Toy::failing(&[("bad", Fail::Constraint)]);
    append(&log, &["a 1", "b bad", "c 3"]).await;
    run_until(world, &toy, &store, &log, 3).await;
    assert_eq!(effects(&store).await, ["a 1", "c 3"]);
    assert_eq!(reasons(&store).await, [(1, "store-constraint".to_owned())]);
}

pub async fn an_entry_that_does_not_decode_is_parked(world: &World) {
    let (store, log, toy) = (world.store().await, world.log(), Arc::new(Toy::default()));
    append(&log, &["a 1", "nonsense", "a 3"]).await;
    run_until(world, &toy, &store, &log, 3).await;
    assert_eq!(effects(&store).await, ["a 1", "a 3"]);
    let parked = parked(&store).await;
    assert_eq!((parked[0].reason.as_str(), &parked[0].barrier_key), ("toy-decode", &None));
}

pub async fn stop_stops_before_the_entry(world: &World) {
    let (store, log) = (world.store().await, world.log());
    let toy = Toy::failing(&[("bad", Fail::Stop)]);
    append(&log, &["a 1"]).await;
    run_until(world, &toy, &store, &log, 1).await;
    append(&log, &["b bad", "c 3"]).await;
    let error = stops_with(Running::start(world, &toy, &store, &log)).await;
    assert_eq!(error.reason(), "toy-stop");
    assert_eq!((parked(&store).await, offset(&store).await), (Vec::new(), Some(1)));
    toy.mend();
    run_until(world, &toy, &store, &log, 3).await;
    assert_eq!(effects(&store).await, ["a 1", "b bad", "c 3"]);
}

pub async fn an_offset_beyond_the_tail_is_refused(world: &World) {
    let (store, log, toy) = (world.store().await, world.log(), Arc::new(Toy::default()));
    append(&log, &["a 1"]).await;
    let ahead: Result<(), StoreError> =
        store.write(|tx| offsets::advance(tx, "toy", TOPIC, 0, 0, 2)).await;
    ahead.unwrap();
    let error = stops_with(Running::start(world, &toy, &store, &log)).await;
    assert_eq!(error.reason(), "offset-beyond-tail");
    assert_eq!(error.diagnosis().code, "MR-STO-014");
    assert_eq!(effects(&store).await.len(), 0);
}

pub async fn an_offset_before_the_oldest_is_refused(world: &World) {
    let (store, log, toy) = (world.store().await, world.log(), Arc::new(Toy::default()));
    append(&log, &["a 1", "a 2", "a 3"]).await;
    let behind: Result<(), StoreError> =
        store.write(|tx| offsets::advance(tx, "toy", TOPIC, 0, 0, 1)).await;
    behind.unwrap();
    world.manual.advance(Duration::from_secs(3_600));
    let retention = Retention { age_us: Some(1), bytes_max: None, floors: vec![2] };
    log.retain(TOPIC, &retention).await.unwrap();
    let error = stops_with(Running::start(world, &toy, &store, &log)).await;
    assert_eq!(error.reason(), "offset-truncated");
}

pub async fn a_second_worker_cannot_apply_again(world: &World) {
    let (store, log, toy) = (world.store().await, world.log(), Arc::new(Toy::default()));
    let running = Running::start(world, &toy, &store, &log);
    append(&log, &["a 1"]).await;
    reached(&store, 1).await;
    // Another worker is faster with the next entry: this one's compare-and-set fails, it looks again.
    let faster: Result<(), StoreError> = store
        .write(|tx| {
            offsets::advance(tx, "toy", TOPIC, 0, 1, 2)?;
            let sql = "INSERT INTO effect (key, word) VALUES ('a', 'elsewhere')";
            tx.execute(sql, &[]).map(drop)
        })
        .await;
    faster.unwrap();
    append(&log, &["a 2", "a 3"]).await;
    effects_are(&store, &["a 1", "a elsewhere", "a 3"]).await;
    running.stop().await;
    assert_eq!(offset(&store).await, Some(3));
}

pub async fn facts_reach_the_log_once_committed(world: &World) {
    let (store, log) = (world.store().await, world.log());
    let toy = Toy::failing(&[("bad", Fail::Poison)]);
    append(&log, &["a 1", "b bad", "c 3"]).await;
    run_until(world, &toy, &store, &log, 3).await;
    let relay = Relay::new(
        store.clone(),
        log.clone(),
        world.clock.clone(),
        world.rng.fork(),
        &world.registry,
    );
    assert_eq!(relay.relay_batch().await.unwrap(), 2);
    let facts = log.read(Topic::DataplaneChanges, 0, 0, 1 << 20).await.unwrap();
    let facts: Vec<&[u8]> = facts.iter().map(|item| item.payload.as_ref()).collect();
    assert_eq!(facts, [b"1".as_slice(), b"3"]);
}

pub async fn what_waits_for_its_time_waits_and_what_is_before_it_does_not(world: &World) {
    let (store, log, toy) = (world.store().await, world.log(), Arc::new(Toy::default()));
    let time_us = START_US + 60_000_000;
    *toy.waits.lock() = vec![("later", time_us), ("past", START_US - 1)];
    append(&log, &["a 1", "b past", "c later", "d 4"]).await;
    let running = Running::start(world, &toy, &store, &log);
    effects_are(&store, &["a 1", "b past"]).await;
    let lag = || async {
        let lag = |name| world.metric(name, &["toy"]);
        let found = lag("millrace_store_lag_entries").zip(lag("millrace_store_lag_seconds"));
        (found == Some((2.0, 0.0))).then_some(())
    };
    eventually("two entries wait, and nothing is late", lag).await;
    world.manual.set_us(time_us - 1);
    // Whoever looks again, such as a second worker that stands there, waits too.
    running.stop().await;
    let running = Running::start(world, &toy, &store, &log);
    eventually("it looked again", lag).await;
    assert_eq!(offset(&store).await, Some(2));
    world.manual.set_us(time_us);
    effects_are(&store, &["a 1", "b past", "c later", "d 4"]).await;
    running.stop().await;
}

pub async fn who_waits_for_a_time_can_be_stopped(world: &World) {
    let (store, log) = (world.store().await, world.log());
    let toy = Toy::failing(&[("bad", Fail::Retry)]);
    *toy.waits.lock() = vec![("later", i64::MAX)];
    append(&log, &["a bad", "c later"]).await;
    let running = Running::start(world, &toy, &store, &log);
    eventually("what failed does not wait for the time of another", || async {
        (toy.writes.load(Ordering::SeqCst) >= 3).then_some(())
    })
    .await;
    toy.mend();
    reached(&store, 1).await;
    running.stop().await;
    assert_eq!(effects(&store).await, ["a bad"]);
}

pub async fn lag_and_progress_are_shown(world: &World) {
    let (store, log) = (world.store().await, world.log());
    let toy = Toy::failing(&[("bad", Fail::Poison)]);
    append(&log, &["a 1", "b bad", "b 3"]).await;
    let running = Running::start(world, &toy, &store, &log);
    reached(&store, 3).await;
    let shown = |name: &'static str, expected: f64| async move {
        eventually(name, || async {
            (world.metric(name, &["toy"]) == Some(expected)).then_some(())
        })
        .await;
    };
    shown("millrace_store_lag_entries", 0.0).await;
    shown("millrace_store_entries", 1.0).await;
    shown("millrace_store_parked_entries", 2.0).await;
    let by_reason = |reason| world.metric("millrace_store_parked_total", &["toy", reason]);
    assert_eq!((by_reason("toy-poison"), by_reason("behind")), (Some(1.0), Some(1.0)));
    running.stop().await;
}

pub async fn random_faults_end_as_their_model(world: &World) {
    let (store, log) = (world.store().await, world.log());
    const WORDS: [(&str, Fail); 4] = [
        ("poison", Fail::Poison),
        ("named", Fail::Named),
        ("early", Fail::PanicInPrepare),
        ("rule", Fail::Constraint),
    ];
    let toy = Toy::failing(&WORDS);
    let entries: Vec<String> = (0..150)
        .map(|n| {
            let key = world.rng.below(12);
            match WORDS.get(usize::try_from(world.rng.below(40)).unwrap()) {
                Some((bad, _)) => format!("k{key} {bad}"),
                None => format!("k{key} {n}"),
            }
        })
        .collect();
    let running = Running::start(world, &toy, &store, &log);
    for part in entries.chunks(37) {
        append(&log, &part.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    reached(&store, 150).await;

    // What must be there: everything but what stands at or behind a fault of its key, in order.
    let mut barred = BTreeSet::new();
    let (mut applied, mut waiting) = (Vec::new(), Vec::new());
    for entry in &entries {
        let (key, word) = entry.split_once(' ').unwrap();
        if barred.contains(key) || WORDS.iter().any(|(bad, _)| *bad == word) {
            barred.insert(key);
            waiting.push(entry.clone());
        } else {
            applied.push(entry.clone());
        }
    }
    assert!(!waiting.is_empty() && !applied.is_empty(), "the seed gives both");
    assert_eq!(effects(&store).await, applied);
    assert_eq!(parked(&store).await.len(), waiting.len());

    // Mended and asked for, the rest follows: in order for each key.
    toy.mend();
    let asked: Result<u64, StoreError> = store.write(|tx| dlq::retry_all(tx, "toy")).await;
    assert_eq!(asked.unwrap(), barred.len() as u64);
    eventually("nothing is parked", || async { parked(&store).await.is_empty().then_some(()) })
        .await;
    running.stop().await;
    let found = effects(&store).await;
    for key in (0..12).map(|key| format!("k{key} ")) {
        let of_key = |all: &[String]| -> Vec<String> {
            all.iter().filter(|entry| entry.starts_with(&key)).cloned().collect()
        };
        assert_eq!(of_key(&found), of_key(&entries), "{key}");
    }
}

pub async fn a_process_killed_anywhere_leaves_each_effect_once(world: &World) {
    let entries: Vec<String> = (0..12).map(|n| format!("k{} {n}", n % 3)).collect();
    let store = world.store().await;
    let log = world.log();
    append(&log, &entries.iter().map(String::as_str).collect::<Vec<_>>()).await;
    log.close().await;
    store.close().await;
    for death in [
        Death::BeforeCommit(1),
        Death::AfterCommit(1),
        Death::BeforeCommit(2),
        Death::AfterCommit(2),
        Death::BeforeCommit(1),
        Death::BeforeRelay(1),
    ] {
        crash::run_until_killed(world, death).await;
    }
    crash::run_until_done(world, 12).await;
    let (store, log) = (world.store().await, world.log());
    assert_eq!((offset(&store).await, effects(&store).await), (Some(12), entries.clone()));
    // Facts may be repeated, and none is missing or out of order.
    let facts = log.read(Topic::DataplaneChanges, 0, 0, 1 << 20).await.unwrap();
    let mut facts: Vec<i64> =
        facts.iter().map(|it| String::from_utf8_lossy(&it.payload).parse().unwrap()).collect();
    facts.sort_unstable();
    facts.dedup();
    assert_eq!(facts, (0..12).collect::<Vec<i64>>());
}
