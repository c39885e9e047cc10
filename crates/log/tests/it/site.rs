//! Where a promise is tried: a folder or topics of its own, a clock that stands still, a configuration, an engine.
//!
//! Kafka runs where MILLRACE_TEST_KAFKA_BROKERS names brokers on which tests may make topics (`make test` does). The
//! topics are named after the site's folder, so that whoever is told the folder finds them.

use std::time::Duration;

use millrace_log::{Append, Item, Log, LogConfig, LogEngine, LogError, Retention, Topic};
use millrace_runtime::clock::ManualClock;
use millrace_runtime::metrics::Registry;
use tempfile::TempDir;

/// The topic with one partition.
pub const ONE: Topic = Topic::NetworkEntries;
/// The topic with three partitions.
pub const THREE: Topic = Topic::DataplaneChanges;
/// When every test begins.
pub const START_US: i64 = 1_767_225_600_000_000;
/// Brokers on which tests may make topics.
pub const BROKERS: &str = "MILLRACE_TEST_KAFKA_BROKERS";
/// Longest a promise may take.
const DEADLINE: Duration = Duration::from_secs(120);

pub struct Site {
    pub engine_name: &'static str,
    pub folder: TempDir,
    pub config: LogConfig,
    pub clock: ManualClock,
    pub registry: Registry,
}

/// Tries one promise on one engine.
pub fn run<F: Future<Output = ()>>(
    engine_name: &'static str,
    engine: LogEngine,
    promise: impl FnOnce(Site) -> F,
) {
    if !is_here(engine) {
        return;
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let kept = tokio::time::timeout(DEADLINE, promise(Site::new(engine_name, engine))).await;
        assert!(kept.is_ok(), "not done after {DEADLINE:?}");
    });
}

/// Whether the engine can be tried here; a word where it cannot, which continuous integration does not accept.
fn is_here(engine: LogEngine) -> bool {
    let here = engine == LogEngine::Sqlite || std::env::var_os(BROKERS).is_some();
    if !here {
        eprintln!("skipped: {BROKERS} is not set (`make test` sets it)");
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{BROKERS} must be set");
    }
    here
}

impl Site {
    pub fn new(engine_name: &'static str, engine: LogEngine) -> Self {
        let folder = TempDir::new().unwrap();
        let config = LogConfig {
            engine,
            network_entries_partitions: 1,
            dataplane_changes_partitions: 3,
            readers: 2,
            ..LogConfig::in_dir(folder.path())
        };
        Self {
            engine_name,
            folder,
            config,
            clock: ManualClock::at(START_US),
            registry: Registry::new(),
        }
    }

    pub fn try_open(&self) -> Result<Log, LogError> {
        Log::open(&self.settings(), self.clock.shared(), &self.registry)
    }

    /// The configuration, with the topics' prefix that belongs to its folder.
    pub fn settings(&self) -> LogConfig {
        let mut config = self.config.clone();
        let folder = config.dir().file_name().unwrap().to_string_lossy().replace('.', "");
        config.kafka.topic_prefix = format!("millrace-test-{folder}.");
        config.kafka.brokers = std::env::var(BROKERS).ok().or(config.kafka.brokers);
        config
    }

    pub fn open(&self) -> Log {
        self.try_open().unwrap()
    }

    /// How many random cases are worth their time: a producer takes half a second to get its number from a cluster.
    pub fn cases(&self) -> u32 {
        match self.config.engine {
            LogEngine::Sqlite => 40,
            LogEngine::Kafka => 12,
        }
    }

    pub async fn reopen(&self, log: Log) -> Log {
        log.close().await;
        drop(log);
        self.open()
    }
}

/// Items of one key, one for each payload.
pub fn items<P: AsRef<[u8]>>(key: &str, payloads: impl IntoIterator<Item = P>) -> Vec<Append> {
    payloads.into_iter().map(|payload| Append::new(key, payload.as_ref().to_vec())).collect()
}

/// `count` items of one key with `bytes` each.
pub fn sized(key: &str, count: usize, bytes: usize) -> Vec<Append> {
    items(key, (0..count).map(|n| vec![n as u8; bytes]))
}

/// A key that lies in that partition.
pub fn key_in(log: &Log, topic: Topic, partition: u32) -> String {
    (0..)
        .map(|n| format!("did:plc:{n}"))
        .find(|key| log.partition_of(topic, key.as_bytes()) == partition)
        .unwrap()
}

/// Everything a partition holds, read in small bites.
pub async fn all(log: &Log, topic: Topic, partition: u32) -> Vec<Item> {
    let mut from = log.oldest(topic, partition).await.unwrap();
    let mut all = Vec::new();
    loop {
        let items = log.read(topic, partition, from, 64 << 10).await.unwrap();
        let Some(last) = items.last() else { return all };
        from = last.offset + 1;
        all.extend(items);
    }
}

pub fn offsets(items: &[Item]) -> Vec<i64> {
    items.iter().map(|item| item.offset).collect()
}

/// Retention that would remove everything below the floors.
pub fn everything_below(floors: impl Into<Vec<i64>>) -> Retention {
    Retention { age_us: None, bytes_max: Some(0), floors: floors.into() }
}
