//! The data-plane's tables as a command opens them for upkeep, where no server holds them.

use millrace_dataplane::rebuild::RebuildDeps;
use millrace_dataplane::schema;
use millrace_log::Log;
use millrace_runtime::clock::SystemClock;
use millrace_runtime::metrics::Registry;
use millrace_runtime::rng::Rng;
use millrace_store::{Dictionary, Domain, Store, StoreConfig};

use crate::config::Config;
use crate::failure::Failure;

/// How long a command waits for tables that are not there.
const SCHEMA_WAIT_MS: u64 = 1_000;
const DAY_US: i64 = 86_400_000_000;

/// Tables and log, opened for one command.
pub struct Opened {
    pub deps: RebuildDeps,
    own: Store,
}

/// Notifications of what is older may have been forgotten.
pub fn told_since_us(config: &Config, now_us: i64) -> i64 {
    let days = config.store.retention.notifications_days;
    days.map_or(i64::MIN, |days| now_us.saturating_sub(i64::from(days) * DAY_US))
}

impl Opened {
    /// Opens them as they are: upkeep must not migrate.
    ///
    /// # Errors
    /// They are not there, or cannot be read.
    pub async fn open(config: &Config) -> Result<Self, Failure> {
        let (clock, registry) = (SystemClock::shared(), Registry::new());
        let store = StoreConfig {
            run_migrations: false,
            schema_wait_ms: SCHEMA_WAIT_MS,
            readers: 2,
            ..config.store()
        };
        let dictionary = Dictionary::open(&store, &clock, &registry).await?;
        let own = Store::open(&store, Domain::Own, schema::OWN, &[], &clock, &registry).await?;
        let attach = [Domain::Dictionary, Domain::Own];
        let migrations = schema::DATAPLANE;
        let dataplane =
            Store::open(&store, Domain::Dataplane, migrations, &attach, &clock, &registry).await?;
        let log = Log::open(&config.log(), clock.clone(), &registry)?;
        let rng = Rng::from_entropy();
        Ok(Self {
            deps: RebuildDeps {
                store: dataplane,
                dictionary,
                log,
                config: store,
                told_since_us: told_since_us(config, clock.now_us()),
                clock,
                rng,
            },
            own,
        })
    }

    /// Closes them.
    pub async fn close(self) {
        let RebuildDeps { store, dictionary, log, .. } = self.deps;
        for store in [&store, &self.own, dictionary.store()] {
            store.close().await;
        }
        log.close().await;
    }
}
