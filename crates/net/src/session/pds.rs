//! Requests that are authorised: with a proof of the session's key, or with a bearer token.

use ::http::header::AUTHORIZATION;
use ::http::{HeaderName, HeaderValue};
use bytes::Bytes;
use millrace_atproto::{Did, Nsid};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Call, Grant, SessionError};
use crate::http::{HttpError, Request, Response};
use crate::oauth::{Dpop, OAuthClient, Origin, SessionKey, Token};

const DPOP: HeaderName = HeaderName::from_static("dpop");

/// Somebody's session with their PDS, for as long as its access token lasts. Cheap to make: once a request
/// or a batch of them, from the grant as it is stored now.
#[derive(Debug, Clone)]
pub struct PdsSession {
    dpop: Dpop,
    did: Did,
    pds: Origin,
    access: Token,
    /// What the token is bound to; none for an app password's.
    key: Option<SessionKey>,
}

impl PdsSession {
    /// A session with `grant`, which `client` signs requests for.
    pub fn new(client: &OAuthClient, grant: &Grant) -> Self {
        let (access, key) = match grant {
            Grant::OAuth(grant) => (grant.access.clone(), Some(grant.key.clone())),
            Grant::Password(grant) => (grant.access.clone(), None),
        };
        let (did, pds) = (grant.did().clone(), grant.pds().clone());
        Self { dpop: client.dpop().clone(), did, pds, access, key }
    }

    /// Whose.
    pub fn did(&self) -> &Did {
        &self.did
    }

    /// Asks; the answer is 2xx.
    ///
    /// # Errors
    /// [`SessionError::Expired`]: the grant is to be renewed first. Else what the PDS refuses.
    pub async fn send(&self, call: &Call) -> Result<Response, SessionError> {
        let authorization = self.authorization()?;
        let build = || -> Request {
            let mut request = call.request(&self.pds);
            request.headers.remove(DPOP);
            request.header(AUTHORIZATION, authorization.clone())
        };
        let answer = match &self.key {
            Some(key) => self.dpop.send(key, Some(&self.access), call.limits, build).await,
            None => self.dpop.http().send(build(), call.limits).await,
        };
        answered(answer, self.dpop.now_us())
    }

    /// Asks; the answer is the JSON expected.
    ///
    /// # Errors
    /// As [`PdsSession::send`], and if it is not.
    pub async fn json<T: DeserializeOwned>(&self, call: &Call) -> Result<T, SessionError> {
        let answer = self.send(call).await?;
        serde_json::from_slice(&answer.body)
            .map_err(|error| SessionError::Invalid(error.to_string()))
    }

    /// `com.atproto.repo.uploadBlob`: what a record refers to it by.
    ///
    /// # Errors
    /// As [`PdsSession::json`].
    pub async fn upload_blob(&self, mime: &str, bytes: Bytes) -> Result<Value, SessionError> {
        let call = Call::procedure(method("com.atproto.repo.uploadBlob")?).bytes(mime, bytes)?;
        let mut answer: Value = self.json(&call).await?;
        match answer.get_mut("blob").map(Value::take) {
            Some(blob @ Value::Object(_)) => Ok(blob),
            _ => Err(SessionError::Invalid("the answer has no blob".to_owned())),
        }
    }

    fn authorization(&self) -> Result<HeaderValue, SessionError> {
        let scheme = if self.key.is_some() { "DPoP" } else { "Bearer" };
        authorization(scheme, &self.access)
    }
}

pub(super) fn authorization(scheme: &str, token: &Token) -> Result<HeaderValue, SessionError> {
    let value = HeaderValue::from_str(&format!("{scheme} {}", token.expose()));
    let mut value = value.map_err(|_| SessionError::Invalid("the token is not one".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// What an answer means.
pub(super) fn answered(
    answer: Result<Response, HttpError>,
    now_us: i64,
) -> Result<Response, SessionError> {
    let answer = answer.map_err(SessionError::of)?;
    if (200..300).contains(&answer.status) {
        return Ok(answer);
    }
    Err(SessionError::answered(&answer, now_us))
}

/// A method by its name.
pub(super) fn method(name: &'static str) -> Result<Nsid, SessionError> {
    Nsid::parse(name).map_err(|_| SessionError::Invalid("not a method".to_owned()))
}
