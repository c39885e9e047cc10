//! One question to a PDS.

use std::time::Duration;

use ::http::header::CONTENT_TYPE;
use ::http::{HeaderMap, HeaderName, HeaderValue, Method};
use bytes::Bytes;
use millrace_atproto::Nsid;
use serde::Serialize;

use super::SessionError;
use crate::http::{Limits, Request};
use crate::oauth::Origin;

/// An answer in JSON, unless a call says otherwise.
const ANSWER: Limits = Limits::new(4 * 1024 * 1024, Duration::from_secs(30));

/// A blob on its way up: the time for some tens of megabytes.
const UPLOAD: Limits = Limits::new(64 * 1024, Duration::from_secs(120));

const PROXY: HeaderName = HeaderName::from_static("atproto-proxy");

/// One question: a method, what it is asked, and for whom the PDS passes it on.
#[derive(Debug, Clone)]
pub struct Call {
    method: Nsid,
    http: Method,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Option<Bytes>,
    pub(super) limits: Limits,
}

impl Call {
    /// A query.
    pub fn query(method: Nsid) -> Self {
        Self::new(method, Method::GET)
    }

    /// A procedure without a body.
    pub fn procedure(method: Nsid) -> Self {
        Self::new(method, Method::POST)
    }

    fn new(method: Nsid, http: Method) -> Self {
        let (query, headers) = (Vec::new(), HeaderMap::new());
        Self { method, http, query, headers, body: None, limits: ANSWER }
    }

    /// With a parameter; several of one name are a list.
    #[must_use]
    pub fn param(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// With a body in JSON.
    ///
    /// # Errors
    /// [`SessionError::Invalid`]: it is not one.
    pub fn json(mut self, body: &impl Serialize) -> Result<Self, SessionError> {
        let body = serde_json::to_vec(body);
        self.body = Some(body.map_err(|error| SessionError::Invalid(error.to_string()))?.into());
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(self)
    }

    /// With a body of any type, as `com.atproto.repo.uploadBlob` takes; it has more time.
    ///
    /// # Errors
    /// [`SessionError::Invalid`]: the type is not one.
    pub fn bytes(mut self, mime: &str, body: Bytes) -> Result<Self, SessionError> {
        let mime = HeaderValue::from_str(mime);
        let mime = mime.map_err(|_| SessionError::Invalid("not a media type".to_owned()))?;
        self.headers.insert(CONTENT_TYPE, mime);
        self.body = Some(body);
        self.limits = UPLOAD;
        Ok(self)
    }

    /// Passed on by the PDS to a service: `did:web:api.example.com#bsky_appview`.
    ///
    /// # Errors
    /// [`SessionError::Invalid`]: it is not the name of one.
    pub fn proxied(mut self, to: &str) -> Result<Self, SessionError> {
        let named = to.split_once('#').is_some_and(|(did, service)| {
            millrace_atproto::Did::parse(did).is_ok() && !service.is_empty()
        });
        let to = HeaderValue::from_str(to).ok().filter(|_| named);
        let to = to.ok_or_else(|| SessionError::Invalid("not the name of a service".to_owned()))?;
        self.headers.insert(PROXY, to);
        Ok(self)
    }

    /// With a further header, as `atproto-accept-labelers`. Those that authorise are the session's own.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// With other bounds.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The request to `pds`; nothing in it authorises.
    pub(super) fn request(&self, pds: &Origin) -> Request {
        let mut url = pds.at(&format!("/xrpc/{}", self.method));
        if !self.query.is_empty() {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(&self.query);
            url = format!("{url}?{}", query.finish());
        }
        let mut request = Request::new(self.http.clone(), url).unredirected();
        request.headers = self.headers.clone();
        request.body = self.body.clone();
        request
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::guard::Guard;

    #[test]
    fn a_call_is_a_request_to_one_pds() {
        let pds = Origin::canonical("https://pds.example.com", Guard::new(false)).unwrap();
        let method = Nsid::parse("app.bsky.feed.getPosts").unwrap();
        let call = Call::query(method.clone()).param("uris", "at://a/b").param("uris", "at://c/d");
        let call = call.proxied("did:web:api.example.com#bsky_appview").unwrap();
        let request = call.request(&pds);
        assert_eq!(
            request.url,
            "https://pds.example.com/xrpc/app.bsky.feed.getPosts?uris=at%3A%2F%2Fa%2Fb&uris=at%3A%2F%2Fc%2Fd"
        );
        assert_eq!(request.headers["atproto-proxy"], "did:web:api.example.com#bsky_appview");
        assert_eq!((request.method.as_str(), request.redirects_max), ("GET", 0));

        for to in
            ["did:web:api.example.com", "api.example.com#x", "did:web:a#", "did:web:a#x\r\ny: z"]
        {
            assert!(Call::query(method.clone()).proxied(to).is_err(), "{to}");
        }
        assert!(Call::procedure(method).bytes("image/\n", Bytes::new()).is_err());
    }
}
