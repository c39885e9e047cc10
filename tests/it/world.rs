//! Everything one test needs, started in the order it has to be: ports, network, Millrace, client.
//! The one thing it knows besides: when what was written is visible.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::client::{Account, Client};
use crate::millrace::{self, Engine, Millrace, Ports, Split};
use crate::network::Network;

const NAMED_WITHIN: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(20);

pub struct World {
    pub network: Network,
    pub client: Client,
    pub millrace: Millrace,
    pub http: reqwest::Client,
    // Last: removed when all processes above are gone.
    dir: TempDir,
}

impl World {
    pub async fn start(engine: &Engine, split: Split) -> Result<Self> {
        Self::moderated(engine, split, None).await
    }

    /// The same where a moderation service on that port is trusted by the PDS and by Millrace.
    pub async fn moderated(
        engine: &Engine,
        split: Split,
        moderation_port: Option<u16>,
    ) -> Result<Self> {
        Self::configured(engine, split, moderation_port, "").await
    }

    /// The same with more settings of Millrace's.
    pub async fn configured(
        engine: &Engine,
        split: Split,
        moderation_port: Option<u16>,
        more: &str,
    ) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("millrace-test-").tempdir()?;
        let ports = Ports::reserve()?;
        let network = Network::start(&ports.appview_url(), moderation_port, dir.path()).await?;
        let client = Client::start(&network, dir.path()).await?;
        let configuration = millrace::configuration(engine, ports, &network) + more;
        let millrace = Millrace::start(split, ports, &configuration, dir.path()).await?;
        Self::of(network, client, millrace, dir)
    }

    /// What was started one by one, in `dir`.
    pub fn of(network: Network, client: Client, millrace: Millrace, dir: TempDir) -> Result<Self> {
        Ok(Self { network, client, millrace, http: http_client()?, dir })
    }

    /// A folder for what else runs in this world.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Waits until everything the PDS has sent out so far can be read.
    pub async fn settle(&mut self) -> Result<()> {
        let seq = self.network.latest_seq().await?;
        self.millrace
            .until(|source| source["visibleSeq"].as_i64().is_some_and(|visible| visible >= seq))
            .await
            .with_context(|| format!("waiting for event {seq} to be visible"))
    }

    /// Waits until an account is found by its handle. Handles are verified beside the stream of
    /// events, since a handle's server may be slow or gone; no event waits for that.
    pub async fn until_named(&mut self, account: &Account) -> Result<()> {
        let url = format!("{}/xrpc/app.bsky.actor.getProfile", self.millrace.appview_url());
        let until = Instant::now() + NAMED_WITHIN;
        loop {
            let answer = self.http.get(&url).query(&[("actor", &account.handle)]).send().await?;
            if answer.status().is_success() {
                return Ok(());
            }
            if Instant::now() > until {
                bail!("{} is not found by its handle: {}", account.handle, answer.text().await?);
            }
            sleep(POLL).await;
        }
    }

    /// Ends everything in good order; a process that does not end well is a failure.
    pub async fn end(self) -> Result<()> {
        self.millrace.end().await?;
        self.client.end().await?;
        self.network.end().await
    }
}

/// A client for plain HTTP on loopback. (reqwest asks for a TLS provider all the same.)
pub fn http_client() -> Result<reqwest::Client> {
    // An error says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build()?)
}
