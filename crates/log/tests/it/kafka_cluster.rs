//! Only of the Kafka engine: other processes on the same topics, and topics that somebody else writes to or made.

use std::time::Duration;

use futures_executor::block_on;
use futures_util::poll;
use millrace_log::{ITEM_FRAME_BYTES, Log, LogError, Retention, Topic};
use millrace_runtime::clock::Stopwatch;
use millrace_runtime::supervise::spawn_detached_named;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{Offset, TopicPartitionList};
use xtask::kafka::Kind;

use crate::site::{
    Engine, ONE, Site, THREE, all, everything_below, items, key_in, offsets, run, sized,
};

const PATIENCE: Duration = Duration::from_secs(120);

/// Tries it on a cluster of its own.
pub fn on_kafka<F: Future<Output = ()>>(test: impl FnOnce(Site) -> F) {
    run("kafka_cluster", Engine::Kafka(Kind::Noida), test);
}

/// Somebody else's way to the cluster.
fn stranger(site: &Site) -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", site.settings().kafka.brokers());
    client
}

/// A topic's name in the cluster.
fn name(site: &Site, topic: Topic) -> String {
    site.settings().kafka.topic_name(topic)
}

fn make_topic(site: &Site, topic: Topic, partitions: i32, settings: &[(&str, &str)]) {
    let admin: AdminClient<DefaultClientContext> = stranger(site).create().unwrap();
    let name = name(site, topic);
    let new = NewTopic::new(&name, partitions, TopicReplication::Fixed(1));
    let new = settings.iter().fold(new, |new, (key, value)| new.set(key, value));
    let made = block_on(admin.create_topics([&new], &AdminOptions::new())).unwrap();
    assert!(made.iter().all(Result::is_ok), "{made:?}");
}

