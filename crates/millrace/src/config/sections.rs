//! Sections that join a crate's settings with the program's own.

use std::net::SocketAddr;

use millrace_appview::AppviewConfig;
use millrace_dataplane::config::DataplaneConfig;
use millrace_dataplane::retention::RetentionConfig;
use millrace_ingest::{IngestConfig, SourceConfig, SourceKind};
use millrace_net::{HttpConfig, ResolverConfig};
use millrace_runtime::config::Secret;
use millrace_store::StoreConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How Millrace asks other servers: documents of accounts, handles, repositories.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NetworkSection {
    #[serde(flatten)]
    pub http: HttpConfig,
    #[serde(flatten)]
    pub resolver: ResolverConfig,
}

/// How the network is followed.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct IngestSection {
    /// A relay to follow: short for one `[[ingest.sources]]` named `relay` with this URL.
    pub relay_url: Option<String>,
    #[serde(flatten)]
    pub ingest: IngestConfig,
}

impl IngestSection {
    pub(super) fn with_relay(&self) -> IngestConfig {
        let mut ingest = self.ingest.clone();
        ingest.sources.extend(self.relay_url.as_ref().map(|url| SourceConfig {
            name: "relay".to_owned(),
            kind: SourceKind::Relay,
            url: url.clone(),
            ..SourceConfig::default()
        }));
        ingest
    }
}

/// Where tables are kept, how much of the machine they may use, and what may be forgotten.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StoreSection {
    #[serde(flatten)]
    pub store: StoreConfig,
    /// What may be forgotten, and when. Nothing is unless it is set here.
    pub retention: RetentionConfig,
}

/// Most of it is the store's own.
impl std::ops::Deref for StoreSection {
    type Target = StoreConfig;

    fn deref(&self) -> &StoreConfig {
        &self.store
    }
}

impl std::ops::DerefMut for StoreSection {
    fn deref_mut(&mut self) -> &mut StoreConfig {
        &mut self.store
    }
}

/// How entries are applied, and where questions about them are answered.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DataplaneSection {
    /// Where `/internal`, `/health`, `/ready`, `/metrics` and operators' commands are answered.
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// Where an AppView in another process finds this one.
    pub url: String,
    /// What callers of `/internal` must show. Needed when `listen` is not on loopback.
    pub internal_secret: Option<Secret>,
    /// How long an AppView in another process waits for an answer, in milliseconds.
    pub timeout_ms: u64,
    #[serde(flatten)]
    pub dataplane: DataplaneConfig,
}

impl Default for DataplaneSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 5_001)),
            url: "http://127.0.0.1:5001".to_owned(),
            internal_secret: None,
            timeout_ms: 10_000,
            dataplane: DataplaneConfig::default(),
        }
    }
}

impl DataplaneSection {
    /// The secret, if there is one.
    pub fn secret(&self) -> Option<Secret> {
        self.internal_secret.clone().filter(|secret| !secret.is_empty())
    }
}

/// Who this service is and how it answers the public.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AppviewSection {
    /// Where the public is answered.
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// Where an AppView in a process of its own shows `/metrics`; never public.
    #[schemars(with = "String")]
    pub metrics_listen: SocketAddr,
    #[serde(flatten)]
    pub appview: AppviewConfig,
}

impl Default for AppviewSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 5_000)),
            metrics_listen: SocketAddr::from(([127, 0, 0, 1], 9_464)),
            appview: AppviewConfig::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Of two flattened parts with a setting of the same name only one would receive it.
    #[test]
    fn parts_of_a_section_share_no_name() {
        let names = |part: serde_json::Value| -> Vec<String> {
            part.as_object().unwrap().keys().cloned().collect()
        };
        let http = names(serde_json::to_value(HttpConfig::default()).unwrap());
        let resolver = names(serde_json::to_value(ResolverConfig::default()).unwrap());
        assert_eq!(http.iter().filter(|name| resolver.contains(name)).count(), 0, "{http:?}");
        let section = names(serde_json::to_value(NetworkSection::default()).unwrap());
        assert_eq!(section.len(), http.len() + resolver.len());
    }
}
