//! Either kind of session, as it is stored.

use millrace_atproto::Did;
use serde::{Deserialize, Serialize};

use super::PasswordGrant;
use crate::oauth::{OAuthGrant, Origin};

/// A session with somebody's PDS. Serialising shows its secrets: whoever stores it seals it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Grant {
    /// Granted by an authorization server.
    OAuth(Box<OAuthGrant>),
    /// Given for an app password.
    Password(Box<PasswordGrant>),
}

impl Grant {
    /// Whose.
    pub fn did(&self) -> &Did {
        match self {
            Self::OAuth(grant) => &grant.did,
            Self::Password(grant) => &grant.did,
        }
    }

    /// Where the account lives.
    pub fn pds(&self) -> &Origin {
        match self {
            Self::OAuth(grant) => &grant.pds,
            Self::Password(grant) => &grant.pds,
        }
    }

    /// When the access token ends, in microseconds since the epoch; `None` if nobody said.
    pub fn expires_us(&self) -> Option<i64> {
        match self {
            Self::OAuth(grant) => grant.expires_us,
            Self::Password(grant) => grant.expires_us,
        }
    }
}

impl From<OAuthGrant> for Grant {
    fn from(grant: OAuthGrant) -> Self {
        Self::OAuth(Box::new(grant))
    }
}

impl From<PasswordGrant> for Grant {
    fn from(grant: PasswordGrant) -> Self {
        Self::Password(Box::new(grant))
    }
}
