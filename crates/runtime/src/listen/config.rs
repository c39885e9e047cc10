//! Settings of connections.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Connections that clients open to this process; each listener counts its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectionsConfig {
    /// Connections open at once; further ones wait until one of them ends.
    pub connections_max: usize,
    /// Time for the head of a request to arrive, from its first byte, in milliseconds. The first request of a
    /// connection is waited for no longer either.
    pub header_timeout_ms: u64,
    /// How long a connection may be open without a request, in milliseconds; what a client does not read of its
    /// answer counts too. Longer than whatever stands in front of this service keeps its own open.
    pub idle_timeout_ms: u64,
    /// After how long an HTTP/2 client is asked whether it is still there, and how long it may take to say so, in
    /// milliseconds.
    pub http2_ping_ms: u64,
}

impl Default for ConnectionsConfig {
    fn default() -> Self {
        Self {
            connections_max: 4_096,
            header_timeout_ms: 20_000,
            idle_timeout_ms: 120_000,
            http2_ping_ms: 20_000,
        }
    }
}

impl ConnectionsConfig {
    /// Whether connections can live with it.
    ///
    /// # Errors
    /// The setting that must not be 0.
    pub fn check(&self) -> Result<(), &'static str> {
        let settings = [
            ("connections.connections_max", self.connections_max as u64),
            ("connections.header_timeout_ms", self.header_timeout_ms),
            ("connections.idle_timeout_ms", self.idle_timeout_ms),
            ("connections.http2_ping_ms", self.http2_ping_ms),
        ];
        let zero = settings.into_iter().find(|(_, value)| *value == 0);
        zero.map_or(Ok(()), |(key, _)| Err(key))
    }

    pub(super) fn header_timeout(&self) -> Duration {
        Duration::from_millis(self.header_timeout_ms)
    }

    pub(super) fn idle_timeout(&self) -> Duration {
        Duration::from_millis(self.idle_timeout_ms)
    }
}
