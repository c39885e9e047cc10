//! Ingest as a process runs it, in a folder of its own, with every pause made short.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use millrace_atproto::Did;
use millrace_atproto::entry::{Entry, EntryBody};
use millrace_ingest::{
    AccountState, Client, ConnectionConfig, IdentityConfig, Ingest, IngestConfig, IngestDeps,
    MIGRATIONS, ResyncConfig, SourceConfig, SourceKind, SourceStatus,
};
use millrace_log::{Log, LogConfig, Topic};
use millrace_net::{HttpClient, HttpConfig, PdsClient, Resolver, ResolverConfig};
use millrace_runtime::clock::{ManualClock, SharedClock, SystemClock};
use millrace_runtime::metrics::Registry;
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::{Supervisor, TaskSet};
use millrace_store::{Domain, Store, StoreConfig, StoreError};

use crate::stage::Stage;

/// Longest wait for anything that must happen.
const DEADLINE: Duration = Duration::from_secs(120);

pub struct Bed {
    pub log: Log,
    pub store: Store,
    pub client: Client,
    pub registry: Registry,
    supervisor: Supervisor,
}

/// A configuration for tests: one relay from its oldest event, pauses of milliseconds.
pub fn config(stage: &Stage) -> IngestConfig {
    IngestConfig {
        sources: vec![SourceConfig {
            name: "relay".to_owned(),
            kind: SourceKind::Relay,
            url: stage.socket(),
            cursor: Some(0),
            ..SourceConfig::default()
        }],
        verify_threads: 2,
        checkpoint_ms: 5,
        connection: ConnectionConfig {
            backoff_first_ms: 5,
            backoff_max_ms: 50,
            ..ConnectionConfig::default()
        },
        resync: ResyncConfig {
            backoff_first_ms: 5,
            backoff_max_ms: 50,
            poll_ms: 10,
            list_repos_pause_ms: 1,
            ..ResyncConfig::default()
        },
        identity: IdentityConfig {
            backoff_first_ms: 5,
            backoff_max_ms: 50,
            refresh_pause_ms: 0,
            refresh_min_ms: 0,
            poll_ms: 10,
            ..IdentityConfig::default()
        },
        ..IngestConfig::default()
    }
}

/// What the tables hold now that nothing runs. With [`put_back`] it is as if a crash had come before
/// anything later was saved, while the log has it.
pub fn tables(dir: &Path) -> Vec<u8> {
    std::fs::read(dir.join(TABLES)).unwrap()
}

/// Puts tables back as they were.
pub fn put_back(dir: &Path, tables: &[u8]) {
    for gone in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(dir.join(format!("{TABLES}{gone}")));
    }
    std::fs::write(dir.join(TABLES), tables).unwrap();
}

const TABLES: &str = "ingest.db";

impl Bed {
    pub async fn start(stage: &Stage, dir: &Path, config: IngestConfig) -> Self {
        Self::start_at(&format!("{}/plc", stage.origin()), &stage.origin(), dir, config).await
    }

    /// With these addresses of the directory and of whoever resolves handles.
    pub async fn start_at(plc: &str, handles: &str, dir: &Path, config: IngestConfig) -> Self {
        Self::start_with_log(plc, handles, dir, config, LogConfig::default()).await
    }

    /// With bounds of the log.
    pub async fn start_with_log(
        plc: &str,
        handles: &str,
        dir: &Path,
        config: IngestConfig,
        log_config: LogConfig,
    ) -> Self {
        Self::build(plc, handles, dir, config, log_config, SystemClock::shared()).await
    }

    /// With a clock that is moved by hand. What waits for the clock waits until then.
    pub async fn start_with_clock(
        stage: &Stage,
        dir: &Path,
        config: IngestConfig,
        clock: &ManualClock,
    ) -> Self {
        let (plc, log_config) = (format!("{}/plc", stage.origin()), LogConfig::default());
        Self::build(&plc, &stage.origin(), dir, config, log_config, clock.shared()).await
    }

