//! The guarded client: every request of this program to a server it does not know goes through
//! [`HttpClient::send`] or [`HttpClient::open`].
//!
//! What must stay true: the guard sees the URL of every hop and every address a name resolves to;
//! redirects are followed here, never by the library below; no body is held beyond its bound.

mod answer;
mod body;
mod config;
mod connect;
mod error;
mod gate;
mod request;
mod retry_after;
mod tls;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ::http::HeaderValue;
use ::http::header::{AUTHORIZATION, COOKIE, HOST, USER_AGENT};
use bytes::Bytes;
use millrace_runtime::clock::{SharedClock, Stopwatch};
use millrace_runtime::metrics::Registry;
use millrace_runtime::tls::install_provider;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::Url;

pub use body::BodyStream;
pub use config::HttpConfig;
pub use error::HttpError;
pub use request::{Limits, Request, Response};

use crate::guard::Guard;
use crate::metrics::HttpMetrics;
use answer::{failed, finished, outcome, redirect, refused, succeeded};
use gate::{Gates, Paused, Rates, Turn};

/// Redirects that are followed, unless a request says otherwise.
pub const REDIRECTS_MAX: usize = 5;

/// Bytes of a URL.
const URL_BYTES_MAX: usize = 8 * 1024;

/// The pause after a 429 that names none.
const PAUSE_UNSAID: Duration = Duration::from_secs(1);

/// The guarded client. Clones share connections and bounds.
#[derive(Clone)]
pub struct HttpClient {
    shared: Arc<Shared>,
    gates: Arc<Gates>,
}

struct Shared {
    any: reqwest::Client,
    /// For requests whose `Host` is not the URL's, which HTTP/2 cannot say.
    http1: reqwest::Client,
    guard: Guard,
    clock: SharedClock,
    metrics: HttpMetrics,
    user_agent: HeaderValue,
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpClient").field("guard", &self.shared.guard).finish_non_exhaustive()
    }
}

impl HttpClient {
    /// Builds the client.
    ///
    /// # Errors
    /// [`HttpError::Setup`]: the certificates or the user agent cannot be used.
    pub fn new(
        config: &HttpConfig,
        clock: SharedClock,
        registry: &Registry,
    ) -> Result<Self, HttpError> {
        install_provider();
        let guard = Guard::new(config.allow_loopback);
        let user_agent = match config.user_agent.as_str() {
            "" => HeaderValue::from_static(concat!("millrace/", env!("CARGO_PKG_VERSION"))),
            named => HeaderValue::from_str(named)
                .map_err(|_| HttpError::Setup("user_agent: not a header's value".into()))?,
        };
        let rates = Rates {
            concurrency_max: config.per_host_concurrency_max,
            per_second: config.per_host_requests_per_second,
            burst: config.per_host_burst,
        };
        let shared = Shared {
            any: connect::build(config, guard, &["h2", "http/1.1"])?,
            http1: connect::build(config, guard, &["http/1.1"])?,
            guard,
            clock,
            metrics: HttpMetrics::new(registry),
            user_agent,
        };
        Ok(Self { shared: Arc::new(shared), gates: Arc::new(Gates::new(rates)) })
    }

    /// The same client and connections with rates of its own, for a host that takes more (a DID
    /// directory) or less than the usual.
    #[must_use]
    pub fn with_rates(&self, concurrency_max: u32, requests_per_second: f64) -> Self {
        let burst = requests_per_second.clamp(1.0, 10_000.0) as u32;
        let rates = Rates { concurrency_max, per_second: requests_per_second, burst };
        Self { shared: Arc::clone(&self.shared), gates: Arc::new(Gates::new(rates)) }
    }

    /// The rule about addresses, for connections made in other ways.
    pub fn guard(&self) -> Guard {
        self.shared.guard
    }

    /// GET.
    ///
    /// # Errors
    /// Any; an answer other than 2xx is one.
    pub async fn get(&self, url: &str, limits: Limits) -> Result<Response, HttpError> {
        self.get_with(Request::get(url), limits).await
    }

    /// As [`HttpClient::get`] with headers.
    ///
    /// # Errors
    /// Any; an answer other than 2xx is one.
    pub async fn get_with(&self, request: Request, limits: Limits) -> Result<Response, HttpError> {
        let body = succeeded(self.open(request, limits).await?).await?;
        finished(body).await
    }

    /// GET of JSON.
    ///
    /// # Errors
    /// Any; an answer other than 2xx, or not the JSON expected, is one.
    pub async fn get_json<T: DeserializeOwned>(
        &self,
        url: &str,
        limits: Limits,
    ) -> Result<T, HttpError> {
        let mut body = succeeded(self.open(Request::get(url), limits).await?).await?;
        let host = std::mem::take(&mut body.host);
        let body = body.whole().await?;
        serde_json::from_slice(&body)
            .map_err(|error| HttpError::Json { host, reason: error.to_string() })
    }

