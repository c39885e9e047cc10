//! Appending: offsets, partitions, bounds.

use futures_util::StreamExt as _;
use futures_util::poll;
use futures_util::stream::FuturesUnordered;
use millrace_log::{
    Append, Appended, ITEM_FRAME_BYTES, LogError, PAYLOAD_BYTES_MAX, QUEUE_BYTES_MIN,
};

use crate::site::{ONE, Site, THREE, all, items, key_in, offsets, sized};

pub async fn offsets_count_from_zero_without_gaps(site: Site) {
    let log = site.open();
    assert_eq!(log.tail(ONE, 0).await, Ok(0));
    for n in 0..5 {
        let appended = log.append(ONE, items("k", ["a", "b"])).await.unwrap();
        let given: Vec<_> = appended.offsets.iter().map(|at| at.offset).collect();
        assert_eq!(given, [2 * n, 2 * n + 1]);
    }
    assert_eq!(offsets(&all(&log, ONE, 0).await), (0..10).collect::<Vec<_>>());
    assert_eq!(log.tail(ONE, 0).await, Ok(10));
    assert_eq!(log.oldest(ONE, 0).await, Ok(0));
}

pub async fn the_answer_places_each_item_in_the_order_given(site: Site) {
    let log = site.open();
    let batch: Vec<Append> =
        (0..30).map(|n| Append::new(format!("key {n}"), format!("{n}"))).collect();
    let appended = log.append(THREE, batch.clone()).await.unwrap();
    assert_eq!(appended.offsets.len(), batch.len());
    for (at, item) in appended.offsets.iter().zip(&batch) {
        let read = log.read(THREE, at.partition, at.offset, 1).await.unwrap();
        assert_eq!(read[0].payload, item.payload);
        assert_eq!(read[0].offset, at.offset);
    }
}

pub async fn topics_and_partitions_are_apart(site: Site) {
    let log = site.open();
    log.append(ONE, items("k", ["a", "b"])).await.unwrap();
    let key = key_in(&log, THREE, 1);
    log.append(THREE, items(&key, ["c"])).await.unwrap();
    assert_eq!(log.tail(ONE, 0).await, Ok(2));
    assert_eq!(log.tail(THREE, 0).await, Ok(0));
    assert_eq!(log.tail(THREE, 1).await, Ok(1));
    assert_eq!(log.tail(THREE, 2).await, Ok(0));
    assert_eq!(all(&log, THREE, 1).await[0].payload, "c");
    assert_eq!((log.partitions(ONE), log.partitions(THREE)), (1, 3));
}

pub async fn a_key_has_one_partition(site: Site) {
    let log = site.open();
    let mut used = [false; 3];
    for n in 0..20 {
        let key = format!("did:plc:{n}");
        let expected = log.partition_of(THREE, key.as_bytes());
        for _ in 0..2 {
            let appended = log.append(THREE, items(&key, ["x", "y"])).await.unwrap();
            assert!(appended.offsets.iter().all(|at| at.partition == expected));
        }
        used[expected as usize] = true;
    }
    assert_eq!(used, [true; 3]);
    // Recorded: a change here would tear apart what one key has in logs that exist.
    let partition = |key: &[u8]| log.partition_of(THREE, key);
    assert_eq!(
        ["did:plc:alice", "did:plc:bob", ""].map(|key| partition(key.as_bytes())),
        [2, 1, 0]
    );
}

pub async fn a_call_is_all_or_nothing(site: Site) {
    let log = site.open();
    let mut batch = sized("k", 3, 10);
    batch.push(Append::new("k", vec![0; PAYLOAD_BYTES_MAX + 1]));
    let refused = log.append(ONE, batch).await;
    assert!(matches!(refused, Err(LogError::PayloadTooLarge { .. })));
    assert_eq!(log.tail(ONE, 0).await, Ok(0));
    assert_eq!(all(&log, ONE, 0).await, []);
}

pub async fn an_empty_call_writes_nothing(site: Site) {
    let log = site.open();
    assert_eq!(log.append(ONE, Vec::new()).await, Ok(Appended::default()));
    assert_eq!(log.tail(ONE, 0).await, Ok(0));
    let appended = log.append(ONE, items("", [""])).await.unwrap();
    assert_eq!(appended.offsets.len(), 1, "an empty payload is an item");
}

pub async fn the_largest_payload_fits_and_one_byte_more_does_not(site: Site) {
    let log = site.open();
    log.append(ONE, sized("k", 1, PAYLOAD_BYTES_MAX)).await.unwrap();
    assert_eq!(
        log.append(ONE, sized("k", 1, PAYLOAD_BYTES_MAX + 1)).await,
        Err(LogError::PayloadTooLarge { bytes: PAYLOAD_BYTES_MAX + 1, max: PAYLOAD_BYTES_MAX })
    );
    let read = all(&log, ONE, 0).await;
    assert_eq!(read.len(), 1);
    assert_eq!(read[0].payload.len(), PAYLOAD_BYTES_MAX);
}

pub async fn a_call_over_the_queue_is_refused_at_once(mut site: Site) {
    site.config.queue_bytes_max = QUEUE_BYTES_MIN;
    site.config.group_bytes_max = QUEUE_BYTES_MIN;
    let log = site.open();
    let each = QUEUE_BYTES_MIN / 4 - ITEM_FRAME_BYTES;
    log.append(ONE, sized("k", 4, each)).await.unwrap();
    assert_eq!(
        log.append(ONE, sized("k", 5, each)).await,
        Err(LogError::BatchTooLarge { bytes: 5 * (each + ITEM_FRAME_BYTES), max: QUEUE_BYTES_MIN })
    );
    assert_eq!(log.tail(ONE, 0).await, Ok(4));
}

pub async fn producers_wait_while_the_queue_is_full(mut site: Site) {
    site.config.queue_bytes_max = QUEUE_BYTES_MIN;
    site.config.group_bytes_max = 1;
    let log = site.open();
    let queued = site.registry.gauge("millrace_log_queue_bytes", "");
    let mut waiting: FuturesUnordered<_> =
        (0..64).map(|_| log.append(ONE, sized("k", 1, 512 << 10))).collect();
    // One poll reaches all: each either got its place in the queue or waits for one.
    let _ = poll!(waiting.next());
    let bound = i64::try_from(QUEUE_BYTES_MIN).unwrap();
    assert!(queued.get() <= bound, "{} bytes queued", queued.get());
    while let Some(appended) = waiting.next().await {
        appended.unwrap();
        assert!(queued.get() <= bound, "{} bytes queued", queued.get());
    }
    assert_eq!(queued.get(), 0);
    assert_eq!(log.tail(ONE, 0).await, Ok(64));
}

pub async fn a_caller_who_goes_away_harms_nobody(site: Site) {
    let log = site.open();
    for n in 0..50 {
        let mut given_up = Box::pin(log.append(ONE, sized("k", 1, 1_000)));
        let _ = poll!(given_up.as_mut());
        drop(given_up);
        log.append(ONE, items("k", [format!("kept {n}")])).await.unwrap();
    }
    let read = all(&log, ONE, 0).await;
    assert_eq!(offsets(&read), (0..log.tail(ONE, 0).await.unwrap()).collect::<Vec<_>>());
    let kept = read.iter().filter(|item| item.payload.starts_with(b"kept"));
    assert_eq!(kept.count(), 50);
}
