//! Reading: where it begins, where it ends, and that it never lies.

use futures_util::future::join_all;
use millrace_log::{
    Append, HEADERS_BYTES_MAX, Headers, ITEM_FRAME_BYTES, LogError, READ_BYTES_MAX,
};
use millrace_runtime::supervise::spawn_detached_named;

use crate::site::{ONE, START_US, Site, THREE, all, items, offsets, sized};

pub async fn a_read_begins_where_asked(site: Site) {
    let log = site.open();
    log.append(ONE, items("k", (0..10).map(|n| format!("{n}")))).await.unwrap();
    for from in 0..10 {
        let read = log.read(ONE, 0, from, 1 << 20).await.unwrap();
        assert_eq!(offsets(&read), (from..10).collect::<Vec<_>>());
        assert_eq!(read[0].payload, format!("{from}"));
        assert_eq!(read[0].appended_us, START_US);
    }
}

pub async fn a_read_is_bounded_in_bytes_but_gives_one_item(site: Site) {
    let log = site.open();
    log.append(ONE, sized("k", 10, 1_000)).await.unwrap();
    let check = async |bytes_max, expected: usize| {
        let read = log.read(ONE, 0, 2, bytes_max).await.unwrap();
        assert_eq!(read.len(), expected, "{bytes_max} bytes");
    };
    let item = 1_000 + ITEM_FRAME_BYTES;
    check(0, 1).await;
    check(1, 1).await;
    check(item, 1).await;
    check(2 * item - 1, 1).await;
    check(2 * item, 2).await;
    check(8 * item, 8).await;
    check(usize::MAX, 8).await;

    log.append(ONE, sized("k", 10, 2 << 20)).await.unwrap();
    let read = log.read(ONE, 0, 10, usize::MAX).await.unwrap();
    assert_eq!(read.len(), READ_BYTES_MAX / ((2 << 20) + ITEM_FRAME_BYTES));
}

pub async fn at_the_tail_and_beyond_there_is_nothing(site: Site) {
    let log = site.open();
    assert_eq!(log.read(ONE, 0, 0, 1_000).await, Ok(vec![]));
    log.append(ONE, sized("k", 3, 10)).await.unwrap();
    assert_eq!(log.read(ONE, 0, 3, 1_000).await, Ok(vec![]));
    assert_eq!(log.read(ONE, 0, i64::MAX, 1_000).await, Ok(vec![]));
    assert_eq!(log.read(ONE, 0, -1, 1_000).await, Err(LogError::Truncated { oldest: 0 }));
}

pub async fn every_byte_comes_back(site: Site) {
    let log = site.open();
    let every_byte: Vec<u8> = (0..=255).collect();
    let sizes = [0, 1, 2, 3, 4_000, 8_150, 8_192, 40_000, 300_000];
    let mut given: Vec<Vec<u8>> =
        sizes.map(|bytes| every_byte.iter().copied().cycle().take(bytes).collect()).into();
    given.push(b"\0".to_vec());
    given.push("héllo \u{1f980}".as_bytes().to_vec());
    log.append(ONE, items("k", &given)).await.unwrap();
    let log = site.reopen(log).await;
    let read: Vec<Vec<u8>> =
        all(&log, ONE, 0).await.iter().map(|item| item.payload.to_vec()).collect();
    assert_eq!(read, given);
}

pub async fn headers_come_back(site: Site) {
    let log = site.open();
    let mut headers = Headers::NONE;
    headers.push("ce_id", "1").unwrap();
    headers.push("empty", "").unwrap();
    headers.push("bytes", (0..=255).collect::<Vec<u8>>()).unwrap();
    headers.push("ce_id", "again").unwrap();
    let [plain, with] = [Append::new("k", "plain"), Append::new("k", "with")];
    log.append(ONE, vec![plain, with.with_headers(headers.clone())]).await.unwrap();
    let largest = vec![7; HEADERS_BYTES_MAX - 10];
    let mut large = Headers::NONE;
    large.push("large", largest).unwrap();
    log.append(ONE, vec![Append::new("k", "").with_headers(large.clone())]).await.unwrap();
    let log = site.reopen(log).await;
    let read = all(&log, ONE, 0).await;
    let read: Vec<&Headers> = read.iter().map(|item| &item.headers).collect();
    assert_eq!(read, [&Headers::NONE, &headers, &large]);
}

pub async fn readers_see_a_growing_prefix(site: Site) {
    let log = site.open();
    let producer = spawn_detached_named("producer", {
        let log = log.clone();
        async move {
            for n in 0..100 {
                log.append(ONE, items("k", [format!("{}", 2 * n), format!("{}", 2 * n + 1)]))
                    .await
                    .unwrap();
            }
        }
    });
    let mut seen = 0;
    while seen < 200 {
        let tail = log.tail(ONE, 0).await.unwrap();
        let read = log.read(ONE, 0, 0, 1 << 20).await.unwrap();
        assert!(read.len() as i64 >= tail, "the tail covers what cannot be read");
        assert!(read.len() >= seen && read.len().is_multiple_of(2), "half of a call was seen");
        for (n, item) in read.iter().enumerate() {
            assert_eq!(item.payload, format!("{n}"));
        }
        seen = read.len();
    }
    producer.await.unwrap();
}

pub async fn many_readers_share_few_threads(mut site: Site) {
    site.config.readers = 1;
    let log = site.open();
    log.append(ONE, sized("k", 100, 1_000)).await.unwrap();
    let reads = join_all((0..300).map(|n| log.read(ONE, 0, n % 100, 1 << 20))).await;
    for (n, read) in reads.into_iter().enumerate() {
        assert_eq!(read.unwrap().len(), 100 - n % 100);
    }
}

pub async fn a_partition_that_is_not_there_is_refused(site: Site) {
    let log = site.open();
    let refusal = LogError::NoSuchPartition { topic: THREE, partition: 3, partitions: 3 };
    assert_eq!(log.read(THREE, 3, 0, 1_000).await, Err(refusal.clone()));
    assert_eq!(log.tail(THREE, 3).await, Err(refusal.clone()));
    assert_eq!(log.oldest(THREE, 3).await, Err(refusal.clone()));
    assert_eq!(log.wait(THREE, 3, 0).await, Err(refusal));
}
