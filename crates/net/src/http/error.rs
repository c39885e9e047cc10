//! Why a request gave no usable answer. Errors are cheap to clone: waiting callers share one.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

/// Why a request gave no usable answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum HttpError {
    /// The URL is not one that may be asked.
    #[error("{url}: {reason}")]
    Url {
        /// The URL, without credentials and query, shortened.
        url: String,
        /// Why not.
        reason: &'static str,
    },
    /// The host, or the name it was redirected to, is not on the public internet.
    #[error("{host}: address {addr} may not be asked ({reason})")]
    Forbidden {
        /// The host asked for.
        host: String,
        /// The address it has.
        addr: IpAddr,
        /// What kind of address that is.
        reason: &'static str,
    },
    /// The name has no address.
    #[error("{host}: no such host")]
    NoSuchHost {
        /// The host asked for.
        host: String,
    },
    /// No connection, or no TLS.
    #[error("{host}: cannot connect: {reason}")]
    Connect {
        /// The host asked for.
        host: String,
        /// Why not.
        reason: String,
    },
    /// Not done in time.
    #[error("{host}: no answer within {} ms ({doing})", timeout.as_millis())]
    Timeout {
        /// The host asked.
        host: String,
        /// What was being done.
        doing: &'static str,
        /// The time it had.
        timeout: Duration,
    },
    /// The body is larger than allowed.
    #[error("{host}: body larger than {bytes_max} bytes")]
    TooLarge {
        /// The host asked.
        host: String,
        /// The bound.
        bytes_max: usize,
    },
    /// Redirected more often than is followed, or to nowhere.
    #[error("{host}: redirects: {reason}")]
    Redirects {
        /// The host last asked.
        host: String,
        /// What is wrong with them.
        reason: &'static str,
    },
    /// The connection broke before the answer was whole.
    #[error("{host}: answer cut short: {reason}")]
    Truncated {
        /// The host asked.
        host: String,
        /// What happened.
        reason: String,
    },
    /// The host asks for fewer requests (429), now or a moment ago.
    #[error("{host}: too many requests{}", after(*retry_after))]
    RateLimited {
        /// The host asked.
        host: String,
        /// How long it asked to wait.
        retry_after: Option<Duration>,
        /// The start of the answer's body; empty if no request was sent.
        body: Bytes,
    },
    /// An answer with a status other than 2xx.
    #[error("{host}: status {status}{}", after(*retry_after))]
    Status {
        /// The host asked.
        host: String,
        /// The status.
        status: u16,
        /// How long it asked to wait.
        retry_after: Option<Duration>,
        /// The start of the answer's body.
        body: Bytes,
    },
    /// The body is not the JSON expected.
    #[error("{host}: answer not understood: {reason}")]
    Json {
        /// The host asked.
        host: String,
        /// Why not.
        reason: String,
    },
    /// The client cannot be built.
    #[error("HTTP client: {0}")]
    Setup(Arc<str>),
}

fn after(retry_after: Option<Duration>) -> String {
    retry_after.map(|wait| format!(", retry after {} s", wait.as_secs())).unwrap_or_default()
}

impl HttpError {
    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::Timeout { .. }
            | Self::Truncated { .. }
            | Self::RateLimited { .. } => true,
            Self::Status { status, .. } => *status == 408 || *status == 425 || *status >= 500,
            Self::Url { .. }
            | Self::Forbidden { .. }
            | Self::NoSuchHost { .. }
            | Self::TooLarge { .. }
            | Self::Redirects { .. }
            | Self::Json { .. }
            | Self::Setup(_) => false,
        }
    }

    /// How long the host asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } | Self::Status { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        }
    }

    /// The status answered, if any.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::RateLimited { .. } => Some(429),
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// A stable word for the metric's label.
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::Url { .. } | Self::Forbidden { .. } => "refused",
            Self::NoSuchHost { .. } => "no_such_host",
            Self::Connect { .. } => "connect",
            Self::Timeout { .. } => "timeout",
            Self::TooLarge { .. } => "too_large",
            Self::Redirects { .. } => "redirects",
            Self::Truncated { .. } => "truncated",
            Self::RateLimited { .. } => "rate_limited",
            Self::Status { status, .. } if *status >= 500 => "status_5xx",
            Self::Status { .. } => "status_4xx",
            Self::Json { .. } => "json",
            Self::Setup(_) => "setup",
        }
    }
}
