//! The data-plane's part of the configuration.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::background::AuditConfig;

/// `[dataplane]`: how entries are applied.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DataplaneConfig {
    /// Most log entries applied in one transaction.
    pub batch_entries_max: u32,
    /// Most bytes of log entries applied in one transaction.
    pub batch_bytes_max: u64,
    /// `/ready` is refused while more entries than this wait to be applied.
    pub ready_lag_entries_max: u64,
    /// How gently everything derived is counted again in the background.
    pub audit: AuditConfig,
}

impl Default for DataplaneConfig {
    fn default() -> Self {
        Self {
            batch_entries_max: 4_000,
            batch_bytes_max: 8 << 20,
            ready_lag_entries_max: 100_000,
            audit: AuditConfig::default(),
        }
    }
}

/// `[notifications]`: what readers are told of.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NotificationsConfig {
    /// Who is told of a new post: `subscribers`, who asked for it, or `followers`, all of them. No rows are written for
    /// either; but whoever follows many then reads much that nobody meant for them.
    pub new_post: NewPost,
}

/// Who is told of a new post.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NewPost {
    /// Who subscribed to its author's activity.
    #[default]
    Subscribers,
    /// Who follows its author, too.
    Followers,
}
