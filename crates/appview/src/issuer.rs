//! Who issues labels here, with which key, and that something was said just now.

use std::sync::Arc;

use millrace_atproto::Did;
use tokio::sync::watch;

use crate::service_key::ServiceKey;

/// This service as a labeler; clones are the same one.
#[derive(Clone)]
pub(crate) struct Issuer {
    pub(crate) did: Did,
    pub(crate) key: Option<Arc<ServiceKey>>,
    said: watch::Sender<()>,
}

impl Issuer {
    pub(crate) fn new(did: Did, key: Option<ServiceKey>) -> Self {
        Self { did, key: key.map(Arc::new), said: watch::Sender::new(()) }
    }

    /// Something was said in this process: those who follow look at once.
    pub(crate) fn has_said(&self) {
        self.said.send_replace(());
    }

    /// Tells when something is said in this process.
    pub(crate) fn listen(&self) -> watch::Receiver<()> {
        self.said.subscribe()
    }
}
