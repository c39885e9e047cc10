//! Services with a document in the PLC directory and no repository: the feed generators' hosts.

use millrace_atproto::syntax::Did;

use crate::identity::plc_did;

/// What a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceKind {
    /// Feed generators that answer as they should.
    GoodFeeds,
    /// Feed generators that answer as they should not, each in its own way.
    HostileFeeds,
}

/// A service of the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    pub did: Did,
    pub kind: ServiceKind,
}

impl Service {
    /// The services of a network.
    pub(crate) fn all(seed: u64) -> Vec<Self> {
        [ServiceKind::GoodFeeds, ServiceKind::HostileFeeds]
            .map(|kind| Self { did: plc_did(&format!("millrace sim {seed} {kind:?}")), kind })
            .into()
    }
}
