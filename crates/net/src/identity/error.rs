//! Why a DID or handle does not resolve.

use std::time::Duration;

use crate::http::HttpError;

/// Why a DID or handle does not resolve. Cheap to clone: waiting callers share one.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ResolveError {
    /// The directory or the handle's host knows nothing of it.
    #[error("{subject} does not exist")]
    NotFound {
        /// The DID or handle.
        subject: String,
    },
    /// The DID was deactivated for ever (410).
    #[error("{subject} is tombstoned")]
    Tombstoned {
        /// The DID.
        subject: String,
    },
    /// A DID method or form that is not resolved here.
    #[error("{subject} cannot be resolved: {reason}")]
    Unsupported {
        /// The DID or handle.
        subject: String,
        /// Why not.
        reason: &'static str,
    },
    /// The document or answer is not one.
    #[error("{subject}: answer not understood: {reason}")]
    Invalid {
        /// The DID or handle.
        subject: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A handle's DNS names several different DIDs.
    #[error("{subject} names several DIDs in DNS")]
    Ambiguous {
        /// The handle.
        subject: String,
    },
    /// DNS gave no answer.
    #[error("{subject}: DNS: {reason}")]
    Dns {
        /// The handle.
        subject: String,
        /// Why not.
        reason: String,
    },
    /// The request failed.
    #[error("{subject}: {source}")]
    Http {
        /// The DID or handle.
        subject: String,
        /// Why.
        source: HttpError,
    },
    /// The resolver cannot be built.
    #[error("resolver: {reason}")]
    Setup {
        /// Why not.
        reason: String,
    },
}

impl ResolveError {
    /// Whether asking again later may succeed. What is not transient is an answer: the subject
    /// does not resolve.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Dns { .. } => true,
            // A directory whose name is gone is a fault of the network here, not of the subject.
            Self::Http { source, .. } => {
                source.is_retryable() || matches!(source, HttpError::NoSuchHost { .. })
            }
            _ => false,
        }
    }

    /// How long the server asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Http { source, .. } => source.retry_after(),
            _ => None,
        }
    }

    /// A stable word for the metric's label.
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::Tombstoned { .. } => "tombstoned",
            Self::Unsupported { .. } => "unsupported",
            Self::Invalid { .. } => "invalid",
            Self::Ambiguous { .. } => "ambiguous",
            Self::Dns { .. } => "dns",
            Self::Http { .. } => "http",
            Self::Setup { .. } => "setup",
        }
    }
}
