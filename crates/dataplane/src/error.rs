//! What a question to the data-plane may end in, in process and over `/internal` alike.

use millrace_runtime::internal::{CallError, ErrorBody};
use millrace_store::StoreError;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum DataplaneError {
    /// The actor, post or record asked for is not known here.
    #[error("{0}")]
    NotFound(String),
    /// The question itself is malformed: a bad cursor, a limit out of range, bad syntax.
    #[error("{0}")]
    InvalidRequest(String),
    /// The caller is not one of ours: the shared secret is missing or wrong.
    #[error("the data-plane refused the caller: {0}")]
    Unauthorized(String),
    /// The data-plane or its store cannot be reached now; asking again may help.
    #[error("the data-plane is unavailable: {0}")]
    Unavailable(String),
    /// A fault of ours.
    #[error("the data-plane failed: {0}")]
    Internal(String),
}

impl DataplaneError {
    /// The error's name on the wire and its HTTP status.
    pub fn wire(&self) -> (&'static str, u16) {
        match self {
            Self::NotFound(_) => ("NotFound", 404),
            Self::InvalidRequest(_) => ("InvalidRequest", 400),
            Self::Unauthorized(_) => ("Unauthorized", 401),
            Self::Unavailable(_) => ("Unavailable", 503),
            Self::Internal(_) => ("InternalError", 500),
        }
    }

    /// The inverse of [`Self::wire`]; an unknown name is judged by its status.
    pub fn from_wire(status: u16, body: ErrorBody) -> Self {
        match (body.error.as_str(), status) {
            ("NotFound", _) => Self::NotFound(body.message),
            ("InvalidRequest", _) | (_, 400 | 413 | 415 | 422) => {
                Self::InvalidRequest(body.message)
            }
            ("Unauthorized", _) | (_, 401 | 403) => Self::Unauthorized(body.message),
            ("Unavailable", _) | (_, 502..=504) => Self::Unavailable(body.message),
            _ => Self::Internal(body.message),
        }
    }
}

impl From<CallError> for DataplaneError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Unreachable { .. } => Self::Unavailable(error.to_string()),
            CallError::Unusable { .. } => Self::Internal(error.to_string()),
            CallError::Refused { status, body } => Self::from_wire(status, body),
        }
    }
}

impl From<StoreError> for DataplaneError {
    fn from(error: StoreError) -> Self {
        // A store is closed by a process that is going away: another one may answer.
        let is_closed = matches!(error, StoreError::Closed { .. });
        if is_closed || error.fault() == millrace_store::Fault::Retry {
            Self::Unavailable(error.to_string())
        } else {
            Self::Internal(error.to_string())
        }
    }
}
