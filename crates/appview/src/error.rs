//! The one place where what went wrong becomes XRPC: a status and `{"error", "message"}`.
//!
//! Faults of ours are logged here, once, and their text is not shown to the caller.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use millrace_dataplane::DataplaneError;
use millrace_feeds::FeedsError;
use serde::Serialize;

use crate::auth::AuthError;
use crate::request::rates::Tally;

/// Seconds a caller is asked to wait when something it needs is unreachable.
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("1");

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum XrpcError {
    /// A parameter, header or body is not what the lexicon says.
    #[error("{0}")]
    InvalidRequest(String),
    /// An error the method's lexicon names.
    #[error("{message}")]
    Named { name: &'static str, message: String },
    /// A third party that the answer needs failed, or refused in words of its own.
    #[error("{message}")]
    Upstream { status: StatusCode, name: String, message: String },
    /// The caller asks in the name of somebody else.
    #[error("userId must be the account that asks")]
    NotYou,
    /// The caller is not who it must be.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// No such method here.
    #[error("Method Not Implemented")]
    MethodNotImplemented,
    /// The method needs a service beside this one that nobody set up.
    #[error("{0}")]
    NotConfigured(&'static str),
    /// The thing asked for by its name or number is not there.
    #[error("{0}")]
    NoSuch(String),
    /// No such page here.
    #[error("there is nothing at this address")]
    NotFound,
    #[error("the body may have at most {bytes_max} bytes")]
    PayloadTooLarge { bytes_max: usize },
    #[error("path and query may have at most {bytes_max} bytes")]
    UriTooLong { bytes_max: usize },
    /// The answer took too long.
    #[error("the answer took longer than {after_ms} ms")]
    Timeout { after_ms: u64 },
    /// The caller has asked as often as it may for now.
    #[error("Rate Limit Exceeded")]
    RateLimited(Tally),
    /// The caller has as many of something as it may.
    #[error("{0}")]
    TooMany(String),
    /// As many requests as may be are being answered.
    #[error("too many requests at once")]
    Busy,
    /// Something the answer needs cannot be reached now.
    #[error("{0}")]
    Unavailable(String),
    /// A fault of ours.
    #[error("{0}")]
    Internal(String),
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    message: &'a str,
}

impl XrpcError {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::InvalidRequest(message.into())
    }

    pub(crate) fn named(name: &'static str, message: impl Into<String>) -> Self {
        Self::Named { name, message: message.into() }
    }

    /// A third party gave no answer that could be used.
    pub(crate) fn bad_gateway(name: &str, message: &str) -> Self {
        let (name, message) = (name.to_owned(), message.to_owned());
        Self::Upstream { status: StatusCode::BAD_GATEWAY, name, message }
    }

    /// What the caller reads. What it may not read is logged instead.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Internal(cause) => {
                tracing::error!(error = %cause, "a request failed");
                "Internal Server Error".to_owned()
            }
            Self::Unavailable(cause) => {
                tracing::warn!(error = %cause, "a request could not be answered");
                "something this answer needs cannot be reached now".to_owned()
            }
            other => other.to_string(),
        }
    }

    /// Status and error name.
    pub(crate) fn wire(&self) -> (StatusCode, &str) {
        match self {
            Self::InvalidRequest(_) => (StatusCode::BAD_REQUEST, "InvalidRequest"),
            Self::Named { name, .. } => (StatusCode::BAD_REQUEST, name),
            Self::Upstream { status, name, .. } => (*status, name),
            Self::NotYou => (StatusCode::FORBIDDEN, "NotYou"),
            Self::Auth(error) if error.is_ours() => {
                (StatusCode::SERVICE_UNAVAILABLE, "NotEnoughResources")
            }
            Self::Auth(error) if error.is_forbidden() => (StatusCode::FORBIDDEN, error.name()),
            Self::Auth(error) => (StatusCode::UNAUTHORIZED, error.name()),
            Self::MethodNotImplemented | Self::NotConfigured(_) => {
                (StatusCode::NOT_IMPLEMENTED, "MethodNotImplemented")
            }
            Self::NotFound | Self::NoSuch(_) => (StatusCode::NOT_FOUND, "NotFound"),
            Self::PayloadTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLarge"),
            Self::UriTooLong { .. } => (StatusCode::URI_TOO_LONG, "InvalidRequest"),
            Self::RateLimited(_) | Self::TooMany(_) => {
                (StatusCode::TOO_MANY_REQUESTS, "RateLimitExceeded")
            }
            Self::Timeout { .. } => (StatusCode::GATEWAY_TIMEOUT, "UpstreamTimeout"),
            Self::Busy | Self::Unavailable(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "NotEnoughResources")
            }
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
        }
    }
}

impl IntoResponse for XrpcError {
    fn into_response(self) -> Response {
        let (status, error) = self.wire();
        let message = self.shown();
        let mut response = (status, axum::Json(Body { error, message: &message })).into_response();
        if let Self::RateLimited(tally) = &self {
            tally.put(response.headers_mut());
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER_S);
        }
        response
    }
}

impl From<FeedsError> for XrpcError {
    fn from(error: FeedsError) -> Self {
        match error {
            FeedsError::InvalidRequest(message) => Self::InvalidRequest(message),
            FeedsError::Unavailable(_) => Self::Unavailable(error.to_string()),
            FeedsError::Unauthorized(_) | FeedsError::Internal(_) => {
                Self::Internal(error.to_string())
            }
        }
    }
}

impl From<DataplaneError> for XrpcError {
    fn from(error: DataplaneError) -> Self {
        match error {
            // Methods that ask for one thing say themselves what its absence means.
            DataplaneError::NotFound(message) => Self::named("NotFound", message),
            DataplaneError::InvalidRequest(message) => Self::InvalidRequest(message),
            DataplaneError::Unavailable(_) => Self::Unavailable(error.to_string()),
            DataplaneError::Unauthorized(_) | DataplaneError::Internal(_) => {
                Self::Internal(error.to_string())
            }
        }
    }
}

impl From<serde_json::Error> for XrpcError {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(format!("an answer does not serialise: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ours_is_not_shown() {
        let shown = XrpcError::from(DataplaneError::Internal("table x is gone".to_owned()));
        assert_eq!(shown.wire(), (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"));
        let response = shown.into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn an_unreachable_data_plane_asks_to_come_back() {
        let error = XrpcError::from(DataplaneError::Unavailable("connection refused".to_owned()));
        let response = error.into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers().get(header::RETRY_AFTER), Some(&RETRY_AFTER_S));
    }
}
