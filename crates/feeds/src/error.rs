//! What a question about homes may end in, in process and over `/internal` alike.

use millrace_dataplane::DataplaneError;
use millrace_runtime::internal::{CallError, ErrorBody};
use millrace_store::StoreError;
use millrace_store::worker::ApplyError;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum FeedsError {
    /// The question itself is malformed.
    #[error("{0}")]
    InvalidRequest(String),
    /// The caller is not one of ours.
    #[error("the feeds refused the caller: {0}")]
    Unauthorized(String),
    /// Homes cannot be read now; they may be read by pull.
    #[error("homes are unavailable: {0}")]
    Unavailable(String),
    /// A fault of ours.
    #[error("homes failed: {0}")]
    Internal(String),
}

impl FeedsError {
    /// The error's name on the wire and its HTTP status.
    pub fn wire(&self) -> (&'static str, u16) {
        match self {
            Self::InvalidRequest(_) => ("InvalidRequest", 400),
            Self::Unauthorized(_) => ("Unauthorized", 401),
            Self::Unavailable(_) => ("Unavailable", 503),
            Self::Internal(_) => ("InternalError", 500),
        }
    }

    /// The inverse of [`Self::wire`]; an unknown name is judged by its status.
    pub fn from_wire(status: u16, body: ErrorBody) -> Self {
        match (body.error.as_str(), status) {
            ("InvalidRequest", _) | (_, 400 | 413 | 415 | 422) => {
                Self::InvalidRequest(body.message)
            }
            ("Unauthorized", _) | (_, 401 | 403) => Self::Unauthorized(body.message),
            // A data-plane without homes has no such method.
            ("Unavailable" | "MethodNotFound", _) | (_, 404 | 502..=504) => {
                Self::Unavailable(body.message)
            }
            _ => Self::Internal(body.message),
        }
    }
}

impl From<CallError> for FeedsError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Unreachable { .. } => Self::Unavailable(error.to_string()),
            CallError::Unusable { .. } => Self::Internal(error.to_string()),
            CallError::Refused { status, body } => Self::from_wire(status, body),
        }
    }
}

impl From<StoreError> for FeedsError {
    fn from(error: StoreError) -> Self {
        let is_closed = matches!(error, StoreError::Closed { .. });
        if is_closed || error.fault() == millrace_store::Fault::Retry {
            Self::Unavailable(error.to_string())
        } else {
            Self::Internal(error.to_string())
        }
    }
}

impl From<DataplaneError> for FeedsError {
    fn from(error: DataplaneError) -> Self {
        match error {
            DataplaneError::Unavailable(_) => Self::Unavailable(error.to_string()),
            other => Self::Internal(other.to_string()),
        }
    }
}

/// What a fact waits for, or fails by, when the data-plane does not tell what belongs to it.
pub(crate) fn asked(error: DataplaneError) -> ApplyError {
    match error {
        DataplaneError::Unavailable(message) => ApplyError::Retry { code: "dataplane", message },
        other => ApplyError::Entry { code: "dataplane", message: other.to_string(), offset: None },
    }
}
