//! Somebody signs in at Millrace with the account of a real PDS, by an app password and by OAuth: reads here, writes
//! there, is told what is new, and is signed out everywhere.

use anyhow::{Result, ensure};
use reqwest::StatusCode;
use serde_json::json;

use crate::millrace::{Engine, Split};
use crate::page::Page;
use crate::world::World;

#[tokio::test]
async fn sqlite_local() -> Result<()> {
    told(&Engine::Sqlite, Split::Local).await
}

#[tokio::test]
async fn postgres_remote() -> Result<()> {
    let Some(server) = std::env::var("MILLRACE_TEST_POSTGRES_URL").ok() else {
        eprintln!("skipped: MILLRACE_TEST_POSTGRES_URL is not set (`make test` sets it)");
        return Ok(());
    };
    let database = crate::postgres::Database::create(&server).await?;
    told(&Engine::Postgres(database.url().to_owned()), Split::Remote).await
}

async fn told(engine: &Engine, split: Split) -> Result<()> {
    let mut world = World::start(engine, split).await?;
    let alice = world.client.create_account("alice").await?;

    let by_password = Page::signed_in(&mut world, &alice).await?;
    by_password.writes(&alice.did, "by an app password").await?;

    let mut by_oauth = Page::of(&world).await?;
    by_oauth.signs_in(&alice, "").await?;
    by_oauth.writes(&alice.did, "by OAuth").await?;

    let live = format!("{}/api/v1/session/live", by_oauth.origin);
    let mut live = by_oauth.sent(by_oauth.http.get(live)).send().await?;
    let everywhere = json!({"everywhere": true});
    let out = by_oauth.post("/api/v1/session/sign-out", &everywhere).await?;
    ensure!(out.status().is_success(), "{}", out.text().await?);
    while live.chunk().await?.is_some() {}
    for page in [&by_password, &by_oauth] {
        let input = json!({"repo": alice.did, "collection": "app.bsky.feed.post", "record": {}});
        let refused = page.post("/xrpc/com.atproto.repo.createRecord", &input).await?;
        ensure!(refused.status() == StatusCode::UNAUTHORIZED, "{}", refused.text().await?);
    }
    world.end().await
}
