//! Which labelers are followed, and how.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most labelers that are followed: each has a connection of its own.
pub(crate) const LABELERS_MAX: usize = 256;

/// Which labelers are followed, and how. A stream begins with the labeler's oldest label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LabelersConfig {
    /// DIDs of the labelers whose labels are taken; where they are and what they sign with stands in their
    /// DID documents. Whose labels apply to requests that name none is `appview.trusted_labelers`.
    pub dids: Vec<String>,
    /// How many more are followed without being named: accounts that say in their repositories that they are
    /// labelers (`app.bsky.labeler.service`), as far as their DID documents say where they are and what they sign
    /// with. Those seen first come first. With 0 only `dids` are followed.
    pub discovered_max: u32,
    /// Bytes of frames of one labeler read but not yet durably appended. When they are used up, reading of
    /// this labeler stops.
    pub inflight_bytes_max: usize,
    /// Shortest time between two questions for a labeler's DID document because of bad signatures, in
    /// milliseconds.
    pub recheck_ms: u64,
}

impl Default for LabelersConfig {
    fn default() -> Self {
        Self {
            dids: Vec::new(),
            discovered_max: 0,
            inflight_bytes_max: 8 << 20,
            recheck_ms: 60_000,
        }
    }
}