/// Appends in a transaction, which leaves an offset without an item behind it.
fn append_in_transaction(producer: &BaseProducer, topic: &str, payloads: &[&str], commit: bool) {
    producer.begin_transaction().unwrap();
    for payload in payloads {
        let record = BaseRecord::<[u8], str>::to(topic).partition(0).payload(*payload);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    let done = if commit {
        producer.commit_transaction(PATIENCE)
    } else {
        producer.abort_transaction(PATIENCE)
    };
    done.unwrap();
}

#[test]
fn what_one_process_appends_another_sees() {
    on_kafka(async |site| {
        let (here, there) = (site.open(), site.open());
        for round in 0..5 {
            let waiting = there.wait(ONE, 0, 2 * round);
            here.append(ONE, items("k", ["a", "b"])).await.unwrap();
            tokio::time::timeout(PATIENCE, waiting).await.expect("woken").unwrap();
            let read = there.read(ONE, 0, 2 * round, 1 << 20).await.unwrap();
            assert_eq!(offsets(&read), [2 * round, 2 * round + 1]);
            assert_eq!(there.tail(ONE, 0).await, Ok(2 * (round + 1)));
        }
        there.append(ONE, items("k", ["c"])).await.unwrap();
        assert_eq!(all(&here, ONE, 0).await, all(&there, ONE, 0).await);
    });
}

#[test]
fn a_call_is_seen_whole_by_another_process() {
    on_kafka(async |site| {
        const CALLS: usize = 60;
        const EACH: usize = 70;
        let (here, there) = (site.open(), site.open());
        let producer = spawn_detached_named("producer", async move {
            for call in 0..CALLS {
                let payloads = (0..EACH).map(|n| vec![0_u8; (call * 131 + n * 17) % 3_000]);
                here.append(ONE, items("k", payloads)).await.unwrap();
            }
        });
        let (mut seen, mut looks) = (0, 0);
        while seen < CALLS * EACH {
            let tail = there.tail(ONE, 0).await.unwrap() as usize;
            assert!(tail.is_multiple_of(EACH), "{tail} is within a call");
            let read = there.read(ONE, 0, seen as i64, 16 << 20).await.unwrap();
            assert!(read.len().is_multiple_of(EACH), "{} items of calls of {EACH}", read.len());
            seen += read.len();
            looks += 1;
        }
        producer.await.unwrap();
        assert!(looks > 2, "both were under way at the same time");
    });
}

#[test]
fn retention_by_another_process_is_told() {
    on_kafka(async |site| {
        let (here, there) = (site.open(), site.open());
        here.append(ONE, sized("k", 20, 100)).await.unwrap();
        assert_eq!(offsets(&there.read(ONE, 0, 5, 300).await.unwrap()), [5, 6]);
        there.retain(ONE, &everything_below([12])).await.unwrap();
        assert_eq!(here.oldest(ONE, 0).await, Ok(12));
        assert_eq!(here.read(ONE, 0, 3, 1_000).await, Err(LogError::Truncated { oldest: 12 }));
        here.append(ONE, sized("k", 1, 100)).await.unwrap();
        here.retain(ONE, &everything_below([15])).await.unwrap();
        // What was fetched before it went may still be read; who has looked knows.
        assert_eq!(there.oldest(ONE, 0).await, Ok(15));
        assert_eq!(there.read(ONE, 0, 12, 1_000).await, Err(LogError::Truncated { oldest: 15 }));
        assert_eq!(offsets(&all(&there, ONE, 0).await), (15..21).collect::<Vec<_>>());
    });
}

#[test]
fn what_others_append_and_remove_counts_for_the_bound() {
    on_kafka(async |mut site| {
        let there = site.open();
        site.config.disk_bytes_max = Some(1 << 20);
        let here = site.open();
        here.append(ONE, sized("k", 1, 100_000)).await.unwrap();
        there.append(THREE, sized("k", 10, 100_000)).await.unwrap();
        let full = refusal_in_the_end(&here).await;
        assert!(matches!(full, LogError::DiskFull { .. }), "{full:?}");
        there.retain(THREE, &everything_below([10; 3])).await.unwrap();
        there.retain(ONE, &everything_below([i64::MAX])).await.unwrap();
        here.append(ONE, sized("k", 8, 100_000)).await.unwrap();
        let full = here.append(ONE, sized("k", 3, 100_000)).await;
        assert!(matches!(full, Err(LogError::DiskFull { .. })), "{full:?}");
    });
}

/// What others append is counted now and then.
async fn refusal_in_the_end(log: &Log) -> LogError {
    let watch = Stopwatch::start();
    while watch.elapsed() < PATIENCE {
        if let Err(error) = log.append(ONE, sized("k", 1, 1)).await {
            return error;
        }
    }
    panic!("no refusal within {PATIENCE:?}");
}

/// The committed offset and its metadata.
fn kept_count(site: &Site) -> (Offset, String) {
    let group = format!("{}millrace", site.settings().kafka.topic_prefix);
    let consumer: BaseConsumer = stranger(site).set("group.id", group).create().unwrap();
    let mut place = TopicPartitionList::new();
    place.add_partition(&name(site, ONE), 0);
    let kept = consumer.committed_offsets(place, PATIENCE).unwrap();
    let kept = &kept.elements()[0];
    (kept.offset(), kept.metadata().to_owned())
}

#[test]
fn the_count_of_bytes_survives_a_restart() {
    on_kafka(async |site| {
        let item = 100 + ITEM_FRAME_BYTES as u64;
        let by_size = |items| Retention {
            age_us: None,
            bytes_max: Some(items * item),
            floors: vec![i64::MAX],
        };
        let log = site.open();
        log.append(ONE, sized("k", 30, 100)).await.unwrap();
        log.retain(ONE, &by_size(20)).await.unwrap();
        assert_eq!(kept_count(&site), (Offset::Offset(30), format!("v1 10 {}", 20 * item)));
        let log = site.reopen(log).await;
        log.append(ONE, sized("k", 5, 100)).await.unwrap();
        assert_eq!(log.retain(ONE, &by_size(10)).await.unwrap().items, 15);
        assert_eq!(kept_count(&site), (Offset::Offset(35), format!("v1 25 {}", 10 * item)));
    });
}

#[test]
fn kafka_s_own_producers_put_a_key_where_we_do() {
    on_kafka(async |site| {
        let log = site.open();
        let mut client = stranger(&site);
        let producer: BaseProducer = client.set("partitioner", "murmur2_random").create().unwrap();
        let topic = name(&site, THREE);
        let keys: Vec<String> = (0..60).map(|n| format!("did:plc:{}{n}", "x".repeat(n))).collect();
        for key in &keys {
            let record = BaseRecord::to(&topic).key(key).payload(key);
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(PATIENCE).unwrap();
        let mut found = 0;
        for partition in 0..3 {
            for item in all(&log, THREE, partition).await {
                assert_eq!(log.partition_of(THREE, &item.payload), partition, "{:?}", item.payload);
                found += 1;
            }
        }
        assert_eq!(found, keys.len());
    });
}

#[test]
fn records_that_nobody_here_would_write_are_read() {
    on_kafka(async |site| {
        let log = site.open();
        let producer: BaseProducer = stranger(&site).create().unwrap();
        let topic = name(&site, ONE);
        let send = |record: BaseRecord<'_, [u8], [u8]>| {
            producer.send(record).map_err(|(error, _)| error).unwrap();
        };
        send(BaseRecord::to(&topic).partition(0));
        send(BaseRecord::to(&topic).partition(0).key(b"k".as_slice()).timestamp(i64::MAX));
        send(BaseRecord::to(&topic).partition(0).payload(b"p".as_slice()).timestamp(1));
        producer.flush(PATIENCE).unwrap();
        let read = all(&log, ONE, 0).await;
        assert_eq!(offsets(&read), [0, 1, 2]);
        assert!(read[0].payload.is_empty() && read[1].payload.is_empty());
        assert_eq!((read[2].payload.as_ref(), read[2].appended_us), (b"p".as_slice(), 1_000));
        let log = site.reopen(log).await;
        log.append(ONE, items("k", ["ours"])).await.unwrap();
        assert_eq!(all(&log, ONE, 0).await.len(), 4);
    });
}

#[test]
fn offsets_without_items_are_passed_over() {
    on_kafka(async |site| {
        let log = site.open();
        let mut client = stranger(&site);
        let id = format!("{}stranger", site.settings().kafka.topic_prefix);
        let producer: BaseProducer = client.set("transactional.id", id).create().unwrap();
        producer.init_transactions(PATIENCE).unwrap();
        let topic = name(&site, ONE);
        append_in_transaction(&producer, &topic, &["a", "b"], true);
        append_in_transaction(&producer, &topic, &["never", "seen"], false);
        // 0 and 1, a mark, 3 and 4 taken back, a mark.
        let appended = log.append(ONE, items("k", ["c"])).await.unwrap();
        assert_eq!(appended.offsets[0].offset, 6);
        for (from, expected) in [(0, vec![0, 1, 6]), (1, vec![1, 6]), (2, vec![6]), (4, vec![6])] {
            assert_eq!(offsets(&log.read(ONE, 0, from, 1_000).await.unwrap()), expected, "{from}");
        }
        append_in_transaction(&producer, &topic, &["never", "seen"], false);
        nothing_is_found_and_nobody_woken(&log, 7, 10).await;
        let appended = log.append(ONE, items("k", ["d"])).await.unwrap();
        assert_eq!(appended.offsets[0].offset, 10);
        log.wait(ONE, 0, 7).await.unwrap();
        assert_eq!(offsets(&log.read(ONE, 0, 7, 1_000).await.unwrap()), [10]);

        let removed = log.retain(ONE, &everything_below([10])).await.unwrap();
        assert_eq!(removed.items, 3);
        assert_eq!(offsets(&all(&log, ONE, 0).await), [10]);
        let log = site.reopen(log).await;
        assert_eq!(log.tail(ONE, 0).await, Ok(11));
        assert_eq!(log.read(ONE, 0, 0, 1).await, Err(LogError::Truncated { oldest: 7 }));
    });
}

/// A consumer at `from` must not be told again and again that there is something to read.
async fn nothing_is_found_and_nobody_woken(log: &Log, from: i64, tail: i64) {
    assert_eq!(log.tail(ONE, 0).await, Ok(tail));
    for from in from..tail {
        assert_eq!(log.read(ONE, 0, from, 1_000).await, Ok(vec![]));
        assert!(poll!(Box::pin(log.wait(ONE, 0, from))).is_pending(), "{from}");
    }
}

#[test]
fn a_topic_of_many_partitions_is_one_log() {
    on_kafka(async |mut site| {
        site.config.network_entries_partitions = 24;
        let log = site.open();
        for partition in 0..24 {
            let key = key_in(&log, ONE, partition);
            log.append(ONE, items(&key, ["x", "y"])).await.unwrap();
        }
        let log = site.reopen(log).await;
        for partition in 0..24 {
            assert_eq!(offsets(&all(&log, ONE, partition).await), [0, 1]);
        }
    });
}

#[test]
fn a_compacted_topic_is_refused() {
    on_kafka(async |site| {
        make_topic(&site, ONE, 1, &[("cleanup.policy", "compact")]);
        let refusal = site.try_open().err().unwrap();
        assert!(matches!(refusal, LogError::TopicUnfit { .. }), "{refusal:?}");
        assert_eq!(refusal.code().id, "MR-LOG-017");
        assert!(!refusal.is_transient());
    });
}

#[test]
fn topics_made_by_an_operator_are_taken() {
    on_kafka(async |site| {
        make_topic(
            &site,
            ONE,
            1,
            &[("retention.ms", "604800000"), ("max.message.bytes", "1048588")],
        );
        make_topic(&site, THREE, 3, &[]);
        let log = site.open();
        log.append(ONE, sized("k", 10, 100)).await.unwrap();
        assert_eq!(all(&log, ONE, 0).await.len(), 10);
    });
}
