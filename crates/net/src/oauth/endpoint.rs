//! Questions to an authorization server: a form, who asks, and the proof of the session's key.

use std::fmt;
use std::time::Duration;

use ::http::header::{ACCEPT, CONTENT_TYPE};
use ::http::{HeaderValue, Method};
use millrace_atproto::jwt::ClientAssertion;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::{Url, form_urlencoded};

use super::OAuthClient;
use super::client::ClientKey;
use super::error::OAuthError;
use super::metadata::ServerMetadata;
use super::origin::Origin;
use super::secret::{SessionKey, Token};
use crate::http::{HttpError, Limits, Request, Response};

/// An answer of an endpoint: tokens of a few kilobytes.
const ANSWER: Limits = Limits::new(64 * 1024, Duration::from_secs(30));

/// How long a client's assertion is good for, in seconds.
const ASSERTION_LIFETIME_S: i64 = 60;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Which endpoint of an authorization server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// Where requests are pushed.
    Par,
    /// Where codes and refresh tokens are exchanged.
    Token,
    /// Where tokens are given back.
    Revocation,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Par => "pushed authorization request",
            Self::Token => "token request",
            Self::Revocation => "revocation",
        })
    }
}

/// Who asks: the client, with the key that the session began with, and the session's own key.
pub(super) struct Asker<'a> {
    pub(super) client_key: Option<&'a ClientKey>,
    pub(super) session_key: &'a SessionKey,
}

impl OAuthClient {
    /// Who asks in a session that began with the client's key `key_id`.
    pub(super) fn asker<'a>(
        &'a self,
        key_id: Option<&str>,
        session_key: &'a SessionKey,
    ) -> Result<Asker<'a>, OAuthError> {
        let gone = |id: &str| OAuthError::ClientKeyGone { key_id: id.to_owned() };
        let client_key = key_id.map(|id| self.identity.key(id).ok_or_else(|| gone(id)));
        Ok(Asker { client_key: client_key.transpose()?, session_key })
    }

    /// Asks an endpoint; the answer is 2xx.
    pub(super) async fn ask(
        &self,
        server: &ServerMetadata,
        endpoint: Endpoint,
        asker: &Asker<'_>,
        form: &[(&str, &str)],
    ) -> Result<Response, OAuthError> {
        let url = match endpoint {
            Endpoint::Par => &server.par_endpoint,
            Endpoint::Token => &server.token_endpoint,
            Endpoint::Revocation => server
                .revocation_endpoint
                .as_ref()
                .ok_or_else(|| OAuthError::NoRevocation { issuer: server.issuer.clone() })?,
        };
        // Made anew for a second try: an assertion is good once.
        let build = || self.form(url, &server.issuer, asker, form);
        let answer = self.dpop.send(asker.session_key, None, ANSWER, build).await;
        let answer = answer.map_err(OAuthError::Http)?;
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        Err(refusal(endpoint, url, &answer, self.dpop.now_us()))
    }

    fn form(
        &self,
        url: &Url,
        issuer: &Origin,
        asker: &Asker<'_>,
        form: &[(&str, &str)],
    ) -> Request {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        body.append_pair("client_id", self.identity.client_id());
        if let Some(key) = asker.client_key {
            let token_id = Token::random(self.dpop.rng());
            let assertion = ClientAssertion {
                client_id: self.identity.client_id(),
                issuer: issuer.as_str(),
                token_id: token_id.expose(),
                issued_s: self.dpop.now_s(),
                lifetime_s: ASSERTION_LIFETIME_S,
            };
            body.append_pair("client_assertion_type", ASSERTION_TYPE);
            body.append_pair("client_assertion", &assertion.sign(key.signing(), key.id()));
        }
        Request::new(Method::POST, url.as_str())
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
            .body(body.finish())
    }
}

/// The JSON of an answer.
pub(super) fn json<T: DeserializeOwned>(
    endpoint: Endpoint,
    answer: &Response,
) -> Result<T, OAuthError> {
    // The reason of a parser may quote what it read, which may be a token.
    let wrong = |_| OAuthError::Answer { endpoint, reason: "not the JSON expected" };
    serde_json::from_slice(&answer.body).map_err(wrong)
}

/// Characters of a server's words that an error keeps.
const WORDS_CHARS_MAX: usize = 300;

/// A server's words, as an error keeps them.
pub(crate) fn shortened(words: &str) -> String {
    words.chars().filter(|char| !char.is_control()).take(WORDS_CHARS_MAX).collect()
}

/// What an answer other than 2xx means.
fn refusal(endpoint: Endpoint, url: &Url, answer: &Response, now_us: i64) -> OAuthError {
    #[derive(Deserialize)]
    struct Told {
        error: String,
        #[serde(default)]
        error_description: Option<String>,
    }
    let status = answer.status;
    match serde_json::from_slice::<Told>(&answer.body) {
        Ok(told) if status < 500 => OAuthError::Refused {
            endpoint,
            status,
            error: shortened(&told.error),
            description: shortened(&told.error_description.unwrap_or_default()),
        },
        _ => OAuthError::Http(HttpError::Status {
            host: url.host_str().unwrap_or_default().to_owned(),
            status,
            retry_after: answer.retry_after(now_us),
            // It may repeat what was sent.
            body: bytes::Bytes::new(),
        }),
    }
}
