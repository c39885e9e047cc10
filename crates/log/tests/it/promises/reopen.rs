//! What a restart in good order keeps, and what it refuses.

use millrace_log::{LogError, Topic};

use crate::site::{ONE, Site, THREE, all, everything_below, items, key_in, offsets, sized};

pub async fn everything_is_there_again(site: Site) {
    let mut log = site.open();
    for round in 0..3 {
        for partition in 0..3 {
            let key = key_in(&log, THREE, partition);
            log.append(THREE, items(&key, [format!("{round}")])).await.unwrap();
        }
        let before =
            [all(&log, THREE, 0).await, all(&log, THREE, 1).await, all(&log, THREE, 2).await];
        log = site.reopen(log).await;
        for (partition, before) in (0..).zip(before) {
            assert_eq!(all(&log, THREE, partition).await, before);
            assert_eq!(log.tail(THREE, partition).await, Ok(round + 1));
        }
    }
}

pub async fn what_was_removed_stays_removed(site: Site) {
    let log = site.open();
    log.append(ONE, sized("k", 10, 10)).await.unwrap();
    log.retain(ONE, &everything_below([7])).await.unwrap();
    let log = site.reopen(log).await;
    assert_eq!(log.oldest(ONE, 0).await, Ok(7));
    assert_eq!(offsets(&all(&log, ONE, 0).await), [7, 8, 9]);
    assert_eq!(log.read(ONE, 0, 6, 100).await, Err(LogError::Truncated { oldest: 7 }));
}

pub async fn a_changed_number_of_partitions_is_refused(mut site: Site) {
    let log = site.open();
    log.append(THREE, items("k", ["kept"])).await.unwrap();
    log.close().await;
    for configured in [1, 2, 4] {
        site.config.dataplane_changes_partitions = configured;
        let refusal = site.try_open().err().unwrap();
        assert_eq!(
            refusal,
            LogError::PartitionsChanged { topic: Topic::DataplaneChanges, stored: 3, configured }
        );
        assert_eq!(refusal.code().id, "MR-LOG-005");
    }
    site.config.dataplane_changes_partitions = 3;
    let log = site.open();
    assert_eq!(all(&log, THREE, log.partition_of(THREE, b"k")).await[0].payload, "kept");
}

pub async fn dropping_the_last_clone_frees_the_log(site: Site) {
    for round in 0..5 {
        let log = site.open();
        let clone = log.clone();
        drop(log);
        let appended = clone.append(ONE, items("k", ["x"])).await.unwrap();
        assert_eq!(appended.offsets[0].offset, round);
    }
}
