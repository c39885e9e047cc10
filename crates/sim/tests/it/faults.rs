//! However the network misbehaves, a reader that checks and asks again learns the truth, and nothing else.

use millrace_sim::faults::FORGED_TEXT;
use millrace_sim::{FaultConfig, Population, SimConfig, World};

use crate::reader::{Reader, difference};

const NOW_US: i64 = 1_767_225_600_000_000;

fn network(faults: FaultConfig, seed: u64) -> (World, Population) {
    let config = SimConfig {
        seed,
        accounts: 20,
        history_writes: 0,
        account_events_per_mille: 60,
        faults,
        ..SimConfig::default()
    };
    millrace_sim::history(&config, NOW_US).unwrap()
}

/// Lets a network live under faults and reads along; what the reader knows after the gaps are closed.
fn read_along(faults: FaultConfig, seed: u64, steps: i64) -> (Reader, World) {
    let (mut world, mut population) = network(faults, seed);
    let (mut reader, mut next, mut resets) = (Reader::default(), 1, 0);
    let mut read = |world: &World, now_us| {
        if world.relay_resets() > resets {
            (next, resets) = (1, world.relay_resets());
        }
        reader.read(world, &world.events_from(next, usize::MAX), now_us);
        next = world.last_seq() + 1;
    };
    for step in 0..steps {
        let now_us = NOW_US + step * 10_000;
        population.live(&mut world, now_us).unwrap();
        read(&world, now_us);
    }
    let end_us = NOW_US + steps * 10_000;
    world.close_gaps(end_us);
    read(&world, end_us);
    (reader, world)
}

fn check(name: &str, faults: FaultConfig) -> Reader {
    let mut last = Reader::default();
    for seed in 1..4 {
        let (reader, world) = read_along(faults.clone(), seed, 250);
        assert_eq!(difference(&reader, &world.truth()), None, "{name}, seed {seed}");
        last = reader;
    }
    last
}

#[test]
fn duplicates() {
    let reader = check("duplicates", FaultConfig { duplicated: 0.3, ..FaultConfig::default() });
    assert!(reader.repeated > 10, "{}", reader.repeated);
    assert!(reader.rejected["stale"] > 20, "{:?}", reader.rejected);
    assert!(reader.resyncs < 10, "{}", reader.resyncs);
}

#[test]
fn reorderings_across_accounts_lose_nothing() {
    let reader = check("reorderings", FaultConfig { reordered: 0.3, ..FaultConfig::default() });
    assert!(!reader.rejected.contains_key("since"), "{:?}", reader.rejected);
}

#[test]
fn reorderings_within_an_account_are_noticed() {
    let faults = FaultConfig { reordered_within: 0.5, ..FaultConfig::default() };
    let reader = check("reorderings within", faults);
    assert!(reader.resyncs > 5, "{}", reader.resyncs);
}

#[test]
fn gaps_are_noticed() {
    let reader = check("gaps", FaultConfig { dropped: 0.2, ..FaultConfig::default() });
    assert_eq!(reader.infos, 0);
    let faults = FaultConfig { dropped_with_info: 0.2, seq_jumps: 0.2, ..FaultConfig::default() };
    assert!(check("gaps with info", faults).infos > 10);
}

#[test]
fn lies_are_not_believed() {
    let reader = check("lies", FaultConfig { lies: 0.4, ..FaultConfig::default() });
    let forged = reader.accounts.values().flat_map(|known| known.records.values());
    let forged = forged.filter(|record| {
        record.windows(FORGED_TEXT.len()).any(|part| part == FORGED_TEXT.as_bytes())
    });
    assert_eq!(forged.count(), 0);
    assert!(reader.rejected.len() >= 10, "every lie is noticed: {:?}", reader.rejected);
}

#[test]
fn clocks_may_be_off() {
    let faults = FaultConfig { clock_skew_max_s: 120, ..FaultConfig::default() };
    let reader = check("clocks", faults);
    assert!(reader.rejected.keys().all(|reason| *reason != "future_rev"), "{:?}", reader.rejected);
}

#[test]
fn a_relay_that_starts_anew_is_caught_up_with() {
    let (_, world) =
        read_along(FaultConfig { relay_resets: 0.02, ..FaultConfig::default() }, 5, 250);
    assert!(world.last_seq() < 250, "{}", world.last_seq());
    check("resets", FaultConfig { relay_resets: 0.02, ..FaultConfig::default() });
}

#[test]
fn undecodable_records_are_left_out_alone() {
    let faults = FaultConfig { undecodable_records: 0.2, ..FaultConfig::default() };
    let (reader, world) = read_along(faults, 6, 250);
    assert_eq!(difference(&reader, &world.truth()), None);
    let all: usize = world.truth().accounts.values().map(|account| account.records.len()).sum();
    let known: usize = reader.accounts.values().map(|known| known.records.len()).sum();
    assert!(all > known + 20, "{all} {known}");
}

#[test]
fn all_of_it_at_once() {
    for seed in 10..14 {
        let faults = FaultConfig { relay_resets: 0.002, ..FaultConfig::storm() };
        let (reader, world) = read_along(faults, seed, 400);
        assert_eq!(difference(&reader, &world.truth()), None, "seed {seed}");
    }
}

#[test]
fn faults_repeat_with_their_seed_and_leave_people_alone() {
    let frames = |faults: FaultConfig| {
        let (_, world) = read_along(faults, 7, 200);
        let frames = world.events_from(0, usize::MAX).into_iter().map(|event| event.frame);
        frames.collect::<Vec<_>>()
    };
    assert_eq!(frames(FaultConfig::storm()), frames(FaultConfig::storm()));
    // The same people do the same, whatever becomes of what they do on its way.
    let without = FaultConfig { lies: 0.2, dropped: 0.2, ..FaultConfig::default() };
    let texts = |faults| {
        let (_, world) = read_along(faults, 7, 200);
        world.truth().writes.into_iter().map(|write| (write.path, write.cid)).collect::<Vec<_>>()
    };
    assert_eq!(texts(FaultConfig::default()), texts(without));
}
