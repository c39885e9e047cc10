//! A PLC directory and a PDS of the protocol's own software, in one Node process
//! (`network/light-net.mjs`); each can be taken away and given back with its data.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::json_lines::JsonLines;

pub struct Network {
    node: JsonLines,
    pub plc_url: String,
    pub pds_url: String,
    /// The firehose's origin, as a relay URL is configured.
    pub firehose_url: String,
    pub pds_did: String,
    /// Who the AppView is on this network: registered with the PLC before Millrace starts.
    pub appview_did: String,
    /// Who moderates, if anybody does: registered likewise, and trusted by the PDS and by Millrace.
    pub moderation: Option<Moderation>,
}

/// The moderation service's identity.
#[derive(Clone, Debug)]
pub struct Moderation {
    pub did: String,
    pub port: u16,
    pub signing_key_hex: String,
}

/// A peer that can go away.
#[derive(Clone, Copy, Debug)]
pub enum Peer {
    Pds,
    Plc,
}

impl Peer {
    const fn name(self) -> &'static str {
        match self {
            Self::Pds => "pds",
            Self::Plc => "plc",
        }
    }
}

impl Network {
    /// Starts both; the PDS sends `app.bsky.*` to `appview_url`, and takes orders from a moderation service on
    /// `moderation_port` if one is named; nothing need listen yet.
    pub async fn start(
        appview_url: &str,
        moderation_port: Option<u16>,
        dir: &Path,
    ) -> Result<Self> {
        Self::start_with(appview_url, moderation_port, Vec::new(), dir).await
    }

    /// The same with more in its environment.
    pub async fn start_with(
        appview_url: &str,
        moderation_port: Option<u16>,
        environment: Vec<(&'static str, String)>,
        dir: &Path,
    ) -> Result<Self> {
        let mut env = environment;
        env.extend([
            ("APPVIEW_URL", appview_url.to_owned()),
            ("DATA_DIR", dir.join("pds").display().to_string()),
        ]);
        env.extend(
            moderation_port.map(|port| ("MODERATION_URL", format!("http://localhost:{port}"))),
        );
        let (node, hello) = JsonLines::start("light-net.mjs", &env, dir).await?;
        let text = |value: &Value| {
            value.as_str().map(str::to_owned).context("the network tells all its addresses")
        };
        let firehose = text(&hello["firehose"])?;
        let origin = firehose.split("/xrpc/").next().unwrap_or(&firehose);
        let told = &hello["moderation"];
        let moderation = |port| -> Result<Moderation> {
            let (did, key) = (text(&told["did"])?, text(&told["signingKey"])?);
            Ok(Moderation { did, port, signing_key_hex: key })
        };
        Ok(Self {
            node,
            plc_url: text(&hello["plc"])?,
            pds_url: text(&hello["pds"])?,
            firehose_url: origin.to_owned(),
            pds_did: text(&hello["pdsDid"])?,
            appview_did: text(&hello["appview"]["did"])?,
            moderation: moderation_port.map(moderation).transpose()?,
        })
    }

    /// The sequence number of the newest event that the PDS has sent out.
    pub async fn latest_seq(&mut self) -> Result<i64> {
        let seq = self.node.must("pds.latestSeq", json!({})).await?;
        seq.as_i64().context("a sequence number")
    }

    /// From now on who asks the PDS for a repository waits.
    pub async fn hold_repos(&mut self) -> Result<()> {
        self.node.must("pds.holdRepos", json!({})).await.map(drop)
    }

    pub async fn release_repos(&mut self) -> Result<()> {
        self.node.must("pds.releaseRepos", json!({})).await.map(drop)
    }

    /// An account's sessions by OAuth, as their server has them.
    pub async fn sessions_of(&mut self, did: &str) -> Result<Vec<Value>> {
        let sessions = self.node.must("pds.sessions", json!({"did": did})).await?;
        Ok(sessions.as_array().context("sessions")?.clone())
    }

    /// How long access tokens are good that the PDS gives out from now on.
    pub async fn tokens_last(&mut self, ms: u64) -> Result<()> {
        self.node.must("pds.tokensLast", json!({"ms": ms})).await.map(drop)
    }

    /// The DID of a new service: a feed generator at `url`.
    pub async fn register_feed_generator(&mut self, url: &str) -> Result<String> {
        let service = json!({"handle": "feeds.test", "url": url, "id": "bsky_fg", "type": "BskyFeedGenerator"});
        let did = self.node.must("plc.register", service).await?;
        Ok(did.as_str().context("a DID")?.to_owned())
    }

    pub async fn stop(&mut self, peer: Peer) -> Result<()> {
        self.node.must(&format!("{}.stop", peer.name()), json!({})).await.map(drop)
    }

    pub async fn resume(&mut self, peer: Peer) -> Result<()> {
        self.node.must(&format!("{}.start", peer.name()), json!({})).await.map(drop)
    }

    pub async fn end(self) -> Result<()> {
        self.node.end().await
    }
}
