//! Where `millrace sessions` and `millrace tokens` work: on the AppView that holds the data folder's sessions, or
//! else on their tables. Tables in files are under the folder's lock; PostgreSQL may be written from anywhere.

use millrace_appview::session::{
    self, EndSignedIn, Ended, ListSignedIn, SessionPage, TokenPage, end_sessions, end_tokens,
    list_sessions, list_tokens,
};
use millrace_runtime::clock::SystemClock;
use millrace_runtime::metrics::Registry;
use millrace_store::{Domain, EngineKind, Store, StoreConfig, StoreError};

use super::client::AdminClient;
use super::target::SCHEMA_WAIT_MS;
use crate::config::Config;
use crate::failure::Failure;
use crate::folder::DataFolder;

/// Who is signed in, as a command sees it.
pub enum SignedIn {
    Server(AdminClient),
    Tables(Tables),
}

/// The tables, opened for one command.
pub struct Tables {
    /// None where there is no folder: its files need no lock, because there are none.
    _folder: Option<DataFolder>,
    store: StoreConfig,
}

impl SignedIn {
    /// The AppView that holds the sessions, or else their tables.
    ///
    /// # Errors
    /// The tables are files and there is no data folder, or its AppView cannot be asked.
    pub fn open(config: &Config) -> Result<Self, Failure> {
        let store = config.store();
        if store.engine == EngineKind::Postgres && !config.data_dir.exists() {
            return Ok(Self::Tables(Tables { _folder: None, store }));
        }
        match DataFolder::lock_sessions_for_command(&config.data_dir)? {
            Some(folder) => Ok(Self::Tables(Tables { _folder: Some(folder), store })),
            None => Ok(Self::Server(AdminClient::of_appview(&config.data_dir)?)),
        }
    }

    /// Whether a server does what is asked.
    pub fn is_served(&self) -> bool {
        matches!(self, Self::Server(_))
    }

    /// A page of browsers.
    pub async fn sessions(&self, wanted: ListSignedIn) -> Result<SessionPage, Failure> {
        match self {
            Self::Server(server) => Ok(server.get("sessions", &wanted).await?),
            Self::Tables(tables) => {
                tables.ask(async |store| list_sessions(store, wanted).await).await
            }
        }
    }

    /// A page of programs' tokens.
    pub async fn tokens(&self, wanted: ListSignedIn) -> Result<TokenPage, Failure> {
        match self {
            Self::Server(server) => Ok(server.get("tokens", &wanted).await?),
            Self::Tables(tables) => {
                tables.ask(async |store| list_tokens(store, wanted).await).await
            }
        }
    }

    /// Signs browsers out.
    pub async fn end_sessions(&self, whose: &EndSignedIn) -> Result<Ended, Failure> {
        match self {
            Self::Server(server) => Ok(server.post_json("sessions/end", whose).await?),
            Self::Tables(tables) => {
                let did = whose.did.as_ref();
                tables.ask(async |store| end_sessions(store, did).await).await
            }
        }
    }

    /// Ends tokens of programs.
    pub async fn end_tokens(&self, whose: &EndSignedIn) -> Result<Ended, Failure> {
        match self {
            Self::Server(server) => Ok(server.post_json("tokens/end", whose).await?),
            Self::Tables(tables) => {
                let did = whose.did.as_ref();
                tables.ask(async |store| end_tokens(store, did).await).await
            }
        }
    }
}

impl Tables {
    /// Asks the tables as they are: a command must not migrate.
    async fn ask<T>(
        &self,
        ask: impl AsyncFnOnce(&Store) -> Result<T, StoreError>,
    ) -> Result<T, Failure> {
        let config = StoreConfig {
            run_migrations: false,
            schema_wait_ms: SCHEMA_WAIT_MS,
            readers: 1,
            ..self.store.clone()
        };
        let (clock, registry) = (SystemClock::shared(), Registry::new());
        let (domain, migrations) = (Domain::Session, session::MIGRATIONS);
        let store = Store::open(&config, domain, migrations, &[], &clock, &registry).await?;
        let answer = ask(&store).await;
        store.close().await;
        Ok(answer?)
    }
}
