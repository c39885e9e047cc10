//! Who we say we are (<https://atproto.com/specs/oauth#clients>): a loopback client for this machine,
//! which proves nothing, or a confidential one, whose metadata is served at its `client_id` and which
//! signs for itself.

use millrace_atproto::crypto::{Curve, SigningKey};
use millrace_atproto::jwt::PublicJwk;
use serde_json::{Value, json};
use url::{Host, Url, form_urlencoded};

/// The scope without which a session is not one of this protocol.
pub(super) const SCOPE_ATPROTO: &str = "atproto";

/// Keys of one client.
const KEYS_MAX: usize = 16;

/// Who we say we are.
#[derive(Debug, Clone)]
pub enum ClientIdentity {
    /// For development and for a Millrace that only its own machine reaches.
    Loopback(LoopbackClient),
    /// For a Millrace with a name on the internet.
    Confidential(ConfidentialClient),
}

/// A public client that needs no metadata served: its `client_id` says everything.
#[derive(Debug, Clone)]
pub struct LoopbackClient {
    id: String,
    redirect_uris: Vec<String>,
    scope: String,
}

/// A client that signs for itself.
#[derive(Debug, Clone)]
pub struct ConfidentialClient {
    /// The URL of its metadata: https, with a path, without a port.
    pub client_id: String,
    /// What people read as its name.
    pub client_name: String,
    /// Where browsers may come back to: https.
    pub redirect_uris: Vec<String>,
    /// Everything that may ever be asked for, by blanks; with `atproto`.
    pub scope: String,
    /// Where [`ClientIdentity::jwks`] is served: https.
    pub jwks_uri: String,
    /// The newest first, which signs new sessions; a session goes on with the key it began with, so a key
    /// is removed when no session is left that began with it, or at once if it was stolen.
    pub keys: Vec<ClientKey>,
}

/// A key of a confidential client. Its id is its thumbprint.
#[derive(Clone)]
pub struct ClientKey {
    id: String,
    key: SigningKey,
    jwk: PublicJwk,
}

/// Why this is not a client, or asks for what it has not declared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientFault {
    /// `client_id`.
    #[error("client_id {0}: not an https URL with a path and without a port")]
    ClientId(String),
    /// `redirect_uris`.
    #[error(
        "redirect_uri {0}: not https (or, for a loopback client, not http://127.0.0.1 or http://[::1])"
    )]
    RedirectUri(String),
    /// There is none.
    #[error("there is no redirect_uri")]
    NoRedirectUri,
    /// `jwks_uri`.
    #[error("jwks_uri {0}: not https")]
    JwksUri(String),
    /// `scope`.
    #[error("the scope does not contain atproto")]
    Scope,
    /// Keys on another curve cannot sign for a client.
    #[error("a client's key is on P-256")]
    KeyKind,
    /// None, the same twice, or more than are used.
    #[error("a confidential client has between 1 and 16 different keys")]
    Keys,
    /// The redirect asked for is not one of the client's.
    #[error("redirect_uri {0} is not declared")]
    RedirectUriUndeclared(String),
    /// The scope asked for is not one of the client's.
    #[error("scope {0} is not declared")]
    ScopeUndeclared(String),
}

impl ClientKey {
    /// A client's key.
    ///
    /// # Errors
    /// [`ClientFault::KeyKind`]: it is not on P-256.
    pub fn new(key: SigningKey) -> Result<Self, ClientFault> {
        if key.curve() != Curve::P256 {
            return Err(ClientFault::KeyKind);
        }
        let jwk = PublicJwk::of(&key.public()).map_err(|_| ClientFault::KeyKind)?;
        Ok(Self { id: jwk.thumbprint(), key, jwk })
    }

    /// What `kid` says: the thumbprint (RFC 7638).
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn signing(&self) -> &SigningKey {
        &self.key
    }
}

impl std::fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClientKey({})", self.id)
    }
}

impl LoopbackClient {
    /// A client that comes back to one of `redirect_uris` (of which servers ignore the port) and asks for
    /// no more than `scope`.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(redirect_uris: Vec<String>, scope: String) -> Result<Self, ClientFault> {
        if redirect_uris.is_empty() {
            return Err(ClientFault::NoRedirectUri);
        }
        for uri in &redirect_uris {
            let url = Url::parse(uri).ok().filter(|url| url.scheme() == "http");
            let local = url.as_ref().and_then(Url::host).is_some_and(|host| match host {
                Host::Domain(_) => false,
                Host::Ipv4(addr) => addr.is_loopback(),
                Host::Ipv6(addr) => addr.is_loopback(),
            });
            if !local {
                return Err(ClientFault::RedirectUri(uri.clone()));
            }
        }
        declared(&scope)?;
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(redirect_uris.iter().map(|uri| ("redirect_uri", uri)));
        query.append_pair("scope", &scope);
        Ok(Self { id: format!("http://localhost?{}", query.finish()), redirect_uris, scope })
    }
}

