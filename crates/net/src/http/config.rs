//! Settings of the guarded HTTP client.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How Millrace asks other servers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Allow requests to this machine itself (127.0.0.0/8 and ::1), and plain `http`. For tests,
    /// the demo and a PLC or PDS beside this process; other private addresses stay refused.
    pub allow_loopback: bool,
    /// Time to connect, in milliseconds.
    pub connect_timeout_ms: u64,
    /// Requests under way to one host.
    pub per_host_concurrency_max: u32,
    /// Requests a second to one host; further ones wait their turn. 0 means no bound.
    pub per_host_requests_per_second: f64,
    /// Requests that may go to one host at once after a pause.
    pub per_host_burst: u32,
    /// A PEM file with further certificate authorities to trust.
    pub ca_file: Option<PathBuf>,
    /// How Millrace names itself to other servers; empty means `millrace/<version>`.
    pub user_agent: String,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            allow_loopback: false,
            connect_timeout_ms: 5_000,
            per_host_concurrency_max: 8,
            per_host_requests_per_second: 50.0,
            per_host_burst: 50,
            ca_file: None,
            user_agent: String::new(),
        }
    }
}
