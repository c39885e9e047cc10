//! A database of one test's own on the server that `make test` started; dropped with its owner.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;
use postgres::{Client, NoTls};

/// Databases of this process so far.
static CREATED: AtomicU32 = AtomicU32::new(0);

pub struct Database {
    server: String,
    name: String,
    url: String,
}

impl Database {
    pub async fn create(server: &str) -> Result<Self> {
        let number = CREATED.fetch_add(1, Ordering::Relaxed);
        let name = format!("whole_program_{}_{number}", std::process::id());
        let (base, _) = server.rsplit_once('/').unwrap_or((server, ""));
        let database = Self { server: server.to_owned(), url: format!("{base}/{name}"), name };
        let create = [database.drop_sql(), format!("CREATE DATABASE {}", database.name)];
        let server = database.server.clone();
        tokio::task::spawn_blocking(move || run(&server, &create)).await??;
        Ok(database)
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Lets the leases of a killed process run out at once, as they would with time.
    pub async fn expire_leases(&self) -> Result<()> {
        const EXPIRE: &str = "DO $$ DECLARE t record; BEGIN
            FOR t IN SELECT schemaname FROM pg_tables WHERE tablename = 'lease' LOOP
                EXECUTE format('UPDATE %I.lease SET until_us = 0', t.schemaname);
            END LOOP; END $$";
        let url = self.url.clone();
        tokio::task::spawn_blocking(move || run(&url, &[EXPIRE.to_owned()])).await?
    }

    fn drop_sql(&self) -> String {
        format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, sql) = (self.server.clone(), self.drop_sql());
        // The driver blocks, which an async test's own thread must not.
        let done = std::thread::scope(|scope| scope.spawn(|| run(&server, &[sql])).join());
        if !matches!(done, Ok(Ok(()))) {
            eprintln!("cannot drop the test's database: {done:?}");
        }
    }
}

fn run(server: &str, statements: &[String]) -> Result<()> {
    let mut client = Client::connect(server, NoTls)?;
    for statement in statements {
        client.batch_execute(statement)?;
    }
    Ok(())
}