impl ClientIdentity {
    /// A confidential client.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn confidential(client: ConfidentialClient) -> Result<Self, ClientFault> {
        let https = |text: &str| Url::parse(text).ok().filter(|url| url.scheme() == "https");
        let id = https(&client.client_id).filter(|url| {
            let plain = url.username().is_empty() && url.password().is_none();
            plain && url.port().is_none() && url.path() != "/" && url.fragment().is_none()
        });
        if id.is_none_or(|id| id.as_str() != client.client_id) {
            return Err(ClientFault::ClientId(client.client_id));
        }
        if client.redirect_uris.is_empty() {
            return Err(ClientFault::NoRedirectUri);
        }
        if let Some(uri) = client.redirect_uris.iter().find(|uri| https(uri).is_none()) {
            return Err(ClientFault::RedirectUri(uri.clone()));
        }
        if https(&client.jwks_uri).is_none() {
            return Err(ClientFault::JwksUri(client.jwks_uri));
        }
        declared(&client.scope)?;
        let twice = |at: usize| client.keys[..at].iter().any(|key| key.id == client.keys[at].id);
        if client.keys.is_empty()
            || client.keys.len() > KEYS_MAX
            || (1..client.keys.len()).any(twice)
        {
            return Err(ClientFault::Keys);
        }
        Ok(Self::Confidential(client))
    }

    /// The `client_id`.
    pub fn client_id(&self) -> &str {
        match self {
            Self::Loopback(client) => &client.id,
            Self::Confidential(client) => &client.client_id,
        }
    }

    /// Everything that may be asked for.
    pub fn scope(&self) -> &str {
        match self {
            Self::Loopback(client) => &client.scope,
            Self::Confidential(client) => &client.scope,
        }
    }

    fn redirect_uris(&self) -> &[String] {
        match self {
            Self::Loopback(client) => &client.redirect_uris,
            Self::Confidential(client) => &client.redirect_uris,
        }
    }

    /// The document to serve at `client_id`, as `application/json`; `None` for a loopback client, of which
    /// servers make one up.
    pub fn metadata(&self) -> Option<Value> {
        let Self::Confidential(client) = self else {
            return None;
        };
        Some(json!({
            "client_id": client.client_id,
            "client_name": client.client_name,
            "application_type": "web",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "redirect_uris": client.redirect_uris,
            "scope": client.scope,
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": Curve::P256.jwt_algorithm(),
            "dpop_bound_access_tokens": true,
            "jwks_uri": client.jwks_uri,
        }))
    }

    /// The document to serve at `jwks_uri`: the public parts of all keys.
    pub fn jwks(&self) -> Option<Value> {
        let Self::Confidential(client) = self else {
            return None;
        };
        let public = |key: &ClientKey| {
            let mut jwk = json!(key.jwk);
            jwk["kid"] = json!(key.id);
            jwk["use"] = json!("sig");
            jwk["alg"] = json!(Curve::P256.jwt_algorithm());
            jwk
        };
        Some(json!({ "keys": client.keys.iter().map(public).collect::<Vec<_>>() }))
    }

    /// The ids of the keys that a new session may begin with, the newest first; none of a client without keys.
    pub(super) fn key_ids(&self) -> impl Iterator<Item = &str> {
        let keys = match self {
            Self::Loopback(_) => &[],
            Self::Confidential(client) => client.keys.as_slice(),
        };
        keys.iter().map(ClientKey::id)
    }

    /// The key of that id.
    pub(super) fn key(&self, id: &str) -> Option<&ClientKey> {
        match self {
            Self::Loopback(_) => None,
            Self::Confidential(client) => client.keys.iter().find(|key| key.id == id),
        }
    }

    /// Whether a session may come back to `redirect_uri` and ask for `scope`.
    pub(super) fn declares(&self, redirect_uri: &str, scope: &str) -> Result<(), ClientFault> {
        if !self.redirect_uris().iter().any(|declared| declared == redirect_uri) {
            return Err(ClientFault::RedirectUriUndeclared(redirect_uri.to_owned()));
        }
        declared(scope)?;
        let undeclared = |one: &&str| !self.scope().split(' ').any(|declared| declared == *one);
        match scope.split(' ').find(undeclared) {
            Some(scope) => Err(ClientFault::ScopeUndeclared(scope.to_owned())),
            None => Ok(()),
        }
    }
}

fn declared(scope: &str) -> Result<(), ClientFault> {
    if has_atproto(scope) { Ok(()) } else { Err(ClientFault::Scope) }
}

/// Whether a scope is of this protocol at all.
pub(super) fn has_atproto(scope: &str) -> bool {
    scope.split(' ').any(|one| one == SCOPE_ATPROTO)
}

#[cfg(test)]
mod tests;
