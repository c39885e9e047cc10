//! The statuses of an account. Source: <https://atproto.com/specs/account>.

use serde::{Deserialize, Serialize};

/// What a host says about an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nothing to say.
    Active,
    /// Hidden by the host's moderators.
    Takendown,
    /// Hidden by the host's moderators for a while.
    Suspended,
    /// Gone, with all its records.
    Deleted,
    /// Hidden by its owner, or moved away from this host.
    Deactivated,
    /// Active, but the host has lost track of the repository.
    Desynchronized,
    /// Active, but the host passes on only a part.
    Throttled,
}

impl Status {
    /// Whether the account's records are shown.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Active | Self::Desynchronized | Self::Throttled)
    }

    /// The word on the wire; none for an account about which there is nothing to say.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Active => None,
            Self::Takendown => Some("takendown"),
            Self::Suspended => Some("suspended"),
            Self::Deleted => Some("deleted"),
            Self::Deactivated => Some("deactivated"),
            Self::Desynchronized => Some("desynchronized"),
            Self::Throttled => Some("throttled"),
        }
    }
}
