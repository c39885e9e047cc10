//! A database of one test's own on the server that `make test` started; dropped with its owner.

use anyhow::Result;
use postgres::{Client, NoTls};

pub struct Database {
    server: String,
    name: String,
    url: String,
}

impl Database {
    pub async fn create(server: &str) -> Result<Self> {
        let name = format!("whole_program_{}", std::process::id());
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
