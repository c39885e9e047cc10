//! Only of the Kafka engine: a cluster that is not there, goes away, comes back, or errs. Told with a code in
//! bounded time, and nothing that was acknowledged is lost or out of order.

use std::time::Duration;

use futures_util::future::join_all;
use futures_util::poll;
use millrace_log::{Log, LogError, QUEUE_BYTES_MIN, Topic};
use millrace_runtime::clock::Stopwatch;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr as Error};
use xtask::kafka::{Broker, Kind};

use crate::site::{ONE, Site, THREE, all, items, key_in, offsets, sized};

const PATIENCE: Duration = Duration::from_secs(120);

/// A site whose appends take a second at most, and other questions three.
fn impatient(brokers: String) -> Site {
    let mut site = Site::at(brokers);
    site.config.kafka.append_timeout_ms = 1_000;
    site.config.kafka.request_timeout_ms = 3_000;
    site
}

/// A broker that may be stopped, and a site on it.
fn with_broker<F: Future<Output = ()>>(test: impl FnOnce(Site, Broker) -> F) {
    let Some(broker) = crate::site::broker(Kind::Noida) else { return };
    let site = impatient(broker.address());
    runtime().block_on(async {
        tokio::time::timeout(PATIENCE, test(site, broker)).await.expect("in time");
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn is_unavailable<T>(answer: Result<T, LogError>) -> bool {
    answer.is_err_and(|error| {
        assert!(matches!(error, LogError::Unavailable { .. }), "{error:?}");
        assert_eq!(error.code().id, "MR-LOG-015");
        error.is_transient()
    })
}

/// Appends until the cluster takes it again.
async fn append_at_last(log: &Log, payload: &str) -> i64 {
    loop {
        match log.append(ONE, items("k", [payload])).await {
            Ok(appended) => return appended.offsets[0].offset,
            Err(error) => assert!(error.is_transient(), "{error:?}"),
        }
    }
}

#[test]
fn without_a_cluster_opening_fails_soon_and_says_why() {
    let site = impatient("127.0.0.1:1".into());
    let watch = Stopwatch::start();
    let refusal = site.try_open().err().unwrap();
    assert!(watch.elapsed() < Duration::from_secs(20), "{:?}", watch.elapsed());
    assert!(refusal.to_string().contains("127.0.0.1:1"), "{refusal}");
    assert!(refusal.to_string().contains("refused"), "{refusal}");
    assert!(is_unavailable(Err::<(), _>(refusal)));
}

#[test]
fn a_cluster_that_goes_away_is_told_and_found_again() {
    with_broker(async |site, mut broker| {
        let log = site.open();
        log.append(ONE, items("k", ["before"])).await.unwrap();
        let mut waiting = Box::pin(log.wait(ONE, 0, 1));
        assert!(poll!(waiting.as_mut()).is_pending());

        broker.stop().unwrap();
        let watch = Stopwatch::start();
        assert!(is_unavailable(log.append(ONE, items("k", ["meanwhile"])).await));
        assert!(is_unavailable(log.tail(ONE, 0).await));
        assert!(is_unavailable(log.read(ONE, 0, 1, 1_000).await));
        assert!(watch.elapsed() < Duration::from_secs(20), "{:?}", watch.elapsed());
        assert_eq!(site.registry.gauge("millrace_log_queue_bytes", "").get(), 0);

        broker.resume().unwrap();
        append_at_last(&log, "after").await;
        waiting.await.unwrap();
        let read = all(&log, ONE, 0).await;
        assert_eq!(read[0].payload, "before");
        assert_eq!(read.last().unwrap().payload, "after");
        let log = site.reopen(log).await;
        assert_eq!(all(&log, ONE, 0).await, read);
    });
}

#[test]
fn what_waits_for_a_cluster_stays_within_the_bound() {
    with_broker(async |mut site, mut broker| {
        site.config.queue_bytes_max = QUEUE_BYTES_MIN;
        site.config.group_bytes_max = QUEUE_BYTES_MIN;
        let log = site.open();
        broker.stop().unwrap();
        let queued = site.registry.gauge("millrace_log_queue_bytes", "");
        let mut calls =
            Box::pin(join_all((0..8).map(|_| log.append(ONE, sized("k", 1, 512 << 10)))));
        assert!(poll!(calls.as_mut()).is_pending());
        assert!(queued.get() <= i64::try_from(QUEUE_BYTES_MIN).unwrap(), "{} bytes", queued.get());
        assert!(calls.await.into_iter().all(is_unavailable));
        assert_eq!(queued.get(), 0);
        broker.resume().unwrap();
        append_at_last(&log, "after").await;
    });
}

#[test]
fn a_log_whose_cluster_is_away_can_be_closed() {
    with_broker(async |site, mut broker| {
        let log = site.open();
        broker.stop().unwrap();
        let mut calls =
            Box::pin(join_all((0..20).map(|_| log.append(ONE, sized("k", 1, 1 << 20)))));
        assert!(poll!(calls.as_mut()).is_pending());
        let watch = Stopwatch::start();
        log.close().await;
        assert!(watch.elapsed() < Duration::from_secs(20), "{:?}", watch.elapsed());
        for answer in calls.await {
            assert!(matches!(answer, Err(LogError::Unavailable { .. } | LogError::Closed)));
        }
    });
}

/// Three brokers that do as they are told; they make no topics and delete nothing.
struct Mock {
    cluster: MockCluster<'static, DefaultProducerContext>,
    site: Site,
}

impl Mock {
    fn new() -> Self {
        let cluster = MockCluster::new(3).unwrap();
        let mut site = Site::at(cluster.bootstrap_servers());
        site.config.kafka.request_timeout_ms = 2_000;
        let settings = site.settings();
        for topic in Topic::ALL {
            let partitions = i32::try_from(settings.partitions(topic)).unwrap();
            cluster.create_topic(&settings.kafka.topic_name(topic), partitions, 3).unwrap();
        }
        Self { cluster, site }
    }
}

#[test]
fn what_passes_is_tried_again_and_written_once() {
    runtime().block_on(async {
        let Mock { cluster, site } = Mock::new();
        let log = site.open();
        let mut expected = Vec::new();
        for error in [
            Error::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
            Error::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            Error::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
            Error::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
            Error::RD_KAFKA_RESP_ERR__TRANSPORT,
        ] {
            cluster.request_errors(RDKafkaApiKey::Produce, &[error; 2]);
            let payloads = (0..3).map(|n| format!("{error:?} {n}"));
            expected.extend(payloads.clone());
            let appended = log.append(ONE, items("k", payloads)).await.unwrap();
            assert_eq!(appended.offsets.len(), 3);
        }
        let read: Vec<_> =
            all(&log, ONE, 0).await.iter().map(|item| item.payload.clone()).collect();
        assert_eq!(read, expected);
    });
}

#[test]
fn another_leader_is_found() {
    runtime().block_on(async {
        let Mock { cluster, site } = Mock::new();
        let topic = site.settings().kafka.topic_name(THREE);
        let log = site.open();
        let key = key_in(&log, THREE, 1);
        for leader in [1, 2, 3, 1] {
            cluster.partition_leader(&topic, 1, Some(leader)).unwrap();
            let appended = log.append(THREE, items(&key, [format!("{leader}")])).await.unwrap();
            let from = appended.offsets[0].offset;
            assert_eq!(log.read(THREE, 1, from, 1_000).await.unwrap().len(), 1);
        }
        assert_eq!(offsets(&all(&log, THREE, 1).await), [0, 1, 2, 3]);
    });
}

#[test]
fn a_refusal_is_no_silence() {
    runtime().block_on(async {
        let Mock { cluster, site } = Mock::new();
        let log = site.open();
        let error = Error::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
        cluster.request_errors(RDKafkaApiKey::Produce, &[error; 4]);
        let refusal = log.append(ONE, items("k", ["x"])).await.err().unwrap();
        assert!(matches!(refusal, LogError::Refused { .. }), "{refusal:?}");
        assert_eq!(refusal.code().id, "MR-LOG-016");
        assert!(!refusal.is_transient());
        cluster.clear_request_errors(RDKafkaApiKey::Produce);
        log.append(ONE, items("k", ["y"])).await.unwrap();
        // Too large for the cluster: whoever it is says so, and the others pass.
        let error = Error::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
        cluster.request_errors(RDKafkaApiKey::Produce, &[error; 2]);
        let calls = join_all((0..5).map(|_| log.append(ONE, sized("k", 1, 100)))).await;
        let refused = calls.iter().filter(|answer| answer.is_err()).count();
        assert!(refused <= 2, "{calls:?}");
    });
}
