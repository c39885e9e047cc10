//! A stock PDS sends its users' reads to Millrace, and the official client sees what they wrote:
//! the same story on both engines, in one process and in two.

use anyhow::Result;

use crate::millrace::{Engine, Split};
use crate::story;
use crate::world::World;

#[tokio::test]
async fn sqlite_local() -> Result<()> {
    told(&Engine::Sqlite, Split::Local).await
}

#[tokio::test]
async fn sqlite_remote() -> Result<()> {
    told(&Engine::Sqlite, Split::Remote).await
}

#[tokio::test]
async fn postgres_local() -> Result<()> {
    on_postgres(Split::Local).await
}

#[tokio::test]
async fn postgres_remote() -> Result<()> {
    on_postgres(Split::Remote).await
}

async fn on_postgres(split: Split) -> Result<()> {
    let Some(server) = std::env::var("MILLRACE_TEST_POSTGRES_URL").ok() else {
        eprintln!("skipped: MILLRACE_TEST_POSTGRES_URL is not set (`make test` sets it)");
        return Ok(());
    };
    let database = crate::postgres::Database::create(&server).await?;
    told(&Engine::Postgres(database.url().to_owned()), split).await
}

async fn told(engine: &Engine, split: Split) -> Result<()> {
    let mut world = World::start(engine, split).await?;
    story::tell(&mut world).await?;
    world.end().await
}
