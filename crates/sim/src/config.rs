//! How large, how lively and how honest the made-up network is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::faults::FaultConfig;

/// `[sim]`: the simulated network of `millrace demo`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SimConfig {
    /// The same seed and start time make the same network, byte for byte.
    pub seed: u64,
    /// Accounts.
    pub accounts: u32,
    /// PDSs; accounts are spread over them.
    pub hosts: u32,
    /// How many of the accounts are did:web, at most one a PDS. Their DIDs hold the PDS's port, so the
    /// network is the same again only on the same ports.
    pub web_accounts: u32,
    /// Labelers, accounts besides, each with a stream of its own that says something of people and posts now and then.
    /// `millrace demo` has at least one.
    pub labelers: u32,
    /// What people write.
    pub mix: Mix,
    /// How unevenly people are known: 1 is everyone alike, each step further leaves more to the first.
    pub popularity: u32,
    /// Records that each repository is filled with before the history, in one commit each.
    pub repo_records: u32,
    /// Writes that are made before the network is served: its history.
    pub history_writes: u32,
    /// How far back the history reaches, seconds before the start.
    pub history_s: u64,
    /// Writes a second once it is served; 0 keeps it still.
    pub writes_per_s: f64,
    /// Of a thousand things that happen once it is served, how many happen to accounts: another handle,
    /// key or PDS, a status, an end.
    pub account_events_per_mille: u32,
    /// Whether such things happen in the history too. Then not every old commit can be verified any more.
    pub account_events_in_history: bool,
    /// Frames the relay keeps for cursors, bytes; the oldest go first. Each PDS and Jetstream keep as many.
    pub relay_bytes_max: u64,
    /// How it misbehaves; by default not at all.
    pub faults: FaultConfig,
}

/// What people write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mix {
    /// Posts, replies, quotes, likes, follows; all well-formed.
    Simple,
    /// Every kind of record there is, odd and broken ones among them.
    Rich,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            accounts: 40,
            hosts: 3,
            web_accounts: 0,
            labelers: 0,
            mix: Mix::Rich,
            popularity: 2,
            repo_records: 0,
            history_writes: 1_500,
            history_s: 3 * 86_400,
            writes_per_s: 2.0,
            account_events_per_mille: 5,
            account_events_in_history: false,
            relay_bytes_max: 256 << 20,
            faults: FaultConfig::default(),
        }
    }
}
