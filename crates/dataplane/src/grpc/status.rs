//! What a question's error is to who asks by gRPC. Faults of ours are logged here, once.

use tonic::Status;

use crate::error::DataplaneError;

impl From<DataplaneError> for Status {
    fn from(error: DataplaneError) -> Self {
        match error {
            DataplaneError::NotFound(message) => Self::not_found(message),
            DataplaneError::InvalidRequest(message) => Self::invalid_argument(message),
            DataplaneError::Unauthorized(message) => Self::unauthenticated(message),
            DataplaneError::Unavailable(_) => Self::unavailable(error.to_string()),
            DataplaneError::Internal(_) => {
                tracing::error!(%error, "a gRPC request failed");
                Self::internal("the data-plane failed")
            }
        }
    }
}
