//! Answers the lanes' questions: rows from the store, identities and statuses from the outside.
//!
//! A directory or host that is slow or dead costs its own accounts their time and nobody else's: as
//! many questions at once as configured for each DID method, the others in a queue of DIDs.

mod loader;
mod outside;
mod queue;

pub(crate) use loader::Loader;
pub(crate) use outside::Lookups;

use std::sync::Arc;
use std::time::Duration;

use millrace_atproto::Did;
use millrace_atproto::did_doc::Identity;
use millrace_net::{ResolveError, Resolver};

/// A question to the outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    /// The account's signing key and PDS; `anew` = not from a cache, and not before the pause is over.
    Identity { did: Did, anew: bool, pause: Duration },
    /// What the account's present PDS says of it.
    Status { did: Did },
}

/// The document as the directory has it now. Unlike a refresh this never answers with one that was
/// fetched a moment ago: that may be the very one that is doubted.
pub(crate) async fn anew(resolver: &Resolver, did: &Did) -> Result<Arc<Identity>, ResolveError> {
    resolver.forget(did).await;
    resolver.identity(did).await
}

impl Ask {
    fn did(&self) -> &Did {
        match self {
            Self::Identity { did, .. } | Self::Status { did } => did,
        }
    }
}