    async fn build(
        plc: &str,
        handles: &str,
        dir: &Path,
        config: IngestConfig,
        log_config: LogConfig,
        clock: SharedClock,
    ) -> Self {
        let registry = Registry::new();
        let log_config = LogConfig { dir: Some(dir.to_owned()), ..log_config };
        let log = Log::open(&log_config, Arc::clone(&clock), &registry).unwrap();
        let store_config = store_config(dir);
        let store = Store::open(&store_config, Domain::Ingest, MIGRATIONS, &[], &clock, &registry)
            .await
            .unwrap();
        let http_config = HttpConfig {
            allow_loopback: true,
            per_host_requests_per_second: 0.0,
            per_host_concurrency_max: 64,
            ..HttpConfig::default()
        };
        let http = HttpClient::new(&http_config, Arc::clone(&clock), &registry).unwrap();
        let resolver_config = ResolverConfig {
            plc_url: plc.to_owned(),
            handle_resolver_url: Some(handles.to_owned()),
            timeout_ms: 2_000,
            error_ttl_s: 0,
            refresh_interval_ms: 0,
            ..ResolverConfig::default()
        };
        let resolver =
            Resolver::new(http.clone(), resolver_config, Arc::clone(&clock), &registry).unwrap();
        let supervisor = Supervisor::with_rng(&registry, Rng::seeded(1));
        let deps = IngestDeps {
            ahead: None,
            log: log.clone(),
            store: store.clone(),
            resolver,
            pds: PdsClient::new(http),
            clock,
            rng: Rng::seeded(2),
            config,
            registry: registry.clone(),
        };
        let client = Ingest::start(deps, &supervisor).unwrap();
        Self { log, store, client, registry, supervisor }
    }

    /// As SIGTERM does, files closed.
    pub async fn stop(self) {
        self.supervisor.shutdown();
        self.supervisor.join(Duration::from_secs(15)).await.unwrap();
        self.log.close().await;
        self.store.close().await;
    }

    /// Every entry of the log. Entries of one account are in their order.
    pub async fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        for partition in 0..self.log.partitions(Topic::NetworkEntries) {
            let mut from = 0;
            loop {
                let items =
                    self.log.read(Topic::NetworkEntries, partition, from, 8 << 20).await.unwrap();
                let Some(last) = items.last() else { break };
                from = last.offset + 1;
                entries.extend(items.iter().map(|item| Entry::decode(&item.payload).unwrap()));
            }
        }
        entries
    }

    /// What the log says about an account's repository and status, in short words.
    pub async fn story(&self, did: &Did) -> Vec<String> {
        self.entries()
            .await
            .iter()
            .filter(|entry| entry.header.did == *did)
            .filter_map(told)
            .collect()
    }

    /// Waits until the story is this one.
    pub async fn until_story(&self, did: &Did, expected: &[&str]) {
        eventually(async || {
            let story = self.story(did).await;
            if story == expected {
                Ok(())
            } else {
                Err(format!("{did}: {story:?}, expected {expected:?}"))
            }
        })
        .await;
    }

    pub async fn status(&self) -> SourceStatus {
        self.status_of(0).await
    }

    pub async fn status_of(&self, source: usize) -> SourceStatus {
        self.client.list_sources().await.unwrap().remove(source)
    }

    /// Waits until a source's saved cursor is this one.
    pub async fn until_cursor_of(&self, source: usize, seq: i64) {
        self.until_status_of(source, |status| status.cursor == Some(seq)).await;
    }

    /// Waits until a source is as wanted.
    pub async fn until_status_of(
        &self,
        source: usize,
        wanted: impl Fn(&SourceStatus) -> bool,
    ) -> SourceStatus {
        eventually(async || {
            let status = self.status_of(source).await;
            if wanted(&status) { Ok(status) } else { Err(format!("{status:?}")) }
        })
        .await
    }

    /// The sources that entries about an account's repository name, in their order.
    pub async fn sources_of(&self, did: &Did) -> Vec<String> {
        let entries = self.entries().await;
        let of_repo = entries.into_iter().filter(|entry| {
            let body = &entry.body;
            matches!(body, EntryBody::Commit { .. } | EntryBody::Snapshot { .. })
        });
        of_repo.filter(|entry| entry.header.did == *did).map(|entry| entry.header.source).collect()
    }

    /// Waits until the saved cursor is this one.
    pub async fn until_cursor(&self, seq: i64) {
        self.until_cursor_of(0, seq).await;
    }

    pub async fn until_rejected(&self, reason: &str) {
        eventually(async || {
            let status = self.status().await;
            if status.rejected.contains_key(reason) {
                Ok(())
            } else {
                Err(format!("{reason}: {status:?}"))
            }
        })
        .await;
    }

    pub async fn account(&self, did: &Did) -> Option<AccountState> {
        self.client.account_state(did).await.unwrap()
    }

    /// Waits until the account's row is as wanted.
    pub async fn until_account(
        &self,
        did: &Did,
        wanted: impl Fn(&AccountState) -> bool,
    ) -> AccountState {
        eventually(async || match self.account(did).await {
            Some(account) if wanted(&account) => Ok(account),
            other => Err(format!("{did}: {other:?}")),
        })
        .await
    }

    pub fn metric(&self, line_starts: &str) -> f64 {
        let text = self.registry.encode();
        let line = text.lines().find(|line| line.starts_with(line_starts));
        line.and_then(|line| line.rsplit(' ').next())
            .and_then(|value| value.parse().ok())
            .unwrap_or(0.0)
    }
}

