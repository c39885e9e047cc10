//! Somebody signs in by OAuth at a service on the internet: a real PDS fetches its metadata and keys through the TLS of
//! Caddy, takes its proofs and no others, and goes on doing so when the keys change.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::time::{Duration, Instant, sleep};

use crate::caddy::Caddy;
use crate::client::{Account, Client};
use crate::deploy::is_here;
use crate::millrace::{self, Engine, Millrace, Ports, Split};
use crate::network::{Network, Peer};
use crate::page::Page;
use crate::world::World;

/// No name of the public internet, and none of those that a PDS takes for somebody's own machine.
const DOMAIN: &str = "appview.millrace.internal";
/// Of the cookies of a page under TLS.
const COOKIES: &str = "__Host-";
/// A moment for a PDS's tokens, so that each act after it needs new ones.
const TOKENS_LAST_MS: u64 = 1_000;
const ENDED_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_service_on_the_internet_signs_people_in_and_changes_its_keys() -> Result<()> {
    if !is_here("caddy", "version").await? {
        return Ok(());
    }
    let dir = tempfile::Builder::new().prefix("millrace-test-").tempdir()?;
    let ports = Ports::reserve()?;
    let caddy = Caddy::start(DOMAIN, ports.appview, dir.path()).await?;
    let trusting = caddy.trusted_by_node();
    let network = Network::start_with(&ports.appview_url(), None, trusting, dir.path()).await?;
    let client = Client::start(&network, dir.path()).await?;
    let configuration = configuration(ports, &network, dir.path()).await?;
    let millrace = Millrace::start(Split::Local, ports, &configuration, dir.path()).await?;
    let mut world = World::of(network, client, millrace, dir)?;
    let alice = world.client.create_account("alice").await?;
    world.settle().await?;

    let first = only_key(&caddy).await?;
    world.network.tokens_last(TOKENS_LAST_MS).await?;
    let mut page = Page::at(caddy.client()?, format!("https://{DOMAIN}"))?;
    page.may_sign_in().await?;
    page.signs_in(&alice, COOKIES).await?;
    let [began] = sessions(&mut world, &alice).await?;
    ensure!(began["clientId"] == format!("https://{DOMAIN}/oauth/client-metadata.json"), "{began}");
    proven_by(&began, &first)?;
    page.writes(&alice.did, "by a client that proves who it is").await?;
    let renewed = goes_on(&mut world, &page, &alice, "by new tokens").await?;
    proven_by(&renewed, &first)?;

    // Another key in front: the session goes on with the one it began with.
    rotate(&mut world).await?;
    let [second, older] = &keys(&caddy).await?[..] else { anyhow::bail!("two keys") };
    ensure!(*older == first && *second != first);
    let renewed = goes_on(&mut world, &page, &alice, "by the older key").await?;
    proven_by(&renewed, &first)?;
    // Who signs in now does so with a key that the PDS knows already: it looks for new ones every ten minutes.
    let mut other = Page::at(caddy.client()?, page.origin.clone())?;
    other.signs_in(&alice, COOKIES).await?;
    other.writes(&alice.did, "beside another key").await?;
    let [_, began] = sessions(&mut world, &alice).await?;
    proven_by(&began, &first)?;
    // And with the new one where nothing was fetched before.
    world.network.stop(Peer::Pds).await?;
    world.network.resume(Peer::Pds).await?;
    let mut third = Page::at(caddy.client()?, page.origin.clone())?;
    third.signs_in(&alice, COOKIES).await?;
    third.writes(&alice.did, "by the new key").await?;
    let [_, _, began] = sessions(&mut world, &alice).await?;
    proven_by(&began, second)?;
    page.writes(&alice.did, "and still by the older one").await?;

    caddy.end().await?;
    world.end().await
}

/// As on a server that `millrace init` has set up, on this network.
async fn configuration(ports: Ports, network: &Network, dir: &Path) -> Result<String> {
    let file = dir.join("oauth.keys");
    let made = millrace::program().await?.args(["keys", "make", "oauth"]).output().await?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::write(&file, made.stdout)?;
    let configuration = millrace::configuration(&Engine::Sqlite, ports, network);
    let here = format!("public_url = \"{}\"", ports.appview_url());
    ensure!(configuration.contains(&here), "{configuration}");
    let there = format!("public_url = \"https://{DOMAIN}\"\noauth_keys_file = {file:?}");
    Ok(configuration.replace(&here, &there) + "\n[appview.limits]\ntrusted_proxies = 1\n")
}

/// The ids of the service's keys, the newest first, as anybody reads them.
async fn keys(caddy: &Caddy) -> Result<Vec<String>> {
    let url = format!("https://{DOMAIN}/oauth/jwks.json");
    let answer = caddy.client()?.build()?.get(url).send().await?.error_for_status()?;
    let jwks: Value = answer.json().await?;
    let keys = jwks["keys"].as_array().context("keys")?.iter();
    let ids = keys.map(|key| Ok(key["kid"].as_str().context("an id")?.to_owned()));
    ids.collect()
}

async fn only_key(caddy: &Caddy) -> Result<String> {
    let [key] = <[String; 1]>::try_from(keys(caddy).await?).ok().context("one key")?;
    Ok(key)
}

/// Puts a new key in front, and has the program take it.
async fn rotate(world: &mut World) -> Result<()> {
    let done = world.millrace.command(&["keys", "rotate", "oauth", "--yes"]).await?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    ensure!(world.millrace.terminate().await?.success(), "it ended badly");
    world.millrace.launch().await?;
    world.millrace.ready().await
}

/// All sessions of the account at its PDS, the oldest first.
async fn sessions<const N: usize>(world: &mut World, of: &Account) -> Result<[Value; N]> {
    let mut sessions = world.network.sessions_of(&of.did).await?;
    sessions.sort_by_key(|session| session["createdAt"].to_string());
    <[Value; N]>::try_from(sessions)
        .map_err(|sessions| anyhow::anyhow!("not {N} sessions: {sessions:?}"))
}

/// Which of the service's keys the PDS was shown.
fn proven_by(session: &Value, key: &str) -> Result<()> {
    let proof = &session["clientAuth"];
    ensure!(proof["method"] == "private_key_jwt" && proof["kid"] == key, "{key}: {session}");
    Ok(())
}

/// When the tokens of the only session have ended, its page writes, and by that gets new ones.
async fn goes_on(world: &mut World, page: &Page, of: &Account, text: &str) -> Result<Value> {
    let until = Instant::now() + ENDED_WITHIN;
    let before = loop {
        let [session] = sessions(world, of).await?;
        if session["isExpired"] == true {
            break session;
        }
        ensure!(Instant::now() < until, "its tokens do not end: {session}");
        sleep(POLL).await;
    };
    page.writes(&of.did, text).await?;
    let [after] = sessions(world, of).await?;
    let told = |session: &Value| session["updatedAt"].to_string();
    ensure!(told(&before) < told(&after), "no new tokens: {before} {after}");
    ensure!(before["createdAt"] == after["createdAt"], "another session: {before} {after}");
    Ok(after)
}
