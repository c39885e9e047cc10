//! Where a promise is tried: an engine, a folder or topics of its own, a clock that stands still, a configuration.
//!
//! Kafka is a broker of the test's own, or the cluster that MILLRACE_TEST_KAFKA_BROKERS names, on which topics may be
//! made. A site's topics are named after its folder, so that whoever is told the folder finds them.

use std::sync::Arc;
use std::time::Duration;

use millrace_log::{Append, Item, Log, LogConfig, LogEngine, LogError, Retention, Topic};
use millrace_runtime::clock::ManualClock;
use millrace_runtime::metrics::Registry;
use tempfile::TempDir;
use xtask::kafka::{Broker, Kind};

/// The topic with one partition.
pub const ONE: Topic = Topic::NetworkEntries;
/// The topic with three partitions.
pub const THREE: Topic = Topic::DataplaneChanges;
/// When every test begins.
pub const START_US: i64 = 1_767_225_600_000_000;
/// Brokers to use instead of one's own.
pub const BROKERS: &str = "MILLRACE_TEST_KAFKA_BROKERS";
/// Longest a promise may take.
const DEADLINE: Duration = Duration::from_secs(120);

/// An engine, and what it runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    #[cfg_attr(not(feature = "kafka"), expect(dead_code, reason = "the engine is not built"))]
    Kafka(Kind),
}

impl Engine {
    pub const fn kind(self) -> LogEngine {
        match self {
            Self::Sqlite => LogEngine::Sqlite,
            Self::Kafka(_) => LogEngine::Kafka,
        }
    }
}

pub struct Site {
    pub engine_name: &'static str,
    pub engine: Engine,
    pub folder: TempDir,
    pub config: LogConfig,
    pub clock: ManualClock,
    pub registry: Registry,
    broker: Option<Arc<Broker>>,
}

/// Tries one promise on one engine.
pub fn run<F: Future<Output = ()>>(
    engine_name: &'static str,
    engine: Engine,
    promise: impl FnOnce(Site) -> F,
) {
    let Some(site) = Site::on(engine_name, engine) else { return };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let kept = tokio::time::timeout(DEADLINE, promise(site)).await;
        assert!(kept.is_ok(), "not done after {DEADLINE:?}");
    });
}

/// A broker of one's own. None, with a word, where there is none; continuous integration does not accept that.
pub fn broker(kind: Kind) -> Option<Broker> {
    let root = xtask::shell::workspace_root().unwrap();
    if kind.program(&root).is_none() {
        eprintln!("skipped: no broker {kind:?} here (`cargo xtask setup` installs it)");
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "a broker must be here");
        return None;
    }
    Some(Broker::start(&root, kind, &std::env::temp_dir()).unwrap())
}

impl Site {
    /// A site on SQLite.
    pub fn sqlite() -> Self {
        Self::with("sqlite", Engine::Sqlite, None, None)
    }

    /// A site on these brokers.
    #[cfg(feature = "kafka")]
    pub fn at(brokers: String) -> Self {
        Self::with("kafka", Engine::Kafka(Kind::Noida), Some(brokers), None)
    }

    /// A site on an engine that may not be here.
    pub fn on(engine_name: &'static str, engine: Engine) -> Option<Self> {
        let brokers = std::env::var(BROKERS).ok();
        match engine {
            Engine::Kafka(kind) if brokers.is_none() => {
                let broker = Arc::new(broker(kind)?);
                Some(Self::with(engine_name, engine, Some(broker.address()), Some(broker)))
            }
            _ => Some(Self::with(engine_name, engine, brokers, None)),
        }
    }

    /// An empty site of the same kind, on the same broker.
    pub fn another(&self) -> Self {
        let brokers = self.config.kafka.brokers.clone();
        Self::with(self.engine_name, self.engine, brokers, self.broker.clone())
    }

    fn with(
        engine_name: &'static str,
        engine: Engine,
        brokers: Option<String>,
        broker: Option<Arc<Broker>>,
    ) -> Self {
        let folder = TempDir::new().unwrap();
        let mut config = LogConfig {
            engine: engine.kind(),
            network_entries_partitions: 1,
            dataplane_changes_partitions: 3,
            readers: 2,
            ..LogConfig::in_dir(folder.path())
        };
        config.kafka.brokers = brokers;
        Self {
            engine_name,
            engine,
            folder,
            config,
            clock: ManualClock::at(START_US),
            registry: Registry::new(),
            broker,
        }
    }

    pub fn try_open(&self) -> Result<Log, LogError> {
        Log::open(&self.settings(), self.clock.shared(), &self.registry)
    }

    /// The configuration, with the topics that belong to its folder.
    pub fn settings(&self) -> LogConfig {
        let mut config = self.config.clone();
        let folder = config.dir().file_name().unwrap().to_string_lossy().replace('.', "");
        config.kafka.topic_prefix = format!("millrace-test-{folder}.");
        config
    }

    pub fn open(&self) -> Log {
        self.try_open().unwrap()
    }

    pub async fn reopen(&self, log: Log) -> Log {
        log.close().await;
        drop(log);
        self.open()
    }

    /// How many random cases are worth their time: a producer takes half a second to get its number from a cluster.
    pub fn cases(&self) -> u32 {
        match self.engine {
            Engine::Sqlite => 40,
            Engine::Kafka(_) => 12,
        }
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
