//! Requests that prove the session's key (<https://atproto.com/specs/oauth#demonstrating-proof-of-possession-dpop>,
//! RFC 9449): one proof a request, with the nonce that the server gave out last, and asked once more
//! where the server wants another.

use std::sync::Arc;

use ::http::header::WWW_AUTHENTICATE;
use ::http::{HeaderName, HeaderValue};
use millrace_atproto::jwt::DpopProof;
use millrace_runtime::clock::SharedClock;
use millrace_runtime::rng::Rng;
use moka::future::Cache;
use serde::Deserialize;
use url::Url;

use super::secret::{SessionKey, Token};
use crate::http::{HttpClient, HttpError, Limits, Request, Response};

const DPOP: HeaderName = HeaderName::from_static("dpop");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Bytes of a nonce; what is longer is not one.
const NONCE_BYTES_MAX: usize = 1024;

/// Bytes of kept nonces with the origins they are of.
const NONCES_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The answer by which a server asks for another nonce.
const USE_NONCE: &str = "use_dpop_nonce";

/// Signs requests. Clones share the nonces, which are kept by origin: a server may give all sessions
/// the same, and one that does not costs a second request.
#[derive(Clone)]
pub(crate) struct Dpop {
    http: HttpClient,
    clock: SharedClock,
    rng: Rng,
    nonces: Arc<Cache<String, String>>,
}

impl Dpop {
    pub(super) fn new(http: HttpClient, clock: SharedClock, rng: Rng) -> Self {
        let weigh = |origin: &String, nonce: &String| {
            u32::try_from(origin.len() + nonce.len() + 64).unwrap_or(u32::MAX)
        };
        let nonces = Cache::builder().max_capacity(NONCES_BYTES_MAX).weigher(weigh).build();
        Self { http, clock, rng, nonces: Arc::new(nonces) }
    }

    pub(crate) fn http(&self) -> &HttpClient {
        &self.http
    }

    pub(super) fn rng(&self) -> &Rng {
        &self.rng
    }

    /// Microseconds since the epoch.
    pub(crate) fn now_us(&self) -> i64 {
        self.clock.now_us()
    }

    /// Seconds since the epoch.
    pub(super) fn now_s(&self) -> i64 {
        self.clock.now_us().div_euclid(1_000_000)
    }

    /// Sends what `build` makes, with a proof; once more with a new request and proof if the server wants
    /// another nonce than it got. An answer of any status is an answer.
    pub(crate) async fn send(
        &self,
        key: &SessionKey,
        access: Option<&Token>,
        limits: Limits,
        build: impl Fn() -> Request,
    ) -> Result<Response, HttpError> {
        let request = build();
        let url = Url::parse(&request.url).map_err(|_| no_url())?;
        let origin = url.origin().ascii_serialization();
        let known = self.nonces.get(&origin).await;
        let proof = self.proof(key, access, &request, &url, known.as_deref())?;
        let first = self.once(&origin, request.header(DPOP, proof), limits).await?;
        let fresh = nonce(&first).filter(|fresh| Some(fresh) != known.as_ref());
        match fresh {
            Some(fresh) if wants_nonce(&first) => {
                let request = build();
                let proof = self.proof(key, access, &request, &url, Some(&fresh))?;
                self.once(&origin, request.header(DPOP, proof), limits).await
            }
            _ => Ok(first),
        }
    }

    async fn once(
        &self,
        origin: &str,
        request: Request,
        limits: Limits,
    ) -> Result<Response, HttpError> {
        let answer = self.http.send(request.unredirected(), limits).await?;
        if let Some(nonce) = nonce(&answer) {
            self.nonces.insert(origin.to_owned(), nonce).await;
        }
        Ok(answer)
    }

    fn proof(
        &self,
        key: &SessionKey,
        access: Option<&Token>,
        request: &Request,
        url: &Url,
        nonce: Option<&str>,
    ) -> Result<HeaderValue, HttpError> {
        let token_id = Token::random(&self.rng);
        let proof = DpopProof {
            method: request.method.as_str(),
            url,
            token_id: token_id.expose(),
            issued_s: self.now_s(),
            nonce,
            access_token: access.map(Token::expose),
        };
        let proof = proof.sign(key.signing()).expect("invariant: a session's key is on P-256");
        let mut proof = HeaderValue::from_str(&proof).map_err(|_| no_url())?;
        proof.set_sensitive(true);
        Ok(proof)
    }
}

fn no_url() -> HttpError {
    HttpError::Url { url: "URL".to_owned(), reason: "not one" }
}

/// The nonce that an answer gives out for the next request.
pub(super) fn nonce(answer: &Response) -> Option<String> {
    let nonce = answer.headers.get(DPOP_NONCE)?.to_str().ok()?;
    (!nonce.is_empty() && nonce.len() <= NONCE_BYTES_MAX).then(|| nonce.to_owned())
}

/// Whether the server asks for another nonce: an authorization server in its body (RFC 9449 §8), a
/// PDS in a header (§9).
fn wants_nonce(answer: &Response) -> bool {
    #[derive(Deserialize)]
    struct Told {
        error: String,
    }
    if !matches!(answer.status, 400 | 401) {
        return false;
    }
    challenged(answer, USE_NONCE)
        || serde_json::from_slice(&answer.body).is_ok_and(|told: Told| told.error == USE_NONCE)
}

/// Whether the answer's challenge names `error`.
pub(crate) fn challenged(answer: &Response, error: &str) -> bool {
    let challenges = answer.headers.get_all(WWW_AUTHENTICATE).iter();
    challenges.filter_map(|value| value.to_str().ok()).any(|challenge| {
        let scheme = challenge.split(' ').next().unwrap_or_default();
        (scheme.eq_ignore_ascii_case("dpop") || scheme.eq_ignore_ascii_case("bearer"))
            && challenge.contains(&format!("error=\"{error}\""))
    })
}

impl std::fmt::Debug for Dpop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dpop")
    }
}

#[cfg(test)]
mod tests {
    use ::http::HeaderMap;

    use super::*;

    #[test]
    fn a_server_asks_for_a_nonce_in_two_ways() {
        let check = |status: u16, challenge: Option<&'static str>, body: &'static str, expected| {
            let mut headers = HeaderMap::new();
            if let Some(challenge) = challenge {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            let answer = Response { status, headers, body: body.into() };
            assert_eq!(wants_nonce(&answer), expected, "{status} {challenge:?} {body}");
        };
        let asked = r#"{"error":"use_dpop_nonce"}"#;
        check(400, None, asked, true);
        check(401, None, asked, true);
        check(403, None, asked, false);
        check(200, None, asked, false);
        check(400, None, r#"{"error":"invalid_grant"}"#, false);
        check(400, None, "[[[", false);
        check(401, Some(r#"DPoP error="use_dpop_nonce""#), "", true);
        check(401, Some(r#"DPoP algs="ES256", error="use_dpop_nonce""#), "", true);
        check(401, Some(r#"Basic error="use_dpop_nonce""#), "", false);
        check(401, Some(r#"DPoP error="invalid_token""#), "", false);
    }
}
