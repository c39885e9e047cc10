//! The dashboard in a real browser: `browser/main.mjs` drives Debian's Chromium against the program, which
//! follows a made-up network in which somebody wrote a hostile post, and has entries that nobody can read.

use std::path::Path;

use anyhow::{Context, Result, bail};
use millrace_log::{Append, Log, LogConfig, Topic};
use millrace_runtime::clock::SystemClock;
use millrace_runtime::metrics::Registry;
use millrace_sim::records::{self, Reply};
use millrace_sim::{Mix, Network, SimConfig};
use serde_json::{Value, json};

use crate::chromium::{drive, ready};
use crate::exhibits;
use crate::millrace::{ADMIN_PASSWORD, Millrace, Ports, Split};

const POST: &str = "app.bsky.feed.post";
/// What a page must never take for anything but text.
const HOSTILE: &str = "<img src=x onerror=\"hacked=1\"><script>hacked=1</script> javascript:alert(1) \u{202e}]] &lt;b&gt;";
const REPLY: &str = "an answer to that";
/// The service, which issues labels.
const SERVICE_DID: &str = "did:web:dashboard.test";
const SERVICE_KEY: &str = "5b3ae5c1e9a0c3f6b1d2a4e8f7c6b5a4938271605f4e3d2c1b0a998877665544";

#[tokio::test(flavor = "multi_thread")]
async fn people_use_the_dashboard_in_a_browser() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let config = SimConfig {
        accounts: 30,
        mix: Mix::Simple,
        history_writes: 400,
        writes_per_s: 4.0,
        account_events_per_mille: 0,
        ..SimConfig::default()
    };
    let network = Network::start(&config, SystemClock::shared()).await?;
    let mut given = write(&network)?;
    poison(&dir.path().join("data")).await?;
    let ports = Ports::reserve()?;
    let mut millrace =
        Millrace::start(Split::Local, ports, &configuration(ports, &network), dir.path()).await?;
    let base = format!("http://127.0.0.1:{}", ports.appview);
    let Some(chromium) = ready(&base).await? else { return Ok(()) };
    let token = std::fs::read_to_string(dir.path().join("data/admin.token"))?;
    given["base"] = base.into();
    given["token"] = token.trim().into();
    given["password"] = ADMIN_PASSWORD.into();
    drive("main.mjs", &chromium, given, &mut millrace).await?;
    millrace.end().await
}

/// A thread that begins with a hostile post, and posts of every kind; what the browser has to know of it.
fn write(network: &Network) -> Result<Value> {
    let now_us = SystemClock::shared().now_us();
    network.change(|world| -> Result<Value> {
        let people: Vec<_> =
            world.accounts().map(|account| account.identity.did.clone()).take(5).collect();
        let [author, other, painter, verifier, blocked] = people.as_slice() else {
            bail!("there are five people")
        };
        let handle =
            world.account(author).context("the author")?.identity.handle.as_str().to_owned();
        let name = "<b>Alice</b> & co";
        let profile = records::profile(name, "who writes what nobody should run", now_us);
        world.put_record(author, "app.bsky.actor.profile/self".to_owned(), now_us, profile)?;
        let post = records::post(HOSTILE, now_us, None, None, None);
        let root = world.create_record(author, POST, now_us, post)?;
        let reply = Reply { root: root.clone(), parent: root.clone() };
        let answer = records::post(REPLY, now_us, Some(&reply), None, None);
        world.create_record(other, POST, now_us, answer)?;
        let rkey = root.uri.rsplit('/').next().context("a record key")?;
        let exhibits = exhibits::write(world, [painter, verifier, blocked], now_us)?;
        Ok(json!({
            "exhibits": exhibits, "verifier": verifier.as_str(), "service": SERVICE_DID,
            "did": author.as_str(), "handle": handle, "name": name, "rkey": rkey,
            "hostile": HOSTILE, "reply": REPLY,
        }))
    })
}

/// Entries that the data-plane can only park.
async fn poison(data: &Path) -> Result<()> {
    std::fs::create_dir_all(data)?;
    let log = Log::open(&LogConfig::in_dir(data), SystemClock::shared(), &Registry::new())?;
    let item = |n| Append::new(format!("did:plc:poison{n}"), format!("no entry {n}"));
    log.append(Topic::NetworkEntries, (0..2).map(item).collect()).await?;
    log.close().await;
    Ok(())
}

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
cursor = 0

[dataplane]
listen = "127.0.0.1:{internal}"

[appview]
listen = "127.0.0.1:{appview}"
metrics_listen = "127.0.0.1:{metrics}"
public_url = "http://127.0.0.1:{appview}"
admin_password = "{ADMIN_PASSWORD}"
service_did = "{SERVICE_DID}"
service_key = "{SERVICE_KEY}"
trusted_labelers = ["{SERVICE_DID}"]
"#
    )
}
