//! Where an operator's command works: on the server that holds the data folder, or else on the tables
//! themselves. Tables in files are under the folder's lock; PostgreSQL may be written from anywhere.

use millrace_dataplane::parked::{
    self, ListParked, Of, ParkedEntry, ParkedId, ParkedPage, Touched, deliveries,
};
use millrace_feeds::parked as homes;
use millrace_runtime::clock::{SharedClock, SystemClock};
use millrace_runtime::metrics::Registry;
use millrace_store::{Dictionary, Domain, EngineKind, Store, StoreConfig};

use super::client::AdminClient;
use super::routes::{OPERATOR, Resolved};
use super::schema::{self, Schema};
use crate::config::Config;
use crate::failure::{Failure, ProgramError};
use crate::folder::DataFolder;

/// How long a command waits for tables that are not there.
pub(super) const SCHEMA_WAIT_MS: u64 = 1_000;

/// Where a command works.
pub enum Target {
    Server(AdminClient),
    Tables(Tables),
}

/// The tables, opened for one command.
pub struct Tables {
    /// None where there is no folder: its files need no lock, because there are none.
    _folder: Option<DataFolder>,
    store: StoreConfig,
    clock: SharedClock,
}

impl Target {
    /// The server that holds the data folder, or else the tables.
    ///
    /// # Errors
    /// The tables are files and there is no data folder, or its server cannot be asked.
    pub fn open(config: &Config) -> Result<Self, Failure> {
        if config.store.engine == EngineKind::Postgres {
            return Self::open_or_absent(config);
        }
        Self::open_present(config)
    }

    fn open_present(config: &Config) -> Result<Self, Failure> {
        match DataFolder::lock_for_command(&config.data_dir)? {
            Some(folder) => Ok(Self::tables(config, Some(folder))),
            None => Ok(Self::Server(AdminClient::of_folder(&config.data_dir)?)),
        }
    }

    /// As [`Target::open`], but a folder that is not there is one in which nothing is.
    ///
    /// # Errors
    /// As [`Target::open`].
    pub fn open_or_absent(config: &Config) -> Result<Self, Failure> {
        if config.data_dir.exists() {
            Self::open_present(config)
        } else {
            Ok(Self::tables(config, None))
        }
    }

    fn tables(config: &Config, folder: Option<DataFolder>) -> Self {
        Self::Tables(Tables {
            _folder: folder,
            store: config.store(),
            clock: SystemClock::shared(),
        })
    }

    /// A page of parked entries.
    pub async fn list_parked(&self, question: ListParked) -> Result<ParkedPage, Failure> {
        let question_of = question.of;
        match self {
            Self::Server(server) => Ok(server.get("dlq", &question).await?),
            Self::Tables(tables) => {
                let list = async |store: &Store| match question.of {
                    Of::Entries => parked::list(store, question).await,
                    Of::Facts | Of::Fanout => homes::list(store, question).await,
                    Of::Deliveries => deliveries::list(store, question).await,
                };
                tables.ask(question_of, list).await
            }
        }
    }

    /// One parked entry.
    pub async fn get_parked(&self, id: ParkedId) -> Result<ParkedEntry, Failure> {
        let found = match self {
            Self::Server(server) => match server.get(&format!("dlq/{id}"), &()).await {
                Err(ProgramError::ServerRefused { status: 404, .. }) => None,
                answer => Some(answer?),
            },
            Self::Tables(tables) => {
                let get = async |store: &Store| match id.of {
                    Of::Entries => parked::get(store, id.number).await,
                    Of::Facts | Of::Fanout => homes::get(store, id).await,
                    Of::Deliveries => deliveries::get(store, id.number).await,
                };
                tables.ask(id.of, get).await?
            }
        };
        Ok(found.ok_or(ProgramError::NoSuchEntry { id })?)
    }

    /// Has an entry tried again.
    pub async fn retry(&self, id: ParkedId) -> Result<Touched, Failure> {
        match self {
            Self::Server(server) => Ok(server.post(&format!("dlq/{id}/retry")).await?),
            Self::Tables(tables) => {
                let retry = async |store: &Store| match id.of {
                    Of::Entries => parked::retry(store, id.number).await,
                    Of::Facts | Of::Fanout => homes::retry(store, id).await,
                    Of::Deliveries => deliveries::retry(store, id.number).await,
                };
                tables.ask(id.of, retry).await
            }
        }
    }

