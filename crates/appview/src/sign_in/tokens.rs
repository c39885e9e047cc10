//! Tokens for programs that act for an account: shown once, kept as their digest.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};

use super::{SignInState, SignedIn};
use crate::error::XrpcError;
use crate::request::body;
use crate::session::{ApiToken, Scope};

#[derive(Serialize)]
pub(super) struct Tokens {
    tokens: Vec<ApiToken>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    name: String,
    scopes: Vec<Scope>,
    expires_at_us: Option<i64>,
}

#[derive(Serialize)]
pub(super) struct Made {
    /// Not shown again.
    secret: String,
    token: ApiToken,
}

pub(super) async fn list(
    State(state): State<SignInState>,
    signed_in: SignedIn,
) -> Result<Json<Tokens>, XrpcError> {
    Ok(Json(Tokens { tokens: state.signed.sessions.api_tokens(&signed_in.did).await? }))
}

pub(super) async fn make(
    State(state): State<SignInState>,
    signed_in: SignedIn,
    body: Body,
) -> Result<Json<Made>, XrpcError> {
    let body = body::read(body, state.body_bytes_max).await?;
    let Wanted { name, scopes, expires_at_us } = body::parse(&body)?;
    let scopes = scopes.into_iter().collect();
    let made = state
        .signed
        .sessions
        .new_api_token(&signed_in.browser, &name, scopes, expires_at_us)
        .await?;
    Ok(Json(Made { secret: made.token.expose().to_owned(), token: made.shown }))
}

pub(super) async fn revoke(
    State(state): State<SignInState>,
    signed_in: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<serde_json::Value>, XrpcError> {
    let (found, unused) = state.signed.sessions.remove_api_token(&signed_in.did, &id).await?;
    state.acting.give_back(unused);
    if found {
        Ok(Json(serde_json::json!({})))
    } else {
        Err(XrpcError::NoSuch(format!("there is no token {id}")))
    }
}
