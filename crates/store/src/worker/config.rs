//! Settings of the worker loop: the bounds of a batch, and how patient it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a projection reads the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerConfig {
    /// Entries applied in one transaction.
    pub batch_entries_max: usize,
    /// Bytes of entries applied in one transaction.
    pub batch_bytes_max: usize,
    /// How often parked entries, the lease and the lag are looked at.
    pub tick_ms: u64,
    /// First pause after a failure that can pass; doubled with each further one.
    pub retry_base_ms: u64,
    /// Longest pause after a failure that can pass.
    pub retry_max_ms: u64,
    /// First pause before a parked entry is tried again; four times as long with each further one.
    pub parked_retry_base_ms: u64,
    /// Longest pause before a parked entry is tried again.
    pub parked_retry_max_ms: u64,
    /// Attempts after which a parked entry waits for an operator.
    pub parked_attempts_max: u32,
    /// Entries parked for one key before they are dropped and the key is fetched anew.
    pub parked_per_key_max: u32,
    /// Parked entries at which the projection stops: the fault is then not in the entries.
    pub parked_max: u32,
    /// How long a worker that fell silent keeps its partition (PostgreSQL).
    pub lease_ttl_ms: u64,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        WorkerConfig {
            batch_entries_max: 1_000,
            batch_bytes_max: 4 << 20,
            tick_ms: 1_000,
            retry_base_ms: 100,
            retry_max_ms: 30_000,
            parked_retry_base_ms: 60_000,
            parked_retry_max_ms: 86_400_000,
            parked_attempts_max: 10,
            parked_per_key_max: 1_000,
            parked_max: 100_000,
            lease_ttl_ms: 15_000,
        }
    }
}
