//! A peer goes away and comes back: the program stays up, says so, and afterwards nothing is missing.

use anyhow::{Result, ensure};
use serde_json::json;
use xtask::postgres::{self, Cluster};

use crate::audit;
use crate::millrace::{Engine, Split};
use crate::network::Peer;
use crate::traffic::Traffic;
use crate::world::World;

const SOME: usize = 33;

#[tokio::test]
async fn the_pds_goes_and_comes_back() -> Result<()> {
    let mut world = World::start(&Engine::Sqlite, Split::Local).await?;
    let mut traffic = Traffic::begin(&mut world.client).await?;
    traffic.steps(&mut world.client, SOME).await?;
    world.settle().await?;
    world.network.stop(Peer::Pds).await?;
    world.millrace.until(|source| source["connected"] == json!(false)).await?;
    world.network.resume(Peer::Pds).await?;
    traffic.steps(&mut world.client, SOME).await?;
    nothing_is_missing(world, &traffic).await
}

/// Without the directory no signing key is known after a restart: events wait, reads go on.
#[tokio::test]
async fn the_plc_directory_goes_and_comes_back() -> Result<()> {
    let mut world = World::start(&Engine::Sqlite, Split::Local).await?;
    let mut traffic = Traffic::begin(&mut world.client).await?;
    traffic.steps(&mut world.client, SOME).await?;
    world.settle().await?;
    world.network.stop(Peer::Plc).await?;
    world.millrace.kill9().await?;
    world.millrace.launch().await?;
    world.millrace.ready().await?;
    traffic.steps(&mut world.client, SOME).await?;
    let read =
        world.http.get(format!("{}/xrpc/app.bsky.actor.getProfile", world.millrace.appview_url()));
    let read = read.query(&[("actor", &traffic.people[0].did)]).send().await?;
    ensure!(read.status() == 200, "a read without the directory: {}", read.status());
    world.network.resume(Peer::Plc).await?;
    nothing_is_missing(world, &traffic).await
}

#[tokio::test]
async fn postgresql_goes_and_comes_back() -> Result<()> {
    if postgres::bin_dir().is_none() {
        eprintln!("skipped: PostgreSQL is not installed (`cargo xtask setup` installs it)");
        return Ok(());
    }
    let dir = tempfile::tempdir()?;
    let mut cluster = Cluster::start(dir.path())?;
    let mut world = World::start(&Engine::Postgres(cluster.url()), Split::Local).await?;
    let mut traffic = Traffic::begin(&mut world.client).await?;
    traffic.steps(&mut world.client, SOME).await?;
    world.settle().await?;
    cluster.stop()?;
    traffic.steps(&mut world.client, SOME).await?;
    let read =
        world.http.get(format!("{}/xrpc/app.bsky.actor.getProfile", world.millrace.appview_url()));
    let read = read.query(&[("actor", &traffic.people[0].did)]).send().await?;
    ensure!(read.status().is_server_error(), "a read without its database: {}", read.status());
    // Whoever looks at tables now and then must have looked meanwhile.
    world.millrace.until_logged("wishes for repositories wait for their tables").await?;
    world.millrace.must_be_running()?;
    cluster.resume()?;
    nothing_is_missing(world, &traffic).await
}

async fn nothing_is_missing(mut world: World, traffic: &Traffic) -> Result<()> {
    world.settle().await?;
    let counted = audit::compare(&world, &traffic.people).await?;
    ensure!(counted.posts >= SOME / 2, "too little was written to prove anything: {counted:?}");
    world.end().await
}
