//! A backup that is made while people write, and a place that is lost: what is restored elsewhere catches
//! up with the network, and holds again what only Millrace knew.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::audit;
use crate::client::Account;
use crate::millrace::{Engine, Split};
use crate::traffic::Traffic;
use crate::world::World;

/// Steps of people's before and after the backup.
const SOME: usize = 40;

#[tokio::test]
async fn everything_is_restored_and_catches_up() -> Result<()> {
    comes_back(&Engine::Sqlite, &["--all"]).await
}

#[tokio::test]
async fn what_is_owned_is_restored_and_the_rest_fetched() -> Result<()> {
    comes_back(&Engine::Sqlite, &[]).await
}

#[tokio::test]
async fn everything_is_restored_on_postgres() -> Result<()> {
    on_postgres(&["--all"]).await
}

#[tokio::test]
async fn what_is_owned_is_restored_on_postgres() -> Result<()> {
    on_postgres(&[]).await
}

async fn on_postgres(args: &[&str]) -> Result<()> {
    let Some(server) = std::env::var("MILLRACE_TEST_POSTGRES_URL").ok() else {
        eprintln!("skipped: MILLRACE_TEST_POSTGRES_URL is not set (`make test` sets it)");
        return Ok(());
    };
    let database = crate::postgres::Database::create(&server).await?;
    comes_back(&Engine::Postgres(database.url().to_owned()), args).await
}

async fn comes_back(engine: &Engine, args: &[&str]) -> Result<()> {
    let mut world = World::start(engine, Split::Local).await?;
    let mut traffic = Traffic::begin(&mut world.client).await?;
    traffic.steps(&mut world.client, SOME).await?;
    world.settle().await?;
    tell_millrace_alone(&mut world, &traffic.people).await?;

    let stop = AtomicBool::new(false);
    let backing_up = async {
        let made = back_up(&world.millrace, args).await;
        stop.store(true, Ordering::Relaxed);
        made
    };
    let (made, wrote) = tokio::join!(backing_up, traffic.until_told(&mut world.client, &stop));
    wrote?;
    let backup = made?;
    traffic.steps(&mut world.client, SOME).await?;

    world.millrace.kill9().await?;
    lose(&world.millrace.data_dir())?;
    let restored = world.millrace.command(&restore(&backup)).await?;
    ensure!(restored.status.success(), "restore: {restored:?}");
    world.millrace.launch().await?;
    world.millrace.ready().await?;
    world.settle().await?;
    fetched(&world, &traffic.people).await?;
    let counted = audit::compare(&world, &traffic.people).await?;
    ensure!(counted.posts > SOME / 2, "too little was written to prove anything: {counted:?}");
    for person in &traffic.people {
        world.until_named(person).await?;
    }
    it_still_knows(&mut world, &traffic.people).await?;
    eprintln!("restored with {args:?}, then compared {counted:?}");
    world.end().await
}

/// What no repository holds: a mute, and up to when somebody has seen their notifications.
async fn tell_millrace_alone(world: &mut World, people: &[Account]) -> Result<()> {
    let mute = json!({ "actor": people[1].did });
    world.client.procedure(&people[0], "app.bsky.graph.muteActor", mute).await?;
    world.client.update_seen(&people[2]).await
}

async fn it_still_knows(world: &mut World, people: &[Account]) -> Result<()> {
    let mutes = world.client.query(&people[0], "app.bsky.graph.getMutes", json!({})).await?;
    let muted = mutes.data["mutes"].as_array().context("mutes")?;
    ensure!(
        muted.len() == 1 && muted[0]["did"] == json!(people[1].did),
        "mutes after the restore: {}",
        mutes.data
    );
    let list = "app.bsky.notification.listNotifications";
    let told = world.client.query(&people[2], list, json!({})).await?;
    let seen = &told.data["seenAt"];
    ensure!(seen.is_string(), "when notifications were seen is lost: {}", told.data);
    Ok(())
}

async fn back_up(millrace: &crate::millrace::Millrace, args: &[&str]) -> Result<PathBuf> {
    let path = millrace.data_dir().with_file_name("backup");
    let named = path.display().to_string();
    let made = millrace.command(&[&["backup", &named, "--json"], args].concat()).await?;
    ensure!(made.status.success(), "backup: {made:?}");
    let manifest: Value = serde_json::from_slice(&made.stdout)?;
    ensure!(manifest["files"].as_array().is_some_and(|files| files.len() >= 3), "{manifest}");
    Ok(path)
}

fn restore(backup: &Path) -> [&str; 3] {
    ["restore", backup.to_str().unwrap_or_default(), "--yes"]
}

/// The disk is gone. Schemas of a database are not; they are set aside.
fn lose(data: &Path) -> Result<()> {
    Ok(std::fs::rename(data, data.with_file_name("lost"))?)
}

/// Waits until nobody's repository is wanted any more.
async fn fetched(world: &World, people: &[Account]) -> Result<()> {
    let token = std::fs::read_to_string(world.millrace.data_dir().join("admin.token"))?;
    let until = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    for person in people {
        let url = format!("{}/getAccountState", world.millrace.internal_url());
        loop {
            let asked = world.http.post(&url).bearer_auth(&token);
            let answer = asked.json(&json!({ "did": person.did })).send().await?;
            let state: Value = answer.error_for_status()?.json().await?;
            if state["nextTryUs"].is_null() && state["syncState"] != "in_progress" {
                break;
            }
            ensure!(tokio::time::Instant::now() < until, "still wanted: {state}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
    // What was fetched is in the log; it is visible when nothing is behind.
    loop {
        let ready = world.millrace.command(&["status", "--json"]).await?;
        let status: Value = serde_json::from_slice(&ready.stdout)?;
        if status["lagEntries"] == 0 {
            return Ok(());
        }
        ensure!(tokio::time::Instant::now() < until, "still behind: {status}");
    }
}
