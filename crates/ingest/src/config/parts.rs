//! How connections are kept, repositories fetched and identities kept fresh.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a source's connection is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectionConfig {
    /// Largest message accepted, in bytes.
    pub message_bytes_max: usize,
    /// Time to connect and to finish the handshake, in milliseconds.
    pub connect_timeout_ms: u64,
    /// First wait before connecting again, in milliseconds.
    pub backoff_first_ms: u64,
    /// Longest wait before connecting again, in milliseconds.
    pub backoff_max_ms: u64,
    /// Shortest silence after which a connection counts as dead, in milliseconds. A source that is
    /// usually quieter is given more.
    pub idle_min_ms: u64,
    /// Longest such silence, in milliseconds.
    pub idle_max_ms: u64,
    /// Silence allowed before the source's usual rate is known, in milliseconds.
    pub idle_first_ms: u64,
    /// How long one of a source's `fallback_urls` is followed before its `url` is tried again, in
    /// milliseconds.
    pub fallback_return_ms: u64,
}

/// How repositories are fetched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ResyncConfig {
    /// A relay or mirror that serves `getRepo`, asked before the account's own PDS.
    pub relay_url: Option<String>,
    /// Fetches at once.
    pub concurrency: usize,
    /// Fetches at once from one host.
    pub host_concurrency: usize,
    /// Largest repository accepted, in bytes.
    pub repo_bytes_max: usize,
    /// A repository above this size waits until it is the only one of its kind in memory.
    pub small_repo_bytes_max: usize,
    /// Bytes of records in one log entry.
    pub chunk_bytes_max: usize,
    /// Bytes of fetched repositories that may be in the log before they are applied: what is new waits behind them.
    pub ahead_bytes_max: usize,
    /// First wait after a failure, in milliseconds.
    pub backoff_first_ms: u64,
    /// Longest wait after a failure, in milliseconds.
    pub backoff_max_ms: u64,
    /// How often the table is asked for accounts that are due, in milliseconds.
    pub poll_ms: u64,
    /// Time between two pages of `listRepos`, in milliseconds.
    pub list_repos_pause_ms: u64,
}

/// How identities are kept fresh.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityConfig {
    /// Key look-ups at once, for each DID method.
    pub lookups_max: usize,
    /// How long a look-up may fail before the events waiting for it are recorded as to be fetched
    /// later, in milliseconds. Until then the source's cursor does not pass them.
    pub hold_ms: u64,
    /// First wait after a failed look-up, in milliseconds.
    pub backoff_first_ms: u64,
    /// Longest wait after a failed look-up, in milliseconds.
    pub backoff_max_ms: u64,
    /// How long a key is used before it is looked up again, in milliseconds.
    pub key_ttl_ms: u64,
    /// Shortest time between two look-ups of one account's key past the cache, in milliseconds; its
    /// events wait meanwhile.
    pub refresh_pause_ms: u64,
    /// Shortest time between two refreshes of one account's key after bad signatures, in
    /// milliseconds.
    pub refresh_min_ms: u64,
    /// Shortest time between two questions to a PDS about one account's status, in milliseconds.
    pub status_check_min_ms: u64,
    /// Handle verifications at once.
    pub handle_checks_max: usize,
    /// How often a verified handle is verified again, in milliseconds.
    pub handle_reverify_ms: u64,
    /// How often a handle that did not verify is tried again, in milliseconds.
    pub handle_retry_ms: u64,
    /// How often the table is asked for identities that are due, in milliseconds.
    pub poll_ms: u64,
}

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const MIB: usize = 1 << 20;

impl Default for ConnectionConfig {
    fn default() -> Self {
        Self {
            message_bytes_max: 5_000_000,
            connect_timeout_ms: 15_000,
            backoff_first_ms: 500,
            backoff_max_ms: MINUTE_MS,
            idle_min_ms: 20_000,
            idle_max_ms: HOUR_MS,
            idle_first_ms: 5 * MINUTE_MS,
            fallback_return_ms: 10 * MINUTE_MS,
        }
    }
}

impl Default for ResyncConfig {
    fn default() -> Self {
        Self {
            relay_url: None,
            concurrency: 8,
            host_concurrency: 2,
            repo_bytes_max: 512 * MIB,
            small_repo_bytes_max: 32 * MIB,
            chunk_bytes_max: 1_000_000,
            ahead_bytes_max: 3 * MIB / 2,
            backoff_first_ms: 5_000,
            backoff_max_ms: 6 * HOUR_MS,
            poll_ms: 2_000,
            list_repos_pause_ms: 200,
        }
    }
}

impl Default for IdentityConfig {
    fn default() -> Self {
        Self {
            lookups_max: 64,
            hold_ms: 30_000,
            backoff_first_ms: 1_000,
            backoff_max_ms: MINUTE_MS,
            key_ttl_ms: HOUR_MS,
            refresh_pause_ms: 2_000,
            refresh_min_ms: 5 * MINUTE_MS,
            status_check_min_ms: 10 * MINUTE_MS,
            handle_checks_max: 16,
            handle_reverify_ms: 7 * 24 * HOUR_MS,
            handle_retry_ms: 6 * HOUR_MS,
            poll_ms: 2_000,
        }
    }
}
