//! What authorization servers read of this service: who it is, and by which keys it proves that.

use axum::Json;
use axum::extract::State;
use millrace_net::oauth::ClientFault;
use serde_json::Value;

use super::{Client, SignInState};
use crate::config::AppviewConfig;
use crate::error::XrpcError;

/// The documents of a service that has keys.
pub struct ClientDocuments {
    /// At its `client_id`.
    pub metadata: Value,
    /// At its `jwks_uri`.
    pub jwks: Value,
}

/// What a service with this configuration shows; nothing if authorization servers would not answer it.
///
/// # Errors
/// The configuration makes no client of them.
pub fn client_documents(config: &AppviewConfig) -> Result<Option<ClientDocuments>, ClientFault> {
    let identity = Client::new(config, None)?.identity;
    let documents = identity.metadata().zip(identity.jwks());
    Ok(documents.map(|(metadata, jwks)| ClientDocuments { metadata, jwks }))
}

pub(super) async fn client_metadata(
    State(state): State<SignInState>,
) -> Result<Json<Value>, XrpcError> {
    state.client.identity.metadata().map(Json).ok_or(XrpcError::NotFound)
}

pub(super) async fn jwks(State(state): State<SignInState>) -> Result<Json<Value>, XrpcError> {
    state.client.identity.jwks().map(Json).ok_or(XrpcError::NotFound)
}
