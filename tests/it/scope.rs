//! A server that follows only whom its readers follow, on a made-up network: somebody is followed, and
//! their posts appear; nobody follows them any more, and theirs do not. And a disk that fills up.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use millrace_atproto::syntax::Did;
use millrace_runtime::clock::{SharedClock, SystemClock};
use millrace_sim::config::Mix;
use millrace_sim::{Network, SimConfig, records};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::millrace::{ADMIN_PASSWORD, Millrace, Ports, Split};
use crate::oracle::asking::{Asker, Viewer};
use crate::oracle::program::SERVICE_DID;

const WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);
const POST: &str = "app.bsky.feed.post";
const FOLLOW: &str = "app.bsky.graph.follow";

/// A still network, a program beside it, and one of its people who reads there.
struct Bed {
    network: Network,
    millrace: Millrace,
    asker: Asker,
    reader: Viewer,
    clock: SharedClock,
    dir: tempfile::TempDir,
}

impl Bed {
    async fn start(ingest: &str, disk: &str) -> Result<Self> {
        let clock = SystemClock::shared();
        let sim = SimConfig {
            accounts: 12,
            hosts: 2,
            mix: Mix::Simple,
            history_writes: 300,
            writes_per_s: 0.0,
            account_events_per_mille: 0,
            ..SimConfig::default()
        };
        let network = Network::start(&sim, clock.clone()).await?;
        let dir = tempfile::Builder::new().prefix("millrace-scope-").tempdir()?;
        let ports = Ports::reserve()?;
        let configuration = configuration(ports, &network, ingest, disk);
        let millrace = Millrace::start(Split::Local, ports, &configuration, dir.path()).await?;
        let asker = Asker::new(&millrace, clock.clone(), 50)?;
        // Whoever follows the most, but not everybody.
        let reader = network.look(|world| {
            let most = world.accounts().max_by_key(|account| {
                let paths = account.repo.records().keys();
                paths.filter(|path| path.starts_with(FOLLOW)).count()
            });
            let identity = &most.context("somebody")?.identity;
            anyhow::Ok(Viewer { did: identity.did.clone(), key: identity.key.clone() })
        })?;
        Ok(Self { network, millrace, asker, reader, clock, dir })
    }

    /// Whom the reader does not follow, in the order of their coming.
    fn strangers(&self) -> Vec<Did> {
        self.network.look(|world| {
            let followed: Vec<String> = world
                .account(&self.reader.did)
                .map(|account| {
                    let records = account.repo.records().iter();
                    let follows = records.filter(|(path, _)| path.starts_with(FOLLOW));
                    follows.map(|(_, (_, record))| String::from_utf8_lossy(record).into_owned())
                })
                .into_iter()
                .flatten()
                .collect();
            let is_stranger = |did: &&Did| {
                **did != self.reader.did
                    && !followed.iter().any(|record| record.contains(did.as_str()))
            };
            let dids = world.accounts().map(|account| &account.identity.did);
            dids.filter(is_stranger).cloned().collect()
        })
    }

    fn write(&self, did: &Did, collection: &str, record: Vec<u8>) -> Result<String> {
        let now_us = self.clock.now_us();
        let made =
            self.network.change(|world| world.create_record(did, collection, now_us, record))?;
        Ok(made.uri)
    }

    fn post(&self, did: &Did, text: &str) -> Result<String> {
        self.write(did, POST, records::post(text, self.clock.now_us(), None, None, None))
    }

    fn follow(&self, whom: &Did) -> Result<String> {
        self.write(&self.reader.did, FOLLOW, records::follow(whom, self.clock.now_us()))
    }

    fn unfollow(&self, uri: &str) -> Result<()> {
        let path = uri.split_once("/app.").map(|(_, path)| format!("app.{path}"));
        let path = path.context("a record's address")?;
        let now_us = self.clock.now_us();
        self.network
            .change(|world| world.delete_record(&self.reader.did, &path, now_us))
            .map_err(Into::into)
    }

