//! People sign in with their own account: by AT Protocol OAuth, or with an app password. What their PDS gives is
//! kept in the domain `session`; a browser gets a cookie, a program a token.
//!
//! | file | routes |
//! | --- | --- |
//! | `begin.rs` | `POST /api/v1/session/sign-in`, `GET /oauth/callback` |
//! | `password.rs` | `POST /api/v1/session/app-password` |
//! | `account.rs` | `GET /api/v1/session`, `GET …/browsers`, `POST …/sign-out` |
//! | `tokens.rs` | `GET /api/v1/session/tokens`, `POST …/tokens/make`, `POST …/tokens/{id}/revoke` |
//! | `data.rs` | `GET /api/v1/session/data`, `POST /api/v1/session/erase` |
//! | `live/` | `GET /api/v1/session/live` |
//! | `documents.rs` | `GET /oauth/client-metadata.json`, `GET /oauth/jwks.json` |
//! | `forward.rs` | the methods that an account's own PDS answers for it |
//! | `upkeep.rs` | none: what is over goes |
//!
//! Must stay true: a request counts as a person's only if a page of ours sent it (`cookies.rs`); an answer never
//! holds what a PDS gave; whoever signs in gets a session that nobody knew before.

mod account;
mod acting;
mod begin;
pub(crate) mod client;
mod cookies;
mod data;
mod documents;
mod error;
mod forward;
mod live;
mod password;
mod return_to;
mod tokens;
mod upkeep;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::routing::{get, post};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};
use millrace_atproto::Did;
use millrace_dataplane::query::web_push::EndPushSessions;
use millrace_net::session::Grant;
use millrace_runtime::clock::SharedClock;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::auth::{AuthError, Signed};
use crate::error::XrpcError;
use crate::request::rates::Rates;
use crate::session::Browser;

pub(crate) use acting::{ActError, Acting};
pub(crate) use client::Client;
pub(crate) use cookies::Cookies;
pub use documents::{ClientDocuments, client_documents};
pub(crate) use forward::UPLOADS_MAX;
pub(crate) use live::Live;
pub use upkeep::Upkeep;

/// What signing in needs.
#[derive(Clone)]
pub(crate) struct SignInState {
    pub(crate) signed: Signed,
    pub(crate) acting: Acting,
    pub(crate) client: Arc<Client>,
    pub(crate) dataplane: millrace_dataplane::Client,
    pub(crate) clock: SharedClock,
    /// How much an account may ask of its PDS …
    pub(crate) rates: Arc<Rates>,
    /// … and how often somebody may try to sign in.
    pub(crate) sign_in_rates: Arc<Rates>,
    /// Blobs on their way to a PDS at the same time.
    pub(crate) uploads: Arc<Semaphore>,
    /// Who is told what is new.
    pub(crate) live: Live,
    /// Who moderates here.
    pub(crate) moderator: Option<Did>,
    pub(crate) body_bytes_max: usize,
}

impl SignInState {
    /// Keeps what the PDS gave and signs the browser in: by a token that nobody knew before, whatever the browser
    /// showed.
    async fn signs_in(
        &self,
        grant: &Grant,
        kind: &'static str,
        headers: &HeaderMap,
    ) -> Result<(HeaderValue, Browser), XrpcError> {
        let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        let kept = acting::kept(grant);
        let sessions = &self.signed.sessions;
        let signed_in =
            sessions.sign_in(grant.did(), kind, &kept, agent.unwrap_or_default()).await?;
        self.acting.give_back(signed_in.unused);
        tracing::info!(did = %grant.did(), kind, "signed in");
        let cookie = self.signed.cookies.signed_in(signed_in.token.expose());
        Ok((cookie, signed_in.browser))
    }

    /// Ends the session that a browser had before it signed in again; one that is over by now is no fault.
    async fn ends(&self, before: Option<Before>) -> Result<(), XrpcError> {
        if let Some(Before { did, session_id }) = before {
            self.sign_out(&did, session_id).await?;
        }
        Ok(())
    }

    /// Signs one of an account's browsers out, which is told nothing more; false if there is none.
    async fn sign_out(&self, did: &Did, session_id: String) -> Result<bool, XrpcError> {
        let (found, unused) = self.signed.sessions.sign_out(did, &session_id).await?;
        self.acting.give_back(unused);
        self.live.session_ended(did);
        if found {
            // It is signed out whether or not it is known everywhere at once; upkeep looks again.
            let ended = EndPushSessions { session_ids: vec![session_id] };
            if let Err(error) = self.dataplane.command(ended).await {
                tracing::warn!(%error, "a browser that signed out is still told of notifications");
            }
        }
        Ok(found)
    }

    /// The session that a browser has before it signs in again.
    async fn before(&self, headers: &HeaderMap) -> Result<Option<Before>, XrpcError> {
        let browser = self.signed.browser(headers).await?;
        Ok(browser.and_then(|browser| {
            let did = Did::parse(&browser.did).ok()?;
            Some(Before { did, session_id: browser.session_id })
        }))
    }
}

/// A session that a new one takes the place of.
#[derive(Debug, Serialize, Deserialize)]
struct Before {
    did: Did,
    session_id: String,
}

pub(crate) fn router(state: SignInState) -> Router {
    let router = Router::new()
        .route("/oauth/client-metadata.json", get(documents::client_metadata))
        .route("/oauth/jwks.json", get(documents::jwks))
        .route("/oauth/callback", get(begin::callback))
        .route("/api/v1/session", get(account::session))
        .route("/api/v1/session/sign-in", post(begin::sign_in))
        .route("/api/v1/session/app-password", post(password::app_password))
        .route("/api/v1/session/browsers", get(account::browsers))
        .route("/api/v1/session/live", get(live::live))
        .route("/api/v1/session/sign-out", post(account::sign_out))
        .route("/api/v1/session/data", get(data::export))
        .route("/api/v1/session/erase", post(data::erase))
        .route("/api/v1/session/tokens", get(tokens::list))
        .route("/api/v1/session/tokens/make", post(tokens::make))
        .route("/api/v1/session/tokens/{id}/revoke", post(tokens::revoke));
    let forwarded = forward::METHODS.iter().fold(router, |router, method| {
        router.route(&format!("/xrpc/{}", method.nsid), method.route())
    });
    forwarded.with_state(state)
}

/// A browser that is signed in, and a page of ours in it.
pub(crate) struct SignedIn {
    pub(crate) did: Did,
    pub(crate) browser: Browser,
}

impl FromRequestParts<SignInState> for SignedIn {
    type Rejection = XrpcError;

    async fn from_request_parts(parts: &mut Parts, state: &SignInState) -> Result<Self, XrpcError> {
        let browser = state.signed.signed_in(&parts.headers).await?;
        let did = Did::parse(&browser.did).map_err(|_| AuthError::SignedOut)?;
        Ok(Self { did, browser })
    }
}