fn store_config(dir: &Path) -> StoreConfig {
    StoreConfig { dir: Some(dir.to_owned()), lock_timeout_ms: 50, ..StoreConfig::default() }
}

/// The ingest tables, locked by somebody else.
pub struct HeldTables {
    store: Store,
    unlock: std::sync::mpsc::Sender<()>,
    tasks: TaskSet<()>,
}

impl HeldTables {
    pub async fn hold(dir: &Path) -> Self {
        let clock: SharedClock = SystemClock::shared();
        let (config, registry) = (store_config(dir), Registry::new());
        let store = Store::open(&config, Domain::Ingest, MIGRATIONS, &[], &clock, &registry);
        let store = store.await.unwrap();
        let (unlock, until_unlocked) = std::sync::mpsc::channel();
        let (locked, is_locked) = tokio::sync::oneshot::channel();
        let mut tasks = TaskSet::new();
        let holder = store.clone();
        tasks.spawn("holder", async move {
            let held: Result<(), StoreError> = holder
                .write(move |tx| {
                    tx.execute("DELETE FROM rejected WHERE id < 0", &[])?;
                    locked.send(()).unwrap();
                    until_unlocked.recv().unwrap();
                    Ok(())
                })
                .await;
            held.unwrap();
        });
        is_locked.await.unwrap();
        Self { store, unlock, tasks }
    }

    pub async fn let_go(mut self) {
        self.unlock.send(()).unwrap();
        self.tasks.join_next().await.unwrap().unwrap();
        self.store.close().await;
    }
}

/// Asks again until it is so, or the deadline has passed.
pub async fn eventually<T>(mut ask: impl AsyncFnMut() -> Result<T, String>) -> T {
    let deadline = tokio::time::Instant::now() + DEADLINE;
    let mut again = tokio::time::interval(Duration::from_millis(5));
    loop {
        again.tick().await;
        match ask().await {
            Ok(value) => return value,
            Err(reason) if tokio::time::Instant::now() > deadline => {
                panic!("did not happen: {reason}")
            }
            Err(_) => {}
        }
    }
}

fn told(entry: &Entry) -> Option<String> {
    match &entry.body {
        EntryBody::Commit { ops } => {
            let mut texts = Vec::new();
            for op in ops {
                texts.push(match &op.record {
                    Some(record) => text_of(record),
                    None => "-".to_owned(),
                });
            }
            Some(texts.join(","))
        }
        EntryBody::Snapshot { records, last, .. } => {
            let texts: Vec<String> = records.iter().map(|record| text_of(&record.record)).collect();
            Some(format!("repo[{}]{}", texts.join(","), if *last { "" } else { "…" }))
        }
        EntryBody::Account { active, status } => Some(format!(
            "{}{}",
            if *active { "active" } else { "inactive:" },
            status.as_deref().unwrap_or("")
        )),
        EntryBody::Labels { labels } => Some(format!("{} labels", labels.len())),
        EntryBody::Identity { .. } | EntryBody::Mark => None,
    }
}

fn text_of(record: &[u8]) -> String {
    let value = millrace_atproto::cbor::decode(record).unwrap();
    value.get("text").and_then(|text| text.as_str()).unwrap_or("?").to_owned()
}
