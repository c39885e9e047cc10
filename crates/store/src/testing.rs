//! Empty stores for tests, of either engine; behind the feature `testing`.
//!
//! PostgreSQL is the server named by [`POSTGRES_VARIABLE`]; every place is a database of its own
//! there and is dropped with its owner. Without the variable a test of that engine is skipped
//! with a word, except in continuous integration (`CI=true`), where it fails.

use millrace_runtime::config::Secret;
use postgres::{Client, NoTls};
use tempfile::TempDir;

use crate::{EngineKind, StoreConfig};

/// URL of a PostgreSQL server on which tests may create databases.
pub const POSTGRES_VARIABLE: &str = "MILLRACE_TEST_POSTGRES_URL";

/// The engine a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub const ALL: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

    pub fn name(self) -> &'static str {
        match self {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "postgres",
        }
    }
}

/// Where an empty store may be opened: a folder or a database. Gone when dropped.
pub struct Place(Kind);

enum Kind {
    Folder(TempDir),
    Database { server: String, name: String, dir: TempDir },
}

impl Place {
    /// A place on `engine`; `None`, with a word on stderr, when the engine is not here.
    ///
    /// # Panics
    /// With `CI=true` when the engine is not here, and when it is but refuses.
    pub async fn new(engine: Engine) -> Option<Place> {
        let dir = tempfile::tempdir().expect("a temporary folder");
        match engine {
            Engine::Sqlite => Some(Place(Kind::Folder(dir))),
            Engine::Postgres => {
                let server = server()?;
                let name = format!("test_{}", unique());
                let done = {
                    let (server, name) = (server.clone(), name.clone());
                    tokio::task::spawn_blocking(move || create(&server, &name))
                };
                done.await.expect("the database thread").expect("creating a database");
                Some(Place(Kind::Database { server, name, dir }))
            }
        }
    }

    /// The configuration of a store here.
    pub fn config(&self) -> StoreConfig {
        match &self.0 {
            Kind::Folder(dir) => StoreConfig::in_dir(dir.path()),
            Kind::Database { server, name, dir } => StoreConfig {
                engine: EngineKind::Postgres,
                postgres_url: Some(Secret::new(database_url(server, name))),
                readers: 2,
                postgres_writers: 2,
                ..StoreConfig::in_dir(dir.path())
            },
        }
    }

    /// A folder that lives as long as the place, for what stands beside the store.
    pub fn dir(&self) -> &std::path::Path {
        match &self.0 {
            Kind::Folder(dir) | Kind::Database { dir, .. } => dir.path(),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Kind::Database { server, name, .. } = &self.0 {
            let (server, drop) =
                (server.clone(), format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
            // The driver blocks, which a test's own thread must not.
            let done = std::thread::scope(|scope| scope.spawn(|| run(&server, &drop)).join());
            if !matches!(done, Ok(Ok(()))) {
                eprintln!("cannot drop the test's database: {done:?}");
            }
        }
    }
}

fn server() -> Option<String> {
    match std::env::var(POSTGRES_VARIABLE) {
        Ok(url) if !url.is_empty() => Some(url),
        _ if std::env::var("CI").is_ok_and(|ci| ci == "true") => {
            panic!("{POSTGRES_VARIABLE} is not set, and CI=true demands every engine")
        }
        _ => {
            eprintln!("skipped on postgres: {POSTGRES_VARIABLE} is not set");
            None
        }
    }
}

/// A name no other test of any process uses.
fn unique() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn database_url(server: &str, name: &str) -> String {
    let (base, _) = server.rsplit_once('/').unwrap_or((server, ""));
    format!("{base}/{name}")
}

/// Makes a database whose locale sorts unlike bytes do, where the server can: what the store
/// promises about the order of text is then tested where it is hardest.
fn create(server: &str, name: &str) -> Result<(), postgres::Error> {
    let plain = format!("CREATE DATABASE {name} TEMPLATE template0");
    let odd = format!("{plain} LOCALE_PROVIDER icu ICU_LOCALE 'en-US'");
    run(server, &odd).or_else(|_| run(server, &plain))
}

fn run(server: &str, statement: &str) -> Result<(), postgres::Error> {
    Client::connect(server, NoTls)?.batch_execute(statement)
}
