//! Retention: from the front, below the floor, and never silently.

use std::time::Duration;

use millrace_log::{ITEM_FRAME_BYTES, LogError, RETAIN_ITEMS_STEP, Removed, Retention};
use millrace_runtime::supervise::spawn_detached_named;

use crate::site::{ONE, Site, THREE, all, everything_below, items, key_in, offsets, sized};

const HOUR_US: i64 = 3_600_000_000;

pub async fn items_go_by_age(site: Site) {
    let log = site.open();
    for _ in 0..4 {
        log.append(ONE, sized("k", 2, 100)).await.unwrap();
        site.clock.advance(Duration::from_secs(3_600));
    }
    // Ages now: 4 h, 3 h, 2 h, 1 h, two items each.
    let by_age =
        |hours| Retention { age_us: Some(hours * HOUR_US), bytes_max: None, floors: vec![100] };
    assert_eq!(
        log.retain(ONE, &by_age(4)).await,
        Ok(Removed::default()),
        "4 h old is not older than 4 h"
    );
    let removed = log.retain(ONE, &by_age(2)).await.unwrap();
    assert_eq!(removed, Removed { items: 4, bytes: 4 * (100 + ITEM_FRAME_BYTES as u64) });
    assert_eq!(log.oldest(ONE, 0).await, Ok(4));
    assert_eq!(offsets(&all(&log, ONE, 0).await), [4, 5, 6, 7]);
    assert_eq!(log.retain(ONE, &by_age(2)).await, Ok(Removed::default()), "done is done");
}

pub async fn items_go_by_size(site: Site) {
    let log = site.open();
    let item = 1_000 + ITEM_FRAME_BYTES as u64;
    let by_size = |items: u64| Retention {
        age_us: None,
        bytes_max: Some(3 * items * item),
        floors: vec![100; 3],
    };
    for partition in 0..2 {
        log.append(THREE, sized(&key_in(&log, THREE, partition), 10, 1_000)).await.unwrap();
    }
    assert_eq!(log.retain(THREE, &by_size(10)).await, Ok(Removed::default()));
    assert_eq!(
        log.retain(THREE, &by_size(4)).await.unwrap().items,
        12,
        "each partition has its share"
    );
    for partition in 0..2 {
        assert_eq!(offsets(&all(&log, THREE, partition).await), (6..10).collect::<Vec<_>>());
    }
    log.append(THREE, sized(&key_in(&log, THREE, 0), 1, 1_000)).await.unwrap();
    assert_eq!(log.retain(THREE, &by_size(4)).await.unwrap(), Removed { items: 1, bytes: item });
}

pub async fn what_is_held_stays(site: Site) {
    let log = site.open();
    log.append(ONE, sized("k", 10, 100)).await.unwrap();
    let everything = everything_below([100]);
    assert!(matches!(log.hold(ONE, Vec::new()), Err(LogError::FloorsMismatch { .. })));
    let (lower, higher) = (log.hold(ONE, vec![4]).unwrap(), log.hold(ONE, vec![7]).unwrap());
    assert_eq!(log.retain(ONE, &everything).await.unwrap().items, 4);
    drop(lower);
    assert_eq!(log.retain(ONE, &everything).await.unwrap().items, 3);
    drop(higher);
    assert_eq!(log.retain(ONE, &everything).await.unwrap().items, 3);
}

pub async fn nothing_goes_at_or_beyond_the_floor(site: Site) {
    let log = site.open();
    for partition in 0..3 {
        log.append(THREE, sized(&key_in(&log, THREE, partition), 5, 10)).await.unwrap();
    }
    site.clock.advance(Duration::from_secs(10));
    let mut rule = everything_below([0, 3, 99]);
    rule.age_us = Some(1);
    assert_eq!(log.retain(THREE, &rule).await.unwrap().items, 8);
    let mut oldest = Vec::new();
    for partition in 0..3 {
        oldest.push(log.oldest(THREE, partition).await.unwrap());
    }
    assert_eq!(oldest, [0, 3, 5]);
}

pub async fn a_late_reader_is_told_the_oldest(site: Site) {
    let log = site.open();
    log.append(ONE, sized("k", 10, 10)).await.unwrap();
    log.retain(ONE, &everything_below([4])).await.unwrap();
    for from in [0, 3] {
        assert_eq!(log.read(ONE, 0, from, 1_000).await, Err(LogError::Truncated { oldest: 4 }));
    }
    assert_eq!(offsets(&log.read(ONE, 0, 4, 1_000).await.unwrap()), (4..10).collect::<Vec<_>>());
}

pub async fn offsets_go_on_after_everything_is_gone(site: Site) {
    let mut log = site.open();
    for round in 0..3 {
        let tail = 5 * (round + 1);
        log.append(ONE, sized("k", 5, 10)).await.unwrap();
        log.retain(ONE, &everything_below([tail])).await.unwrap();
        log = site.reopen(log).await;
        assert_eq!(log.oldest(ONE, 0).await, Ok(tail));
        assert_eq!(log.tail(ONE, 0).await, Ok(tail));
        assert_eq!(log.read(ONE, 0, tail, 1_000).await, Ok(vec![]));
        assert_eq!(log.read(ONE, 0, 0, 1_000).await, Err(LogError::Truncated { oldest: tail }));
    }
    let appended = log.append(ONE, items("k", ["next"])).await.unwrap();
    assert_eq!(appended.offsets[0].offset, 15);
}

pub async fn more_than_one_step_goes(site: Site) {
    let log = site.open();
    let count = 2 * RETAIN_ITEMS_STEP + 100;
    log.append(ONE, sized("k", count, 1)).await.unwrap();
    let floor = count as i64 - 1;
    let removed = log.retain(ONE, &everything_below([floor])).await.unwrap();
    assert_eq!(removed.items, count as u64 - 1);
    assert_eq!(offsets(&all(&log, ONE, 0).await), [floor]);
}

pub async fn appends_go_on_meanwhile(site: Site) {
    let log = site.open();
    log.append(ONE, sized("k", 3 * RETAIN_ITEMS_STEP, 1)).await.unwrap();
    let producer = spawn_detached_named("producer", {
        let log = log.clone();
        async move {
            for n in 0..50 {
                log.append(ONE, items("k", [format!("{n}")])).await.unwrap();
            }
        }
    });
    let floor = 3 * RETAIN_ITEMS_STEP as i64;
    log.retain(ONE, &everything_below([floor])).await.unwrap();
    producer.await.unwrap();
    let read = all(&log, ONE, 0).await;
    assert_eq!(offsets(&read), (floor..floor + 50).collect::<Vec<_>>());
    let log = site.reopen(log).await;
    assert_eq!(all(&log, ONE, 0).await, read);
}

pub async fn floors_must_fit_the_partitions(site: Site) {
    let log = site.open();
    log.append(THREE, sized("k", 5, 10)).await.unwrap();
    for floors in [vec![], vec![9], vec![9; 4]] {
        let refusal =
            LogError::FloorsMismatch { topic: THREE, floors: floors.len(), partitions: 3 };
        assert_eq!(log.retain(THREE, &everything_below(floors)).await, Err(refusal));
    }
    let partition = log.partition_of(THREE, b"k");
    assert_eq!(all(&log, THREE, partition).await.len(), 5);
}
