//! What a promise is tested in: an engine with a folder or database of its own, a clock moved by
//! hand, and a log.

use std::sync::Arc;
use std::time::Duration;

use millrace_log::{Log, LogConfig};
use millrace_runtime::clock::{ManualClock, SharedClock};
use millrace_runtime::metrics::Registry;
use millrace_runtime::rng::Rng;
use millrace_store::{Dictionary, Domain, EngineKind, Migration, Store, StoreConfig, StoreError};

/// Names the server on which each test makes a database.
pub const POSTGRES_URL: &str = "MILLRACE_TEST_POSTGRES_URL";

/// Where every test's clock begins.
pub const START_US: i64 = 1_750_000_000_000_000;

/// Longest time a condition may take to come true.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct World {
    pub config: StoreConfig,
    pub manual: ManualClock,
    pub clock: SharedClock,
    pub registry: Registry,
    pub rng: Rng,
    pub dir: tempfile::TempDir,
    _database: Option<Database>,
}

/// Whether tests can run on `engine` here; says so once where not.
pub fn available(engine: EngineKind) -> bool {
    if engine == EngineKind::Sqlite || std::env::var_os(POSTGRES_URL).is_some() {
        return true;
    }
    let ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!ci, "{POSTGRES_URL} must be set in CI");
    false
}

/// Runs one promise on one engine.
pub fn run<F: Future<Output = ()>>(
    engine: EngineKind,
    name: &str,
    promise: impl FnOnce(Arc<World>) -> F,
) {
    if !available(engine) {
        eprintln!("skipped on PostgreSQL ({POSTGRES_URL} is not set): {name}");
        return;
    }
    let world = Arc::new(World::new(engine));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(promise(Arc::clone(&world)));
    drop(runtime);
    drop(world);
}

impl World {
    pub fn new(engine: EngineKind) -> World {
        let dir = tempfile::tempdir().unwrap();
        let (mut config, database) = match engine {
            EngineKind::Sqlite => (StoreConfig::in_dir(dir.path().join("store")), None),
            EngineKind::Postgres => {
                let database = Database::create();
                (StoreConfig::at_postgres(database.url.as_str()), Some(database))
            }
        };
        config.readers = 2;
        config.postgres_writers = 3;
        let manual = ManualClock::at(START_US);
        World {
            config,
            clock: manual.shared(),
            manual,
            registry: Registry::new(),
            rng: Rng::seeded(7),
            dir,
            _database: database,
        }
    }

    /// The toy domain.
    pub async fn store(&self) -> Store {
        self.open(Domain::Dataplane, crate::toy::MIGRATIONS, &[]).await.unwrap()
    }

    pub async fn open(
        &self,
        domain: Domain,
        migrations: &'static [Migration],
        attach: &[Domain],
    ) -> Result<Store, StoreError> {
        Store::open(&self.config, domain, migrations, attach, &self.clock, &self.registry).await
    }

    pub async fn dictionary(&self) -> Dictionary {
        Dictionary::open(&self.config, &self.clock, &self.registry).await.unwrap()
    }

    pub fn log(&self) -> Log {
        self.log_in(self.dir.path())
    }

    pub fn log_in(&self, dir: &std::path::Path) -> Log {
        let config = LogConfig::in_dir(dir.join("log"));
        Log::open(&config, self.clock.clone(), &self.registry).unwrap()
    }

    /// The value of a metric's line that begins with `name` and contains each of `labels`.
    pub fn metric(&self, name: &str, labels: &[&str]) -> Option<f64> {
        self.registry
            .encode()
            .lines()
            .find(|line| line.starts_with(name) && labels.iter().all(|label| line.contains(label)))
            .and_then(|line| line.rsplit(' ').next()?.parse().ok())
    }
}

/// Waits until `check` gives something.
pub async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut check: impl FnMut() -> F,
) -> T {
    let looking = async {
        loop {
            if let Some(found) = check().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, looking).await;
    found.unwrap_or_else(|_| panic!("did not happen within {PATIENCE:?}: {what}"))
}

/// A database that lives as long as its test. Its locale sorts unlike bytes do, so that what the
/// store promises about order is tested where it is hardest.
struct Database {
    server: String,
    name: String,
    url: String,
}

impl Database {
    fn create() -> Database {
        let server = std::env::var(POSTGRES_URL).unwrap();
        let name = format!("millrace_test_{:016x}", Rng::from_entropy().next_u64());
        let mut url = url::Url::parse(&server).unwrap();
        url.set_path(&name);
        on_server(
            &server,
            &format!(
                "CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
            ),
        );
        Database { server, name, url: url.into() }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        on_server(&self.server, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

/// Runs one statement as the server's owner; its own thread, because the client brings a runtime.
pub fn on_server(url: &str, sql: &str) {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = ::postgres::Client::connect(url, ::postgres::NoTls).unwrap();
            client.batch_execute(sql).unwrap();
        });
    });
}
