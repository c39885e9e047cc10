//! Signing in by the AT Protocol's profile of OAuth (<https://atproto.com/specs/oauth>): discovery,
//! pushed authorization requests, PKCE, DPoP, confidential and loopback clients.
//!
//! ```text
//! begin   handle | DID | server ─▶ PDS ─▶ authorization server ─▶ PAR ─▶ Begun { authorize_url, pending }
//!         … the browser goes there and comes back with `state`, `iss` and `code` …
//! finish  pending + callback ─▶ tokens ─▶ `sub` is who was meant, and its PDS names this server ─▶ OAuthGrant
//! refresh OAuthGrant ─▶ OAuthGrant with new tokens       revoke  OAuthGrant ─▶ nothing
//! ```
//! What must stay true: no answer is believed because of who gave it (`iss`, `sub`, issuer and scope are
//! each compared with what was asked for); nothing here is kept, so that any process can go on with
//! what another began; [`Pending`] and [`OAuthGrant`] hold secrets, which only their serialised form shows.
//!
//! What the caller must see to:
//! - a [`Pending`] is stored by [`Pending::state_hash`] and **taken out once**, in one step (delete and
//!   return), before [`OAuthClient::finish`] is asked: so a callback cannot be replayed;
//! - the browser that comes back is the one that was sent (a cookie beside the state), else somebody can
//!   be signed in to another's account;
//! - a refresh token is good **once**: [`OAuthClient::refresh`] is asked under a lock of that session which
//!   every process respects, with the grant as stored, and its answer is stored before the lock is released;
//! - how often strangers may begin: each time asks several servers.
//!
//! Why not a library: docs/adr/0016-our-own-oauth-client.md.

mod begin;
mod callback;
mod client;
mod discovery;
mod dpop;
mod endpoint;
mod error;
mod finish;
mod grant;
mod metadata;
mod origin;
mod refresh;
mod secret;

use std::sync::Arc;

use millrace_runtime::clock::SharedClock;
use millrace_runtime::rng::Rng;

pub use begin::{Begin, Begun, PENDING_LIFETIME_S, Pending};
pub use callback::Callback;
pub use client::{ClientFault, ClientIdentity, ClientKey, ConfidentialClient, LoopbackClient};
pub use endpoint::Endpoint;
pub(crate) use endpoint::shortened;
pub use error::OAuthError;
pub use grant::OAuthGrant;
pub use metadata::{MetadataFault, ServerMetadata};
pub use origin::{Origin, OriginFault};
pub use secret::{SessionKey, Token};

use crate::http::HttpClient;
use crate::identity::Resolver;
use discovery::Discovery;
pub(crate) use dpop::{Dpop, challenged};

/// Signs people in. Cheap to clone; clones share what servers said of their nonces.
#[derive(Debug, Clone)]
pub struct OAuthClient {
    identity: Arc<ClientIdentity>,
    discovery: Discovery,
    dpop: Dpop,
}

impl OAuthClient {
    /// A client that says it is `identity`.
    pub fn new(
        identity: ClientIdentity,
        http: HttpClient,
        resolver: Resolver,
        clock: SharedClock,
        rng: Rng,
    ) -> Self {
        Self {
            identity: Arc::new(identity),
            discovery: Discovery::new(http.clone(), resolver),
            dpop: Dpop::new(http, clock, rng),
        }
    }

    /// Who it says it is.
    pub fn identity(&self) -> &ClientIdentity {
        &self.identity
    }

    /// What finds out who somebody is and where.
    pub(crate) fn discovery(&self) -> &Discovery {
        &self.discovery
    }

    /// What signs requests with grants of any client of this process.
    pub(crate) fn dpop(&self) -> &Dpop {
        &self.dpop
    }
}
