//! One guarded request at a time.

mod body;
mod config;
mod error;

pub use body::BodyStream;
pub use config::HttpConfig;
pub use error::HttpError;

use std::time::Duration;

use ::http::HeaderMap;
use bytes::Bytes;
use millrace_runtime::clock::SharedClock;
use millrace_runtime::metrics::Registry;
use serde::de::DeserializeOwned;

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
    /// Bounds with an idle timeout equal to the whole.
    pub const fn new(bytes_max: usize, timeout: Duration) -> Self {
        Self {
            bytes_max,
            timeout,
            idle_timeout: timeout,
        }
    }
}

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The URL.
    pub url: String,
    /// Headers; `host` overrides the URL's.
    pub headers: HeaderMap,
}

impl Request {
    /// A GET.
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            headers: HeaderMap::new(),
        }
    }
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// The guarded client. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HttpClient {}

impl HttpClient {
    /// Builds the client.
    pub fn new(
        _config: &HttpConfig,
        _clock: SharedClock,
        _registry: &Registry,
    ) -> Result<Self, HttpError> {
        unimplemented!()
    }

    /// GET; an answer other than 2xx is an error.
    pub async fn get(&self, _url: &str, _limits: Limits) -> Result<Response, HttpError> {
        unimplemented!()
    }

    /// GET of JSON.
    pub async fn get_json<T: DeserializeOwned>(
        &self,
        _url: &str,
        _limits: Limits,
    ) -> Result<T, HttpError> {
        unimplemented!()
    }

    /// GET, the body as it arrives.
    pub async fn get_stream(&self, _url: &str, _limits: Limits) -> Result<BodyStream, HttpError> {
        unimplemented!()
    }

    /// Any request.
    pub async fn send(&self, _request: Request, _limits: Limits) -> Result<Response, HttpError> {
        unimplemented!()
    }
}