    /// GET, the body as it arrives.
    ///
    /// # Errors
    /// Any; an answer other than 2xx is one.
    pub async fn get_stream(&self, url: &str, limits: Limits) -> Result<BodyStream, HttpError> {
        succeeded(self.open(Request::get(url), limits).await?).await
    }

    /// Any request; an answer of any status is an answer.
    ///
    /// # Errors
    /// There was none, or not within the bounds.
    pub async fn send(&self, request: Request, limits: Limits) -> Result<Response, HttpError> {
        finished(self.open(request, limits).await?).await
    }

    /// Any request, up to the headers of the answer, whatever its status.
    ///
    /// # Errors
    /// There was none, or not within the bounds.
    pub async fn open(&self, request: Request, limits: Limits) -> Result<BodyStream, HttpError> {
        let watch = Stopwatch::start();
        let deadline = Instant::now() + limits.timeout;
        let host = Url::parse(&request.url).ok().map(|url| host_of(&url)).unwrap_or_default();
        let opened = tokio::time::timeout_at(deadline, self.follow(request, limits, deadline))
            .await
            .unwrap_or(Err(HttpError::Timeout {
                host,
                doing: "waiting for an answer",
                timeout: limits.timeout,
            }));
        let metrics = &self.shared.metrics;
        metrics.seconds.observe_duration(watch.elapsed());
        let outcome = match &opened {
            Ok(body) => outcome(body.status()),
            Err(error) => error.outcome(),
        };
        metrics.requests.with(&[outcome]).inc();
        opened
    }

    /// Asks, and asks again where a redirect leads.
    async fn follow(
        &self,
        mut request: Request,
        limits: Limits,
        deadline: Instant,
    ) -> Result<BodyStream, HttpError> {
        let mut url = parse(&request.url)?;
        for _ in 0..=request.redirects_max {
            let body = self.ask(&url, &request, limits, deadline).await?;
            let Some(next) = redirect(&request.method, &url, &body.answer)? else {
                return Ok(body);
            };
            request.headers.remove(HOST);
            if next.origin() != url.origin() {
                request.headers.remove(AUTHORIZATION);
                request.headers.remove(COOKIE);
            }
            url = next;
        }
        let reason = match request.redirects_max {
            0 => "none is followed here",
            _ => "more than are followed",
        };
        Err(HttpError::Redirects { host: host_of(&url), reason })
    }

    /// Hosts that asked for a pause and are not asked meanwhile, and how long it lasts yet.
    pub fn paused_hosts(&self) -> HashMap<String, Duration> {
        self.gates.paused()
    }

    /// One request to one URL.
    async fn ask(
        &self,
        url: &Url,
        request: &Request,
        limits: Limits,
        deadline: Instant,
    ) -> Result<BodyStream, HttpError> {
        let host = host_of(url);
        self.shared.guard.check_url(url).map_err(|fault| refused(url, fault))?;
        let turn = self.gates.enter(&host, deadline).await.map_err(|Paused(wait)| {
            HttpError::RateLimited {
                host: host.clone(),
                retry_after: Some(wait),
                body: Bytes::new(),
            }
        })?;
        let client =
            if request.headers.contains_key(HOST) { &self.shared.http1 } else { &self.shared.any };
        let mut asked = client
            .request(request.method.clone(), url.clone())
            .header(USER_AGENT, &self.shared.user_agent)
            .headers(request.headers.clone());
        if let Some(body) = &request.body {
            asked = asked.body(body.clone());
        }
        let answer = asked.send().await.map_err(|error| failed(&host, &error))?;
        // The address was checked before connecting; this finds a mistake in how it was.
        if let Some(addr) = answer.remote_addr() {
            let checked = self.shared.guard.check_addr(addr.ip());
            checked.map_err(|reason| HttpError::Forbidden {
                host: host.clone(),
                addr: addr.ip(),
                reason,
            })?;
        }
        self.heed_pause(&answer, &turn);
        Ok(BodyStream {
            answer,
            host,
            limits,
            deadline,
            received: 0,
            metrics: self.shared.metrics.clone(),
            now_us: self.shared.clock.now_us(),
            turn,
        })
    }

    /// Keeps away from a host that says it has had too much.
    fn heed_pause(&self, answer: &reqwest::Response, turn: &Turn) {
        if answer.status() == ::http::StatusCode::TOO_MANY_REQUESTS {
            let now_us = self.shared.clock.now_us();
            let wait = retry_after::retry_after(answer.headers(), now_us);
            turn.pause(wait.unwrap_or(PAUSE_UNSAID));
        }
    }
}

fn parse(url: &str) -> Result<Url, HttpError> {
    let parsed = (url.len() <= URL_BYTES_MAX).then(|| Url::parse(url).ok()).flatten();
    parsed.ok_or_else(|| HttpError::Url { url: "URL".to_owned(), reason: "too long, or not one" })
}

/// `host` or `host:port`: what bounds and errors are about.
fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