    async fn state(&self, did: &Did) -> Result<Value> {
        self.asker.account_state(did).await
    }

    /// What the reader's timeline shows.
    async fn timeline(&self) -> Result<Vec<String>> {
        let params = [("limit", "100".to_owned())];
        let answer = self.asker.get(Some(&self.reader), "app.bsky.feed.getTimeline", &params);
        let Ok(answer) = answer.await? else { return Ok(Vec::new()) };
        let feed = answer["feed"].as_array().context("feed")?;
        Ok(feed.iter().filter_map(|item| Some(item["post"]["uri"].as_str()?.to_owned())).collect())
    }

    async fn until_shown(&mut self, uri: &str) -> Result<()> {
        let until = Instant::now() + WITHIN;
        while !self.timeline().await?.iter().any(|shown| shown == uri) {
            self.millrace.must_be_running()?;
            ensure!(Instant::now() < until, "{uri} is not shown: {:?}", self.timeline().await?);
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    async fn until_state(&mut self, did: &Did, wanted: impl Fn(&Value) -> bool) -> Result<()> {
        let until = Instant::now() + WITHIN;
        loop {
            let state = self.state(did).await?;
            if wanted(&state) {
                return Ok(());
            }
            self.millrace.must_be_running()?;
            if Instant::now() > until {
                bail!("{did} is {state}");
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Everything that the network has sent is judged.
    async fn until_read(&mut self) -> Result<()> {
        let last = self.network.look(|world| world.last_seq());
        self.millrace
            .until(|source| source["cursor"].as_i64().is_some_and(|cursor| cursor >= last))
            .await
    }

    async fn ready(&self) -> Result<Value> {
        let url = self.millrace.internal_url().replace("/internal", "/ready");
        let answer = crate::world::http_client()?.get(url).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }
}

fn configuration(ports: Ports, network: &Network, ingest: &str, disk: &str) -> String {
    let Ports { appview, internal, metrics } = ports;
    let (plc, pds, relay) = (network.plc_url(), network.pds_url(), network.relay_url());
    format!(
        r#"
[disk]
{disk}

[network]
allow_loopback = true
plc_url = "{plc}"
handle_resolver_url = "{pds}"

[ingest]
{ingest}

[[ingest.sources]]
name = "relay"
url = "{relay}"
cursor = 0

[ingest.connection]
backoff_first_ms = 20
backoff_max_ms = 200

[ingest.resync]
backoff_first_ms = 50
backoff_max_ms = 500
poll_ms = 50

[dataplane]
listen = "127.0.0.1:{internal}"

[appview]
listen = "127.0.0.1:{appview}"
metrics_listen = "127.0.0.1:{metrics}"
service_did = "{SERVICE_DID}"
public_url = "http://localhost:{appview}"
admin_password = "{ADMIN_PASSWORD}"
"#
    )
}

fn is_complete(state: &Value) -> bool {
    state["syncState"] == "complete" && state["outOfScope"] == false
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_readers_follow_is_followed_and_nobody_else() -> Result<()> {
    let by_interest = "scope = \"interest\"\n\
                       interest = { refresh_ms = 1000, grace_hours = 0 }";
    let mut bed = Bed::start(by_interest, "").await?;
    bed.until_read().await?;
    let reader = bed.reader.did.clone();
    let strangers = bed.strangers();
    let stranger = strangers.first().context("somebody is not followed")?.clone();
    ensure!(bed.state(&reader).await?.is_null(), "nobody has read here yet");

    // Reading is what makes an account one of ours: it is fetched, and whom it follows.
    bed.timeline().await?;
    bed.until_state(&reader, is_complete).await?;
    let followed: Vec<Did> = bed.network.look(|world| {
        let dids = world.accounts().map(|account| account.identity.did.clone());
        dids.filter(|did| *did != reader && !strangers.contains(did)).collect()
    });
    ensure!(!followed.is_empty(), "the reader follows nobody");
    for did in &followed {
        bed.until_state(did, is_complete).await?;
    }
    let shown = bed.post(&followed[0], "from somebody followed")?;
    bed.until_shown(&shown).await?;
    let unseen = bed.post(&stranger, "from a stranger")?;
    bed.until_read().await?;
    ensure!(bed.state(&stranger).await?.is_null(), "nothing is kept of a stranger");

    // Somebody new, and power loss before anything of theirs can be here.
    let follow = bed.follow(&stranger)?;
    bed.millrace.kill9().await?;
    bed.millrace.launch().await?;
    bed.millrace.ready().await?;
    bed.until_shown(&unseen).await?;
    bed.until_state(&stranger, is_complete).await?;
    let live = bed.post(&stranger, "heard at once")?;
    bed.until_shown(&live).await?;

    // Nobody follows them any more: what is here is kept, and grows old.
    bed.unfollow(&follow)?;
    let is_unfollowed =
        |state: &Value| state["outOfScope"] == true && state["syncState"] == "partial";
    bed.until_state(&stranger, is_unfollowed).await?;
    let missed = bed.post(&stranger, "to nobody here")?;
    bed.until_read().await?;
    let source = bed.millrace.source().await?;
    ensure!(source["outOfScope"].as_u64().is_some_and(|events| events > 0), "{source}");
    bed.follow(&stranger)?;
    bed.until_shown(&missed).await?;
    bed.until_shown(&live).await?;
    bed.millrace.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_reading_and_nothing_else() -> Result<()> {
    let mut bed = Bed::start("", "budget_bytes = 500000000\ncheck_ms = 50").await?;
    bed.until_read().await?;
    ensure!(bed.ready().await?["status"] == "ready", "{}", bed.ready().await?);
    let author = bed.strangers().first().context("a stranger")?.clone();
    bed.follow(&author)?;
    let before = bed.post(&author, "while there is room")?;
    bed.until_shown(&before).await?;
    // What is shown may be ahead of the cursor.
    bed.until_read().await?;

    // It takes no room, but counts as if it did.
    let filler = bed.dir.path().join("data/filler");
    std::fs::File::create(&filler)?.set_len(480_000_000)?;
    let is_stopped = |source: &Value| {
        let why = source["paused"].as_str().unwrap_or_default();
        source["connected"] == false && why.contains("MR-BIN-014")
    };
    bed.millrace.until(is_stopped).await?;
    let ready = bed.ready().await?;
    let reason = ready["reason"].as_str().unwrap_or_default();
    ensure!(ready["status"] == "degraded" && reason.contains("MR-BIN-014"), "{ready}");
    bed.millrace.until_logged("MR-BIN-014").await?;
    let cursor = bed.millrace.source().await?["cursor"].clone();
    let waiting = bed.post(&author, "while there is none")?;
    ensure!(bed.timeline().await?.contains(&before), "who reads is served");
    let muted = json!({"actor": author.as_str()});
    bed.asker.tell(&bed.reader, "app.bsky.graph.muteActor", muted.clone()).await?;
    bed.asker.tell(&bed.reader, "app.bsky.graph.unmuteActor", muted).await?;

    // A restart does not read either.
    bed.millrace.kill9().await?;
    bed.millrace.launch().await?;
    bed.millrace.ready().await?;
    bed.millrace.until(is_stopped).await?;
    ensure!(bed.millrace.source().await?["cursor"] == cursor, "nothing was read");
    ensure!(!bed.timeline().await?.contains(&waiting), "nor shown");

    // Between the marks it does not go on: 90 of 100 have to be free again.
    std::fs::File::options().write(true).open(&filler)?.set_len(460_000_000)?;
    let measured = bed.clock.now_us();
    bed.millrace.until(|_| bed.clock.now_us() > measured + 500_000).await?;
    ensure!(is_stopped(&bed.millrace.source().await?), "it goes on too soon");
    std::fs::remove_file(&filler)?;
    bed.until_shown(&waiting).await?;
    ensure!(bed.millrace.source().await?["paused"].is_null(), "it reads on");
    bed.millrace.end().await
}
