//! Bodies: read within a bound in bytes, as JSON where they are that.

use axum::body::Body;
use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::error::XrpcError;

/// The bytes of a body.
pub(crate) async fn read(body: Body, bytes_max: usize) -> Result<Bytes, XrpcError> {
    let read = axum::body::to_bytes(body, bytes_max).await;
    read.map_err(|_| XrpcError::PayloadTooLarge { bytes_max })
}

/// What a body says in JSON.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, XrpcError> {
    serde_json::from_slice(body)
        .map_err(|error| XrpcError::invalid(format!("the body is not as expected: {error}")))
}

/// The same of a body that may hold a password, which the reason must not repeat.
pub(crate) fn parse_secret<T: DeserializeOwned>(body: &[u8]) -> Result<T, XrpcError> {
    serde_json::from_slice(body).map_err(|error| {
        XrpcError::invalid(format!("the body is not as expected, at column {}", error.column()))
    })
}
