//! Signing in with an app password: at once, for those whose server has nothing else.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use millrace_net::oauth::Token;
use millrace_net::session::{Grant, SignIn};
use serde::{Deserialize, Serialize};

use super::SignInState;
use super::begin::{Named, counted, typed};
use crate::error::XrpcError;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WithPassword {
    identifier: String,
    password: Token,
    auth_factor_token: Option<Token>,
    /// The URL of the PDS, where the identifier does not lead to it.
    server: Option<String>,
}

impl Named for WithPassword {
    fn named(&self) -> &str {
        &self.identifier
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    did: String,
    session_id: String,
}

pub(super) async fn app_password(
    State(state): State<SignInState>,
    request: Request,
) -> Result<Response, XrpcError> {
    let (headers, typed, tally) = typed::<WithPassword>(&state, request).await?;
    Ok(counted(tally, sign_in(&state, &headers, typed).await))
}

async fn sign_in(
    state: &SignInState,
    headers: &HeaderMap,
    typed: WithPassword,
) -> Result<Response, XrpcError> {
    let before = state.before(headers).await?;
    let sign_in = SignIn {
        identifier: &typed.identifier,
        password: &typed.password,
        code: typed.auth_factor_token.as_ref(),
        server: typed.server.as_deref(),
    };
    let grant = Grant::from(state.acting.passwords.sign_in(sign_in).await?);
    let (cookie, browser) = state.signs_in(&grant, "app-password", headers).await?;
    state.ends(before).await?;
    let account = Account { did: browser.did, session_id: browser.session_id };
    Ok(([(header::SET_COOKIE, cookie)], Json(account)).into_response())
}
