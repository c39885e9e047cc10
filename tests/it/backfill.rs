//! A server that hears only of what is new, and is asked for everybody: killed in the middle, it goes on,
//! and then every account is here whole. And one who is looked at is fetched by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use millrace_atproto::syntax::Did;
use millrace_runtime::clock::SystemClock;
use millrace_sim::config::Mix;
use millrace_sim::{Network, SimConfig};
use serde_json::Value;
use tokio::time::Instant;

use crate::millrace::{ADMIN_PASSWORD, Millrace, Ports, Split};
use crate::oracle::asking::{Asker, Viewer};
use crate::oracle::program::SERVICE_DID;

const WITHIN: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(50);
const POST: &str = "app.bsky.feed.post/";
const ACCOUNTS: u32 = 60;

#[tokio::test]
async fn a_backfill_of_the_network_survives_kills_and_ends_with_everything() -> Result<()> {
    let network = still_network().await?;
    let dir = tempfile::Builder::new().prefix("millrace-backfill-").tempdir()?;
    let ports = Ports::reserve()?;
    let configuration = configuration(ports, &network);
    let mut millrace = Millrace::start(Split::Local, ports, &configuration, dir.path()).await?;
    let asker = Asker::new(&millrace, SystemClock::shared(), 50)?;
    let posts = posts(&network);

    // Nobody has been heard of; the first is fetched because somebody looks.
    let mut people = posts.keys().cloned();
    let looked_at = people.next().context("somebody")?;
    let reader = network.look(|world| {
        let identity = &world.accounts().last().context("somebody")?.identity;
        anyhow::Ok(Viewer { did: identity.did.clone(), key: identity.key.clone() })
    })?;
    let params = [("actor", looked_at.to_string())];
    let first = asker.get(Some(&reader), "app.bsky.actor.getProfile", &params).await?;
    ensure!(first.is_err(), "it is not here yet: {first:?}");
    until_state(&mut millrace, &asker, &looked_at, "complete").await?;

    told(&millrace, &["backfill", "network", "--yes"]).await?;
    for fetched in [5, 15, 30] {
        until(&mut millrace, |job| job["fetched"].as_u64().unwrap_or(0) >= fetched).await?;
        millrace.kill9().await?;
        millrace.launch().await?;
        millrace.ready().await?;
    }
    let job = until(&mut millrace, |job| job["state"] == "done").await?;
    let settled = job["fetched"].as_u64().unwrap_or(0) + job["passed"].as_u64().unwrap_or(0);
    ensure!(settled == u64::from(ACCOUNTS), "{job}");
    for (did, expected) in &posts {
        until_state(&mut millrace, &asker, did, "complete").await?;
        let params = [("actor", did.to_string())];
        let until = Instant::now() + WITHIN;
        loop {
            let profile = asker.get(Some(&reader), "app.bsky.actor.getProfile", &params).await?;
            let found = profile.ok().and_then(|profile| profile["postsCount"].as_u64());
            if found == Some(*expected) {
                break;
            }
            ensure!(Instant::now() < until, "{did}: {found:?} posts of {expected}");
            tokio::time::sleep(POLL).await;
        }
    }
    millrace.end().await
}

async fn still_network() -> Result<Network> {
    let sim = SimConfig {
        accounts: ACCOUNTS,
        hosts: 3,
        mix: Mix::Simple,
        history_writes: 3_000,
        writes_per_s: 0.0,
        account_events_per_mille: 0,
        ..SimConfig::default()
    };
    Network::start(&sim, SystemClock::shared()).await
}

/// How many posts each account has.
fn posts(network: &Network) -> BTreeMap<Did, u64> {
    network.look(|world| {
        let posts = world.accounts().map(|account| {
            let paths = account.repo.records().keys();
            let posts = paths.filter(|path| path.starts_with(POST)).count();
            (account.identity.did.clone(), posts as u64)
        });
        posts.collect()
    })
}

async fn told(millrace: &Millrace, args: &[&str]) -> Result<String> {
    let output = millrace.command(args).await?;
    ensure!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// Waits until the latest backfill is as wanted.
async fn until(millrace: &mut Millrace, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    let until = Instant::now() + WITHIN;
    loop {
        let list = told(millrace, &["backfill", "status", "--json"]).await?;
        let list: Value = serde_json::from_str(&list)?;
        let job = list["backfills"][0].clone();
        if wanted(&job) {
            return Ok(job);
        }
        millrace.must_be_running()?;
        ensure!(Instant::now() < until, "{job}");
        tokio::time::sleep(POLL).await;
    }
}

async fn until_state(
    millrace: &mut Millrace,
    asker: &Asker,
    did: &Did,
    wanted: &str,
) -> Result<()> {
    let until = Instant::now() + WITHIN;
    loop {
        let state = asker.account_state(did).await?;
        if state["syncState"] == wanted {
            return Ok(());
        }
        millrace.must_be_running()?;
        ensure!(Instant::now() < until, "{did} is not {wanted}: {state}");
        tokio::time::sleep(POLL).await;
    }
}

/// From now on: nothing of what was before is heard.
fn configuration(ports: Ports, network: &Network) -> String {
    let Ports { appview, internal, metrics } = ports;
    let (plc, pds, relay) = (network.plc_url(), network.pds_url(), network.relay_url());
    format!(
        r#"
[network]
allow_loopback = true
plc_url = "{plc}"
handle_resolver_url = "{pds}"

[[ingest.sources]]
name = "relay"
kind = "relay"
url = "{relay}"

[ingest.resync]
concurrency = 2

[dataplane]
listen = "127.0.0.1:{internal}"

[appview]
listen = "127.0.0.1:{appview}"
metrics_listen = "127.0.0.1:{metrics}"
admin_password = "{ADMIN_PASSWORD}"
service_did = "{SERVICE_DID}"
"#
    )
}
