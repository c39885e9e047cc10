//! The program under test on one store, following a made-up network.

use std::path::Path;

use anyhow::Result;
use millrace_runtime::rng::Rng;
use millrace_sim::Network;
use tempfile::TempDir;

use crate::millrace::{ADMIN_PASSWORD, Engine, Millrace, Ports, Split};
use crate::postgres::Database;

/// Who the AppView is. It signs nothing here, so nobody has to find it.
pub const SERVICE_DID: &str = "did:web:appview.sim.test";

/// A running program, its data, and its own chance.
pub struct Program {
    pub store: &'static str,
    pub millrace: Millrace,
    pub rng: Rng,
    // Last: gone when the process is.
    database: Option<Database>,
    dir: TempDir,
}

/// The stores that there are: PostgreSQL only where a server was started for the tests.
pub fn stores() -> Vec<&'static str> {
    let postgres = postgres_server().map(|_| "postgres");
    std::iter::once("sqlite").chain(postgres).collect()
}

fn postgres_server() -> Option<String> {
    std::env::var("MILLRACE_TEST_POSTGRES_URL").ok()
}

impl Program {
    /// Starts it on a store of [`stores`].
    pub async fn start(store: &'static str, network: &Network, rng: Rng) -> Result<Self> {
        let mut program = Self::prepared(store, Split::Local, network, rng).await?;
        program.millrace.launch().await?;
        program.millrace.ready().await?;
        Ok(program)
    }

    /// Its folder, database and configuration; nothing runs yet.
    pub async fn prepared(
        store: &'static str,
        split: Split,
        network: &Network,
        rng: Rng,
    ) -> Result<Self> {
        let mut dir = tempfile::Builder::new().prefix("millrace-oracle-").tempdir()?;
        // The data of one whose answers were wrong stays, for whoever asks for it.
        dir.disable_cleanup(std::env::var_os("MILLRACE_ORACLE_KEEP").is_some());
        let database = match postgres_server().filter(|_| store == "postgres") {
            Some(server) => Some(Database::create(&server).await?),
            None => None,
        };
        let engine = match &database {
            Some(database) => Engine::Postgres(database.url().to_owned()),
            None => Engine::Sqlite,
        };
        let ports = Ports::reserve()?;
        let configuration = configuration(&engine, ports, network, &rng);
        let millrace = Millrace::prepared(split, ports, &configuration, dir.path())?;
        Ok(Self { store, millrace, rng, database, dir })
    }

    /// Ends it in good order.
    pub async fn end(mut self, was_right: bool) -> Result<()> {
        self.millrace.end().await?;
        if was_right {
            self.dir.disable_cleanup(false);
        }
        Ok(())
    }

    /// Power loss, and a new start on the data that is left.
    pub async fn kill(&mut self) -> Result<()> {
        self.millrace.kill9().await?;
        self.forget_leases().await?;
        self.millrace.launch().await
    }

    /// What a killed process held need not run out first.
    pub async fn forget_leases(&self) -> Result<()> {
        match &self.database {
            Some(database) => database.expire_leases().await,
            None => Ok(()),
        }
    }

    /// Where its data and what it prints are.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}

/// Waits are short, so that a seed is; how much is applied together is left to chance.
fn configuration(engine: &Engine, ports: Ports, network: &Network, rng: &Rng) -> String {
    const BATCHES: [u32; 4] = [1, 7, 100, 1_000];
    let store = match engine {
        Engine::Sqlite => "engine = \"sqlite\"".to_owned(),
        Engine::Postgres(url) => format!("engine = \"postgres\"\npostgres_url = \"{url}\""),
    };
    let batch = BATCHES[usize::try_from(rng.below(BATCHES.len() as u64)).unwrap_or(0)];
    let Ports { appview, internal, metrics } = ports;
    let (plc, pds, relay) = (network.plc_url(), network.pds_url(), network.relay_url());
    let labelers = network.labelers();
    format!(
        r#"
[store]
{store}

[network]
allow_loopback = true
plc_url = "{plc}"
handle_resolver_url = "{pds}"

[ingest]
backfill = "all"

[[ingest.sources]]
name = "relay"
kind = "relay"
url = "{relay}"
cursor = 0

[ingest.labelers]
dids = {labelers:?}
recheck_ms = 100

[ingest.connection]
backoff_first_ms = 20
backoff_max_ms = 200

[ingest.resync]
backoff_first_ms = 50
backoff_max_ms = 500
poll_ms = 50
list_repos_pause_ms = 20

[ingest.identity]
backoff_first_ms = 50
backoff_max_ms = 500
refresh_pause_ms = 50
refresh_min_ms = 200
status_check_min_ms = 100
handle_retry_ms = 500
poll_ms = 50

[dataplane]
listen = "127.0.0.1:{internal}"
url = "http://127.0.0.1:{internal}"
batch_entries_max = {batch}

[appview]
listen = "127.0.0.1:{appview}"
metrics_listen = "127.0.0.1:{metrics}"
service_did = "{SERVICE_DID}"
public_url = "http://localhost:{appview}"
admin_password = "{ADMIN_PASSWORD}"
trusted_labelers = {labelers:?}

[appview.limits]
account_requests_max = 0
"#,
    )
}
