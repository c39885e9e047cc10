//! Whose events are taken.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whose events are taken; those of others are passed over before anything of them is checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScopeKind {
    /// Everybody's.
    #[default]
    Network,
    /// Those of accounts that have read here, and of whom they follow.
    Interest,
    /// Those of the accounts in `scope_dids` and `scope_dids_file`.
    Dids,
    /// Comes with communities; refused until then, with that reason.
    #[schemars(skip)]
    Communities,
}

impl ScopeKind {
    /// The name used in configuration, tables and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Interest => "interest",
            Self::Dids => "dids",
            Self::Communities => "communities",
        }
    }
}

/// What `scope = "interest"` means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct InterestConfig {
    /// How long after it last read here an account counts as one that reads here, in days.
    pub reader_days: u32,
    /// Whether the authors are followed too to whom those accounts reply or whom they quote.
    pub interactions: bool,
    /// How long an account in which nobody is interested any more is still followed, in hours: who
    /// comes back within that time need not be fetched again.
    pub grace_hours: u32,
    /// How often it is worked out anew who is of interest, in milliseconds. Whom a reader begins to
    /// follow is noticed at once.
    pub refresh_ms: u64,
    /// Accounts followed at most. More are not taken in, and a warning says so.
    pub accounts_max: usize,
}

impl Default for InterestConfig {
    fn default() -> Self {
        Self {
            reader_days: 30,
            interactions: false,
            grace_hours: 24,
            refresh_ms: 300_000,
            accounts_max: 1_000_000,
        }
    }
}
