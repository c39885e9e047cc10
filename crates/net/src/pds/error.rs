//! What a PDS or relay refuses, in the protocol's words.

use std::time::Duration;

use crate::http::HttpError;

/// Why a PDS or relay did not answer a sync question.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PdsError {
    /// It does not host this account.
    #[error("repository not found")]
    RepoNotFound,
    /// The account was taken down.
    #[error("repository taken down")]
    RepoTakendown,
    /// The account is suspended.
    #[error("repository suspended")]
    RepoSuspended,
    /// The account was deactivated by its owner.
    #[error("repository deactivated")]
    RepoDeactivated,
    /// The account exists, the record does not.
    #[error("record not found")]
    RecordNotFound,
    /// The server does not know the method.
    #[error("method not implemented")]
    MethodNotImplemented,
    /// It asks for fewer requests.
    #[error("rate limited{}", retry_after.map(|wait| format!(", retry after {} s", wait.as_secs())).unwrap_or_default())]
    RateLimited {
        /// How long to wait, if it said so.
        retry_after: Option<Duration>,
    },
    /// Another XRPC error.
    #[error("status {status}: {error}: {message}")]
    Xrpc {
        /// HTTP status.
        status: u16,
        /// The error's name.
        error: String,
        /// The message, shortened.
        message: String,
    },
    /// No XRPC answer at all.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// An answer that is not what the method promises.
    #[error("answer not understood: {0}")]
    Invalid(String),
}

impl PdsError {
    /// Whether the same question may be answered later. A body cut short is retryable.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::RateLimited { .. } => true,
            Self::Xrpc { status, .. } => *status >= 500,
            Self::Http(error) => error.is_retryable(),
            _ => false,
        }
    }

    /// How long the server asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } => *retry_after,
            Self::Http(error) => error.retry_after(),
            _ => None,
        }
    }
}
