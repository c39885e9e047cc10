//! The first half of a sign-in: who is meant, which server speaks for them, and the request that is
//! pushed there (<https://atproto.com/specs/oauth#authorization-requests>, RFC 7636, RFC 9126).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use millrace_atproto::Did;
use millrace_atproto::crypto::sha256;
use serde::{Deserialize, Serialize};
use url::Url;

use super::OAuthClient;
use super::discovery::Found;
use super::dpop::nonce;
use super::endpoint::{Endpoint, json};
use super::error::OAuthError;
use super::origin::Origin;
use super::secret::{SessionKey, Token};

/// How long a browser may take to come back, in seconds.
pub const PENDING_LIFETIME_S: i64 = 60 * 60;

/// Bytes of a `request_uri`.
const REQUEST_URI_BYTES_MAX: usize = 1024;

/// With how many of the client's keys, the newest first, a server is asked that does not know them.
const KEYS_TRIED_MAX: usize = 3;

/// What somebody asks for.
#[derive(Debug, Clone, Copy)]
pub struct Begin<'a> {
    /// What they typed: a handle, a DID, or the URL of a PDS or entryway.
    pub input: &'a str,
    /// Where their browser comes back to, one of the client's.
    pub redirect_uri: &'a str,
    /// What is asked for, part of the client's; with `atproto`.
    pub scope: &'a str,
}

/// A sign-in under way.
#[derive(Debug, Clone)]
pub struct Begun {
    /// Where the browser is sent now.
    pub authorize_url: Url,
    /// What is needed when it comes back.
    pub pending: Pending,
}

/// What is needed when the browser comes back. Serialising shows its secrets: whoever stores it seals it,
/// under [`Pending::state_hash`], and takes it out exactly once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pending {
    pub(super) state: Token,
    /// Which server was asked.
    pub issuer: Origin,
    pub(super) verifier: Token,
    pub(super) key: SessionKey,
    /// Who was meant, if somebody was named.
    pub did: Option<Did>,
    /// As which client.
    pub client_id: String,
    /// With which of the client's keys, if it has any.
    pub client_key: Option<String>,
    /// Where the browser comes back to.
    pub redirect_uri: String,
    /// Until when, in microseconds since the epoch.
    pub expires_us: i64,
}

impl Pending {
    /// By which it is stored: SHA-256 of the state, so that the store alone lets nobody finish.
    pub fn state_hash(&self) -> [u8; 32] {
        sha256(self.state.expose().as_bytes())
    }
}

impl OAuthClient {
    /// Begins a sign-in.
    ///
    /// # Errors
    /// Nobody is meant, no server may speak for them, or it refuses; see [`OAuthError`].
    pub async fn begin(&self, begin: Begin<'_>) -> Result<Begun, OAuthError> {
        self.identity.declares(begin.redirect_uri, begin.scope)?;
        let found = self.discovery.find(begin.input).await?;
        let rng = self.dpop.rng();
        let mut keys = self.identity.key_ids().take(KEYS_TRIED_MAX).map(str::to_owned);
        let mut pending = Pending {
            state: Token::random(rng),
            issuer: found.server.issuer.clone(),
            verifier: Token::random(rng),
            key: SessionKey::random(rng),
            did: found.did.clone(),
            client_id: self.identity.client_id().to_owned(),
            client_key: keys.next(),
            redirect_uri: begin.redirect_uri.to_owned(),
            expires_us: self.dpop.now_us().saturating_add(PENDING_LIFETIME_S * 1_000_000),
        };
        // Servers go by the keys they fetched some minutes ago, of which one that is new is not yet.
        let request_uri = loop {
            match self.push(&found, &pending, begin.scope).await {
                Err(error) if error.is_unknown_key() => {
                    pending.client_key = Some(keys.next().ok_or(error)?);
                }
                pushed => break pushed?,
            }
        };
        let mut authorize_url = found.server.authorization_endpoint;
        authorize_url
            .query_pairs_mut()
            .append_pair("client_id", self.identity.client_id())
            .append_pair("request_uri", &request_uri);
        Ok(Begun { authorize_url, pending })
    }

    /// Pushes the request; what the server calls it.
    async fn push(
        &self,
        found: &Found,
        pending: &Pending,
        scope: &str,
    ) -> Result<String, OAuthError> {
        let challenge = challenge(&pending.verifier);
        let mut form = vec![
            ("response_type", "code"),
            ("redirect_uri", pending.redirect_uri.as_str()),
            ("scope", scope),
            ("state", pending.state.expose()),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        form.extend(found.login_hint.as_deref().map(|hint| ("login_hint", hint)));
        let asker = self.asker(pending.client_key.as_deref(), &pending.key)?;
        let answer = self.ask(&found.server, Endpoint::Par, &asker, &form).await?;
        // Found out here, where nothing is lost; later answers are not thrown away for it.
        if nonce(&answer).is_none() {
            return Err(OAuthError::NoNonce { issuer: found.server.issuer.clone() });
        }
        #[derive(Deserialize)]
        struct Pushed {
            request_uri: String,
        }
        let pushed: Pushed = json(Endpoint::Par, &answer)?;
        if pushed.request_uri.is_empty() || pushed.request_uri.len() > REQUEST_URI_BYTES_MAX {
            let reason = "its request_uri is empty or too long";
            return Err(OAuthError::Answer { endpoint: Endpoint::Par, reason });
        }
        Ok(pushed.request_uri)
    }
}

/// The challenge to a verifier, method S256.
fn challenge(verifier: &Token) -> String {
    URL_SAFE_NO_PAD.encode(sha256(verifier.expose().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    #[test]
    fn the_challenge_of_the_standards_example() {
        let verifier = Token::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
