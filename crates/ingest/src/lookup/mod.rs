//! Answers the lanes' questions: rows from the store, identities and statuses from the outside.
//!
//! A directory or host that is slow or dead costs its own accounts their time and nobody else's: as
//! many questions at once as configured for each DID method, the others in a queue of DIDs.

mod loader;
mod outside;
mod queue;

pub(crate) use loader::Loader;
pub(crate) use outside::Lookups;

use millrace_atproto::Did;

/// A question to the outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    /// The account's signing key and PDS; `refresh` = not from a cache.
    Identity { did: Did, refresh: bool },
    /// What the account's present PDS says of it.
    Status { did: Did },
}

impl Ask {
    fn did(&self) -> &Did {
        match self {
            Self::Identity { did, .. } | Self::Status { did } => did,
        }
    }
}
