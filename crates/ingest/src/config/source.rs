//! What is followed, how it is checked, and what is fetched besides.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One stream of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// A name of your choice; the cursor is kept under it.
    pub name: String,
    /// `relay`, `pds`, `jetstream_v1` or `jetstream_v2`.
    #[serde(default)]
    pub kind: SourceKind,
    /// `wss://host` (or `https://host`); `ws://` on loopback only, unless `insecure` is set.
    pub url: String,
    /// Other hosts of the same stream, tried in turn while `url` does not answer. Each has a cursor
    /// of its own; after a while `url` is tried again, and goes on where it was left.
    #[serde(default)]
    pub fallback_urls: Vec<String>,
    /// Where to begin when no cursor is stored yet: absent = with what happens from now on,
    /// 0 = with the oldest event the source still has, N = with event N (`jetstream_v1`: with time
    /// N, in microseconds).
    #[serde(default)]
    pub cursor: Option<i64>,
    /// Jetstream only: collections whose records are wanted, as `app.bsky.feed.post` or
    /// `app.bsky.graph.*`; none = all.
    #[serde(default)]
    pub collections: Vec<String>,
    /// Jetstream only: accounts that are wanted; none = all.
    #[serde(default)]
    pub dids: Vec<String>,
    /// `jetstream_v1` only, whose cursor is a time: how far before the last event a connection
    /// begins, in milliseconds. What comes twice is dropped.
    #[serde(default = "rewind_ms")]
    pub rewind_ms: u64,
    /// `jetstream_v2` only: have messages compressed with the dictionary that the server gives.
    #[serde(default = "compress")]
    pub compress: bool,
    /// Allows plain `ws://` to a host that is not loopback, for a network you trust.
    #[serde(default)]
    pub insecure: bool,
}

fn rewind_ms() -> u64 {
    5_000
}

fn compress() -> bool {
    true
}

impl Default for SourceConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            kind: SourceKind::default(),
            url: String::new(),
            fallback_urls: Vec::new(),
            cursor: None,
            collections: Vec::new(),
            dids: Vec::new(),
            rewind_ms: rewind_ms(),
            compress: compress(),
            insecure: false,
        }
    }
}

/// What answers at a source's URL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// A relay: many hosts' events in one stream.
    #[default]
    Relay,
    /// One PDS: it speaks for the accounts it hosts and for nobody else.
    Pds,
    /// A Jetstream's `/subscribe`: events without signatures. They are marked unverified.
    JetstreamV1,
    /// A Jetstream's `network.bsky.jetstream.subscribeEvents`. Unverified too.
    JetstreamV2,
}

impl SourceKind {
    /// The name used in configuration, metrics and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Pds => "pds",
            Self::JetstreamV1 => "jetstream_v1",
            Self::JetstreamV2 => "jetstream_v2",
        }
    }

    /// Whether its events carry no proofs.
    pub const fn is_jetstream(self) -> bool {
        matches!(self, Self::JetstreamV1 | Self::JetstreamV2)
    }
}

/// How much of a commit is checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerifyMode {
    /// Signature, every CID, the tree and the chain of each commit.
    #[default]
    Full,
    /// The chain of each commit; the rest of one commit in `sample_one_in`.
    Sampled,
    /// The chain only. Entries are marked unverified.
    Off,
}

/// What to do when a source does not know our cursor yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFutureCursor {
    /// Stop the source, say so, and wait for an operator.
    #[default]
    Stop,
    /// Forget the cursor and read everything the source still has.
    RestartAtOldest,
}

/// Which repositories are fetched whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", untagged)]
pub enum Backfill {
    /// `"none"` or `"all"`.
    Mode(BackfillMode),
    /// These accounts.
    Dids(Vec<String>),
}

impl Default for Backfill {
    fn default() -> Self {
        Self::Mode(BackfillMode::None)
    }
}

/// The two settings of [`Backfill`] that name no account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BackfillMode {
    /// Only accounts that are desynchronized.
    None,
    /// Every account that a source lists or that is seen for the first time.
    All,
}

impl Backfill {
    /// Whether every account is wanted.
    pub fn is_all(&self) -> bool {
        matches!(self, Self::Mode(BackfillMode::All))
    }
}
