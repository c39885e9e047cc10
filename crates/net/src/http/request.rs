//! What is asked, what is answered, and the bounds of both.

use std::time::Duration;

use ::http::{HeaderMap, HeaderName, HeaderValue, Method};
use bytes::Bytes;

use super::REDIRECTS_MAX;

/// Bounds of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the body, after which it is cut off with an error.
    pub bytes_max: usize,
    /// Time for everything: waiting for a turn, connecting, redirects and the whole body.
    pub timeout: Duration,
    /// Time without a byte while a body streams.
    pub idle_timeout: Duration,
}

impl Limits {
    /// Bounds without a shorter idle time.
    pub const fn new(bytes_max: usize, timeout: Duration) -> Self {
        Self { bytes_max, timeout, idle_timeout: timeout }
    }

    /// The same with a bound on the time without a byte.
    pub const fn idle(self, idle_timeout: Duration) -> Self {
        Self { idle_timeout, ..self }
    }
}

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method. Redirects are followed for GET and HEAD only.
    pub method: Method,
    /// The URL.
    pub url: String,
    /// Headers. `authorization` and `cookie` are not sent on to another origin; `host` replaces
    /// the URL's on the first request.
    pub headers: HeaderMap,
    /// The body.
    pub body: Option<Bytes>,
    /// Redirects that are followed; one more is an error.
    pub redirects_max: usize,
}

impl Request {
    /// A GET.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new(Method::GET, url)
    }

    /// A request without headers and body.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self {
            method,
            url: url.into(),
            headers: HeaderMap::new(),
            body: None,
            redirects_max: REDIRECTS_MAX,
        }
    }

    /// The same, asked of this URL alone: a redirect is an error.
    #[must_use]
    pub fn unredirected(mut self) -> Self {
        self.redirects_max = 0;
        self
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Response {
    /// How long the server asks to wait, counted from `now_us`.
    pub fn retry_after(&self, now_us: i64) -> Option<Duration> {
        super::retry_after::retry_after(&self.headers, now_us)
    }
}
