//! How large and how lively the made-up network is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[sim]`: the simulated network of `millrace demo`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SimConfig {
    /// The same seed and start time make the same network, byte for byte.
    pub seed: u64,
    /// Accounts.
    pub accounts: u32,
    /// Writes that are made before the network is served: its history.
    pub history_writes: u32,
    /// How far back the history reaches, seconds before the start.
    pub history_s: u64,
    /// Writes a second once it is served; 0 keeps it still.
    pub writes_per_s: f64,
    /// Frames the relay keeps for cursors, bytes; the oldest go first.
    pub relay_bytes_max: u64,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            accounts: 40,
            history_writes: 1_500,
            history_s: 3 * 86_400,
            writes_per_s: 2.0,
            relay_bytes_max: 256 << 20,
        }
    }
}
