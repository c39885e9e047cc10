//! Settings of identity resolution.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How DIDs and handles are resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ResolverConfig {
    /// Where `did:plc` documents are asked for.
    pub plc_url: String,
    /// Requests under way to one host for identities.
    pub identity_concurrency_max: u32,
    /// Requests a second to one host for identities; 0 means no bound.
    pub identity_requests_per_second: f64,
    /// A server that answers `/.well-known/atproto-did` for every handle, told by the `Host`
    /// header. When set, handles are asked of it alone, without DNS; `.test` handles resolve only
    /// so.
    pub handle_resolver_url: Option<String>,
    /// DNS servers (`address` or `address:port`) to ask for handles instead of the system's.
    pub dns_servers: Vec<String>,
    /// Time of one lookup, in milliseconds.
    pub timeout_ms: u64,
    /// Memory for cached identities, in bytes; handles get a quarter of it besides.
    pub cache_bytes_max: u64,
    /// How long a resolved identity or handle is kept, in seconds.
    pub hit_ttl_s: u64,
    /// How long a failed lookup is not repeated, in seconds.
    pub error_ttl_s: u64,
    /// How long a handle that resolves to nothing is not asked again, in seconds.
    pub invalid_handle_ttl_s: u64,
    /// How long an identity is still used when its renewal fails, in seconds.
    pub stale_ttl_s: u64,
    /// Shortest time between two forced refreshes of one identity, in milliseconds.
    pub refresh_interval_ms: u64,
}

impl Default for ResolverConfig {
    fn default() -> Self {
        Self {
            plc_url: "https://plc.directory".to_owned(),
            identity_concurrency_max: 32,
            identity_requests_per_second: 200.0,
            handle_resolver_url: None,
            dns_servers: Vec::new(),
            timeout_ms: 10_000,
            cache_bytes_max: 64 * 1024 * 1024,
            hit_ttl_s: 24 * 60 * 60,
            error_ttl_s: 2 * 60,
            invalid_handle_ttl_s: 5 * 60,
            stale_ttl_s: 7 * 24 * 60 * 60,
            refresh_interval_ms: 2_000,
        }
    }
}

impl ResolverConfig {
    pub(super) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}