    /// Has all of a kind tried again; of entries, those of a projection.
    pub async fn retry_all(&self, of: Of, projection: &str) -> Result<Touched, Failure> {
        match self {
            Self::Server(server) => {
                let of = of.name();
                Ok(server.post(&format!("dlq/retry?of={of}&projection={projection}")).await?)
            }
            Self::Tables(tables) => {
                let retry = async |store: &Store| match of {
                    Of::Entries => parked::retry_all(store, projection.to_owned()).await,
                    Of::Facts | Of::Fanout => homes::retry_all(store, of).await,
                    Of::Deliveries => deliveries::retry_all(store).await,
                };
                tables.ask(of, retry).await
            }
        }
    }

    /// Gives an entry up.
    pub async fn discard(&self, id: ParkedId) -> Result<Touched, Failure> {
        match self {
            Self::Server(server) => Ok(server.post(&format!("dlq/{id}/discard")).await?),
            Self::Tables(tables) => {
                let discard = async |store: &Store| match id.of {
                    Of::Entries => parked::discard(store, id.number).await,
                    Of::Facts | Of::Fanout => homes::discard(store, id).await,
                    Of::Deliveries => {
                        deliveries::discard(store, id.number, OPERATOR.to_owned()).await
                    }
                };
                tables.ask(id.of, discard).await
            }
        }
    }

    /// Notes that somebody saw to an entry by other means; only of deliveries, whose rows stay.
    pub async fn resolve(&self, id: ParkedId, note: Option<String>) -> Result<Touched, Failure> {
        if id.of != Of::Deliveries {
            return Err(ProgramError::NotResolved { id }.into());
        }
        match self {
            Self::Server(server) => {
                Ok(server.post_json(&format!("dlq/{id}/resolve"), &Resolved { note }).await?)
            }
            Self::Tables(tables) => {
                let resolve = async |store: &Store| {
                    deliveries::resolve(store, id.number, note, OPERATOR.to_owned()).await
                };
                tables.ask(id.of, resolve).await
            }
        }
    }

    /// Every migration.
    pub async fn schema(&self) -> Result<Schema, Failure> {
        match self {
            Self::Server(server) => Ok(server.get("schema", &()).await?),
            Self::Tables(tables) => Ok(schema::status(&tables.store, &tables.clock).await?),
        }
    }

    /// Applies what is pending.
    pub async fn apply_schema(&self) -> Result<Schema, Failure> {
        match self {
            Self::Server(server) => Ok(server.post("schema/apply").await?),
            Self::Tables(tables) => Ok(schema::apply(&tables.store, &tables.clock).await?),
        }
    }
}

impl Tables {
    /// Asks the tables that hold what is parked, as they are: a command that looks must not migrate.
    async fn ask<T>(
        &self,
        of: Of,
        ask: impl AsyncFnOnce(&Store) -> Result<T, millrace_store::StoreError>,
    ) -> Result<T, Failure> {
        let config = StoreConfig {
            run_migrations: false,
            schema_wait_ms: SCHEMA_WAIT_MS,
            readers: 1,
            ..self.store.clone()
        };
        let (domain, migrations, attached): (_, _, &[Domain]) = match of {
            Of::Entries => (Domain::Dataplane, millrace_dataplane::schema::DATAPLANE, &[]),
            // An item on its way is named by the dictionary.
            Of::Facts | Of::Fanout => {
                (Domain::Feeds, millrace_feeds::schema::FEEDS, &[Domain::Dictionary])
            }
            Of::Deliveries => (Domain::Own, millrace_dataplane::schema::OWN, &[]),
        };
        let registry = Registry::new();
        // What is attached is read by whoever reads here; only who opened it leaves nothing beside its file.
        let dictionary = match attached {
            [] => None,
            _ => Some(Dictionary::open(&config, &self.clock, &registry).await?),
        };
        let store =
            Store::open(&config, domain, migrations, attached, &self.clock, &registry).await?;
        let answer = ask(&store).await;
        store.close().await;
        if let Some(dictionary) = dictionary {
            dictionary.store().close().await;
        }
        Ok(answer?)
    }
}
