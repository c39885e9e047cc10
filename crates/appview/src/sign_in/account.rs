//! Who is signed in, with which browsers, and signing out.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Json, body::Body};
use http::{HeaderMap, header};
use millrace_atproto::Did;
use millrace_dataplane::query::web_push::DeleteWebPush;
use serde::{Deserialize, Serialize};

use super::{SignInState, SignedIn};
use crate::error::XrpcError;
use crate::request::body;
use crate::session::Browser;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Session {
    /// Who is signed in with this browser; nobody, if it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    did: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    /// Whether authorization servers would answer this service.
    speaks_oauth: bool,
    /// The origin under which a browser has to sign in.
    sign_in_at: String,
    /// Who moderates here, and takes reports; nobody, if it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    moderator: Option<Did>,
}

#[derive(Serialize)]
pub(super) struct Browsers {
    browsers: Vec<Browser>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SignOut {
    /// Which browser; this one, if none is named.
    session_id: Option<String>,
    /// All of them, and the account's tokens with them.
    #[serde(default)]
    everywhere: bool,
}

pub(super) async fn session(
    State(state): State<SignInState>,
    headers: HeaderMap,
) -> Result<Response, XrpcError> {
    let browser = state.signed.browser(&headers).await?;
    let answer = Session {
        did: browser.as_ref().map(|browser| browser.did.clone()),
        session_id: browser.map(|browser| browser.session_id),
        speaks_oauth: state.client.speaks_oauth,
        sign_in_at: state.client.origin.clone(),
        moderator: state.moderator.clone(),
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

pub(super) async fn browsers(
    State(state): State<SignInState>,
    signed_in: SignedIn,
) -> Result<Json<Browsers>, XrpcError> {
    Ok(Json(Browsers { browsers: state.signed.sessions.browsers(&signed_in.did).await? }))
}

pub(super) async fn sign_out(
    State(state): State<SignInState>,
    SignedIn { did, browser }: SignedIn,
    body: Body,
) -> Result<Response, XrpcError> {
    let body = body::read(body, state.body_bytes_max).await?;
    let wanted: SignOut = match body.is_empty() {
        true => SignOut::default(),
        false => body::parse(&body)?,
    };
    if wanted.everywhere {
        state.acting.give_back(state.signed.sessions.sign_out_everywhere(&did).await?);
        state.live.session_ended(&did);
        // They are signed out whether or not it is known everywhere at once.
        let no_browser = DeleteWebPush { actor: did, endpoint: None };
        if let Err(error) = state.dataplane.command(no_browser).await {
            tracing::warn!(%error, "browsers of who signed out everywhere are still told of notifications");
        }
        return Ok(forget(&state));
    }
    let session_id = wanted.session_id.unwrap_or_else(|| browser.session_id.clone());
    if !state.sign_out(&did, session_id.clone()).await? {
        return Err(XrpcError::NoSuch(format!("no browser {session_id} is signed in")));
    }
    match session_id == browser.session_id {
        true => Ok(forget(&state)),
        false => Ok(Json(serde_json::json!({})).into_response()),
    }
}

fn forget(state: &SignInState) -> Response {
    let cookie = [(header::SET_COOKIE, state.signed.cookies.signed_out())];
    (cookie, Json(serde_json::json!({}))).into_response()
}
