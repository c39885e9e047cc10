//! Signing in by OAuth, in two halves with the authorization server between them.

use axum::Json;
use axum::extract::{RawQuery, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, header};
use millrace_net::oauth::{Begin, Callback, Pending};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::client::SCOPE;
use super::return_to::{self, HOME};
use super::{Before, SignInState};
use crate::auth::AuthError;
use crate::error::XrpcError;
use crate::request::body;
use crate::request::rates::Tally;

/// Bytes of what somebody types.
const TYPED_BYTES_MAX: usize = 2_048;
/// Where a browser goes when nobody was signed in.
const SIGN_IN: &str = "/dashboard/sign-in";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Who {
    /// A handle, a DID, or the URL of a PDS.
    identifier: String,
    /// The page that is shown afterwards.
    return_to: Option<String>,
}

impl Named for Who {
    fn named(&self) -> &str {
        &self.identifier
    }
}

/// What is kept while a browser is away.
#[derive(Serialize, Deserialize)]
struct Away {
    pending: Pending,
    return_to: String,
    before: Option<Before>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Begun {
    /// Where the browser goes now.
    authorize_url: String,
}

pub(super) async fn sign_in(
    State(state): State<SignInState>,
    request: Request,
) -> Result<Response, XrpcError> {
    let (headers, who, tally) = typed(&state, request).await?;
    Ok(counted(tally, begin(&state, &headers, who).await))
}

async fn begin(
    state: &SignInState,
    headers: &HeaderMap,
    Who { identifier, return_to }: Who,
) -> Result<Response, XrpcError> {
    let return_to = return_to.map_or_else(|| Ok(HOME.to_owned()), |to| return_to::checked(&to))?;
    if !state.client.speaks_oauth {
        return Err(XrpcError::NotConfigured(
            "OAuth needs appview.oauth_keys here; app passwords are taken",
        ));
    }
    let before = state.before(headers).await?;
    let begin =
        Begin { input: &identifier, redirect_uri: &state.client.redirect_uri, scope: SCOPE };
    let begun = state.acting.oauth.begin(begin).await?;
    let state_hash = begun.pending.state_hash();
    let away = serde_json::to_vec(&Away { pending: begun.pending, return_to, before })?;
    let browser = state.signed.sessions.new_browser();
    state.signed.sessions.begin(state_hash, &browser, &away).await?;
    let answer = Begun { authorize_url: begun.authorize_url.into() };
    let cookie = state.signed.cookies.begin(browser.expose());
    Ok(([(header::SET_COOKIE, cookie)], Json(answer)).into_response())
}

/// The browser comes back. Whatever comes of it, a person looks at the answer: it is a page's address, in which
/// what others said is text.
pub(super) async fn callback(
    State(state): State<SignInState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let forget = (header::SET_COOKIE, state.signed.cookies.begun());
    match finish(&state, query.as_deref().unwrap_or_default(), &headers).await {
        Ok((cookie, return_to)) => {
            let mut response = Redirect::to(&return_to).into_response();
            response.headers_mut().append(header::SET_COOKIE, cookie);
            response.headers_mut().append(forget.0, forget.1);
            response
        }
        Err(error) => {
            let (_, name) = error.wire();
            tracing::info!(%error, "nobody was signed in");
            let mut page = url::form_urlencoded::Serializer::new(String::new());
            page.append_pair("error", name).append_pair("message", &error.shown());
            ([forget], Redirect::to(&format!("{SIGN_IN}?{}", page.finish()))).into_response()
        }
    }
}

async fn finish(
    state: &SignInState,
    query: &str,
    headers: &HeaderMap,
) -> Result<(HeaderValue, String), XrpcError> {
    let callback = Callback::parse(query)?;
    let browser = state.signed.cookies.of_sign_in(headers).unwrap_or_default();
    let away = state.signed.sessions.finish(callback.state_hash(), browser).await?;
    let Away { pending, return_to, before } = serde_json::from_slice(&away)?;
    let grant = state.acting.oauth.finish(pending, &callback).await?;
    let (cookie, _) = state.signs_in(&grant.into(), "oauth", headers).await?;
    state.ends(before).await?;
    Ok((cookie, return_to))
}

/// An answer, whatever it is, with how often one may still try.
pub(super) fn counted(tally: Option<Tally>, answer: Result<Response, XrpcError>) -> Response {
    let mut response = answer.unwrap_or_else(IntoResponse::into_response);
    tally.inspect(|tally| tally.put(response.headers_mut()));
    response
}

/// Something typed that names an account.
pub(super) trait Named {
    fn named(&self) -> &str;
}

/// What a page of ours sends. Each time asks several servers or tries a password, so that it is counted by address
/// and by account.
pub(super) async fn typed<T: DeserializeOwned + Named>(
    state: &SignInState,
    request: Request,
) -> Result<(HeaderMap, T, Option<Tally>), XrpcError> {
    let (parts, body) = request.into_parts();
    if !state.signed.cookies.is_from_here(&parts.headers) {
        return Err(AuthError::OtherSite.into());
    }
    let body = body::read(body, TYPED_BYTES_MAX.min(state.body_bytes_max)).await?;
    let typed: T = body::parse_secret(&body)?;
    let sender = (&parts.headers, &parts.extensions);
    let tally = state.sign_in_rates.count_sign_in(typed.named(), sender)?;
    Ok((parts.headers, typed, tally))
}
