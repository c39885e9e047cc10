//! What authorization servers read of this service: who it is, and by which keys it proves that.

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use super::SignInState;
use crate::error::XrpcError;

pub(super) async fn client_metadata(
    State(state): State<SignInState>,
) -> Result<Json<Value>, XrpcError> {
    state.client.identity.metadata().map(Json).ok_or(XrpcError::NotFound)
}

pub(super) async fn jwks(State(state): State<SignInState>) -> Result<Json<Value>, XrpcError> {
    state.client.identity.jwks().map(Json).ok_or(XrpcError::NotFound)
}
