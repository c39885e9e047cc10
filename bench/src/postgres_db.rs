//! Databases on this run's PostgreSQL server, each for one store, dropped when it is done with.

use anyhow::Result;
use postgres::{Client, NoTls};

/// A database of its own.
pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// Creates it. Blocks; call it off the async threads.
    pub fn create(server: &str, name: &str) -> Result<Self> {
        let database = Self { server: server.to_owned(), name: name.to_owned() };
        database.drop_if_there()?;
        let mut client = Client::connect(server, NoTls)?;
        client.batch_execute(&format!("CREATE DATABASE {name}"))?;
        Ok(database)
    }

    pub fn url(&self) -> String {
        match self.server.rsplit_once('/') {
            Some((server, _)) => format!("{server}/{}", self.name),
            None => self.server.clone(),
        }
    }

    /// Removes it and whoever is still connected.
    pub fn drop_if_there(&self) -> Result<()> {
        let mut client = Client::connect(&self.server, NoTls)?;
        client.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name))?;
        Ok(())
    }
}
