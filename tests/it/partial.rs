//! A server that hears of what is new alone: what the dashboard says of an account that it knows a part of, in a real
//! browser (`browser/partial.mjs`), while a real PDS is asked for the rest.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::chromium::{drive_with, ready};
use crate::client::Client;
use crate::dashboard_own::person;
use crate::millrace::{self, Engine, Millrace, Ports, Split};
use crate::network::Network;
use crate::world::World;

/// What Bob wrote before anybody listened.
const BEFORE: [&str; 3] = ["the first of all", "another one", "and one more"];
const LAST: &str = "what everybody hears";

#[tokio::test(flavor = "multi_thread")]
async fn a_page_says_how_much_of_an_account_is_here_while_it_is_fetched() -> Result<()> {
    let dir = tempfile::Builder::new().prefix("millrace-test-").tempdir()?;
    let ports = Ports::reserve()?;
    let mut network = Network::start(&ports.appview_url(), None, dir.path()).await?;
    let mut client = Client::start(&network, dir.path()).await?;
    let alice = client.create_account("alice").await?;
    let bob = client.create_account("bob").await?;
    let carol = client.create_account("carol").await?;
    for text in BEFORE {
        client.post(&bob, text).await?;
    }
    client.follow(&bob, &carol).await?;
    client.follow(&carol, &bob).await?;
    let named = json!({"name": "tests"});
    let made = client.procedure(&alice, "com.atproto.server.createAppPassword", named).await?;
    network.hold_repos().await?;

    let configuration = from_now_on(&millrace::configuration(&Engine::Sqlite, ports, &network))?;
    let millrace = Millrace::start(Split::Local, ports, &configuration, dir.path()).await?;
    let mut world = World::of(network, client, millrace, dir)?;
    world.millrace.until(|source| source["connected"] == true).await?;
    world.client.post(&bob, LAST).await?;
    world.settle().await?;
    world.until_named(&bob).await?;

    // Browsers come back from signing in to an address, never to `localhost`.
    let base = world.millrace.appview_url().replace("localhost", "127.0.0.1");
    let Some(chromium) = ready(&base).await? else { return world.end().await };
    let token = std::fs::read_to_string(world.millrace.data_dir().join("admin.token"))?;
    let given = json!({
        "base": base, "token": token.trim(), "appPassword": made["password"],
        "alice": person(&alice), "bob": person(&bob),
        "first": BEFORE[0], "last": LAST, "posts": BEFORE.len() + 1,
    });
    let network = &mut world.network;
    let act = async |what: &str| {
        ensure!(what == "release", "{what} was asked for");
        network.release_repos().await
    };
    drive_with("partial.mjs", &chromium, given, act).await?;
    world.end().await
}

/// Nothing of what was before is heard, and nobody is fetched but who is looked at.
fn from_now_on(configuration: &str) -> Result<String> {
    let (before, after) =
        configuration.split_once("cursor = 0\n").context("a source from its beginning")?;
    ensure!(before.contains("backfill = \"all\""));
    Ok(before.replace("backfill = \"all\"", "backfill = \"none\"") + after)
}
