//! Order within a partition.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use millrace_log::Log;

use crate::site::{ONE, START_US, Site, THREE, all, items};

/// Appends `calls` of three items each under one key.
async fn produce(log: &Log, name: usize, calls: usize) {
    for call in 0..calls {
        let payloads = (0..3).map(|n| format!("{name} {}", 3 * call + n));
        log.append(THREE, items(&format!("producer {name}"), payloads)).await.unwrap();
    }
}

/// Producer and number of each item, partition by partition.
async fn produced(log: &Log) -> Vec<Vec<(usize, usize)>> {
    let mut partitions = Vec::new();
    for partition in 0..3 {
        let read = all(log, THREE, partition).await;
        let parse = |payload: &[u8]| {
            let (name, number) = std::str::from_utf8(payload).unwrap().split_once(' ').unwrap();
            (name.parse().unwrap(), number.parse().unwrap())
        };
        partitions.push(read.iter().map(|item| parse(&item.payload)).collect());
    }
    partitions
}

pub async fn a_producer_finds_its_items_in_its_order(site: Site) {
    let log = site.open();
    join_all((0..8).map(|name| produce(&log, name, 20))).await;
    let mut numbers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (name, number) in produced(&log).await.concat() {
        numbers.entry(name).or_default().push(number);
    }
    assert_eq!(numbers.len(), 8);
    for (name, numbers) in numbers {
        assert_eq!(numbers, (0..60).collect::<Vec<_>>(), "producer {name}");
    }
}

pub async fn concurrent_calls_are_not_mixed(site: Site) {
    let log = site.open();
    join_all((0..8).map(|name| produce(&log, name, 20))).await;
    for partition in produced(&log).await {
        for call in partition.chunks(3) {
            let (name, first) = call[0];
            assert_eq!(call, [(name, first), (name, first + 1), (name, first + 2)]);
            assert_eq!(first % 3, 0);
        }
    }
}

pub async fn times_never_step_back(site: Site) {
    let log = site.open();
    log.append(ONE, items("k", ["first"])).await.unwrap();
    site.clock.set_us(START_US - 5_000_000);
    log.append(ONE, items("k", ["clock set back"])).await.unwrap();
    let log = site.reopen(log).await;
    log.append(ONE, items("k", ["and after a restart"])).await.unwrap();
    site.clock.set_us(START_US);
    site.clock.advance(Duration::from_secs(1));
    log.append(ONE, items("k", ["right again"])).await.unwrap();
    let times: Vec<_> = all(&log, ONE, 0).await.iter().map(|item| item.appended_us).collect();
    assert_eq!(times, [START_US, START_US, START_US, START_US + 1_000_000]);
}
