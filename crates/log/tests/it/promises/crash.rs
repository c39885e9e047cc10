//! `kill -9` in the middle of appends: what was acknowledged is there, in order, without a gap.
//!
//! The test starts itself as a child, which appends and prints an `ack` line for each answer; the parent
//! kills it after some hundred lines, opens the log it left, and compares. Three times on one folder.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use futures_util::future::join_all;
use millrace_log::Log;

use crate::site::{BROKERS, Site, THREE, all, items, offsets};

const DIR: &str = "MILLRACE_TEST_LOG_DIR";
const ROUND: &str = "MILLRACE_TEST_LOG_ROUND";
const ROUNDS: u64 = 3;
const ACKS_BEFORE_KILL: usize = 300;
const PRODUCERS: u64 = 6;

/// Round, producer, number: what is acknowledged and what payloads say.
type Mark = (u64, u64, u64);

pub async fn what_was_acknowledged_survives_kill_nine(mut site: Site) {
    if let Ok(dir) = std::env::var(DIR) {
        site.config.dir = Some(dir.into());
        return append_until_killed(&site).await;
    }
    let mut acknowledged: BTreeMap<(u32, i64), Mark> = BTreeMap::new();
    for round in 0..ROUNDS {
        let killed = append_and_kill(&site, round);
        assert!(killed.len() >= ACKS_BEFORE_KILL);
        acknowledged.extend(killed);

        let log = site.open();
        let present = present(&log).await;
        for (at, mark) in &acknowledged {
            assert_eq!(present.get(at), Some(mark), "acknowledged at {at:?}");
        }
        // Each producer had at most one call unanswered in each round.
        let unanswered = present.len() - acknowledged.len();
        assert!(unanswered as u64 <= PRODUCERS * (round + 1), "{unanswered} unanswered");
        log.close().await;
    }
}

/// What the log holds; checks that there is no gap and each producer's numbers are in order.
async fn present(log: &Log) -> BTreeMap<(u32, i64), Mark> {
    let mut present = BTreeMap::new();
    for partition in 0..3 {
        let read = all(log, THREE, partition).await;
        let tail = log.tail(THREE, partition).await.unwrap();
        assert_eq!(offsets(&read), (0..tail).collect::<Vec<_>>());
        let mut next: BTreeMap<(u64, u64), u64> = BTreeMap::new();
        for item in read {
            let mark = parse(std::str::from_utf8(&item.payload).unwrap());
            let next = next.entry((mark.0, mark.1)).or_default();
            assert_eq!(mark.2, *next, "producer {} of round {}", mark.1, mark.0);
            *next += 1;
            present.insert((partition, item.offset), mark);
        }
    }
    present
}

fn parse(payload: &str) -> Mark {
    let mut numbers = payload.split(' ').map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap(), numbers.next().unwrap())
}

/// Starts the child, kills it among its appends, and collects everything it acknowledged.
fn append_and_kill(site: &Site, round: u64) -> Vec<((u32, i64), Mark)> {
    let mut child = start_child(site, round);
    let mut acks = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        // The last line may be cut off by the kill.
        let Ok(line) = line else { break };
        let Some(ack) = line.strip_prefix("ack ").and_then(|ack| ack.strip_suffix(" .")) else {
            continue;
        };
        let (at, mark) = ack.split_once(": ").unwrap();
        let (partition, offset) = at.split_once(' ').unwrap();
        acks.push(((partition.parse().unwrap(), offset.parse().unwrap()), parse(mark)));
        if acks.len() == ACKS_BEFORE_KILL {
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert!(!status.success(), "the child ended by itself");
    acks
}

fn start_child(site: &Site, round: u64) -> Child {
    let test = format!("{}::what_was_acknowledged_survives_kill_nine", site.engine_name);
    Command::new(std::env::current_exe().unwrap())
        .args([&test, "--exact", "--nocapture"])
        .env(DIR, site.folder.path())
        .env(ROUND, round.to_string())
        .envs(site.config.kafka.brokers.iter().map(|brokers| (BROKERS, brokers)))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

async fn append_until_killed(site: &Site) {
    let round: u64 = std::env::var(ROUND).unwrap().parse().unwrap();
    let log = site.open();
    join_all((0..PRODUCERS).map(|producer| produce(&log, round, producer))).await;
}

#[expect(clippy::print_stdout, reason = "how the child tells its parent")]
async fn produce(log: &Log, round: u64, producer: u64) {
    for number in 0_u64.. {
        let padding = " ".repeat(usize::try_from((number * 7_919 + producer) % 9_000).unwrap());
        let payload = format!("{round} {producer} {number}{padding}");
        let appended =
            log.append(THREE, items(&format!("producer {producer}"), [payload])).await.unwrap();
        let at = appended.offsets[0];
        println!("ack {} {}: {round} {producer} {number} .", at.partition, at.offset);
    }
}
