//! The guarded client: every request of this program to a server it does not know goes through
//! [`HttpClient::send`] or [`HttpClient::open`].
//!
//! What must stay true: the guard sees the URL of every hop and every address a name resolves to;
//! redirects are followed here, never by the library below; no body is held beyond its bound.

mod body;
mod config;
mod error;
mod gate;
mod request;
mod retry_after;
mod tls;

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use ::http::header::{AUTHORIZATION, COOKIE, HOST, LOCATION, USER_AGENT};
use ::http::{HeaderMap, HeaderValue, Method};
use bytes::{Bytes, BytesMut};
use millrace_runtime::clock::{SharedClock, Stopwatch};
use millrace_runtime::metrics::Registry;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::Url;

pub use body::BodyStream;
pub use config::HttpConfig;
pub use error::HttpError;
pub use request::{Limits, Request, Response};
pub use tls::install_crypto_provider;

use crate::guard::{Guard, NameFault, UrlFault};
use crate::metrics::HttpMetrics;
use gate::{Gates, Paused, Rates, Turn};

/// Redirects that are followed.
pub const REDIRECTS_MAX: usize = 5;

/// Bytes of an error's body that are kept.
const ERROR_BODY_BYTES_MAX: usize = 16 * 1024;

/// Bytes of a URL.
const URL_BYTES_MAX: usize = 8 * 1024;

/// Idle connections kept to one host, and how long.
const IDLE_CONNECTIONS_MAX: usize = 8;
const IDLE_CONNECTION_TIMEOUT: Duration = Duration::from_secs(60);

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
        install_crypto_provider();
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
            any: build(config, guard, &["h2", "http/1.1"])?,
            http1: build(config, guard, &["http/1.1"])?,
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
        for _ in 0..=REDIRECTS_MAX {
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
        Err(HttpError::Redirects { host: host_of(&url), reason: "more than are followed" })
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

/// The pause after a 429 that names none.
const PAUSE_UNSAID: Duration = Duration::from_secs(1);

fn build(config: &HttpConfig, guard: Guard, alpn: &[&str]) -> Result<reqwest::Client, HttpError> {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls::client(config.ca_file.as_deref(), alpn)?)
        .dns_resolver(Names(guard))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .connect_timeout(Duration::from_millis(config.connect_timeout_ms))
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        .pool_idle_timeout(IDLE_CONNECTION_TIMEOUT);
    if !alpn.contains(&"h2") {
        builder = builder.http1_only();
    }
    builder.build().map_err(|error| HttpError::Setup(deepest(&error).into()))
}

/// The guard, where names become addresses.
struct Names(Guard);

impl reqwest::dns::Resolve for Names {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let guard = self.0;
        Box::pin(async move {
            // The port is the URL's; 0 here is replaced by it.
            let addrs = guard.resolve(name.as_str(), 0).await?;
            let addrs: reqwest::dns::Addrs = Box::new(addrs.into_iter());
            Ok(addrs)
        })
    }
}

fn parse(url: &str) -> Result<Url, HttpError> {
    let wrong = |reason| HttpError::Url { url: url.chars().take(120).collect(), reason };
    if url.len() > URL_BYTES_MAX {
        return Err(wrong("too long"));
    }
    Url::parse(url).map_err(|_| wrong("not a URL"))
}

/// `host` or `host:port`: what bounds and errors are about.
fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn refused(url: &Url, fault: UrlFault) -> HttpError {
    match fault {
        UrlFault::Reason(reason) => {
            HttpError::Url { url: url.as_str().chars().take(120).collect(), reason }
        }
        UrlFault::Address { addr, reason } => {
            HttpError::Forbidden { host: host_of(url), addr, reason }
        }
    }
}

/// Where an answer sends us, if anywhere.
fn redirect(
    method: &Method,
    url: &Url,
    answer: &reqwest::Response,
) -> Result<Option<Url>, HttpError> {
    let moved = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    if !moved || !(method == Method::GET || method == Method::HEAD) {
        return Ok(None);
    }
    let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let next = location.filter(|to| to.len() <= URL_BYTES_MAX).and_then(|to| url.join(to).ok());
    let lost = || HttpError::Redirects { host: host_of(url), reason: "to nowhere" };
    next.map(Some).ok_or_else(lost)
}

/// Why the library below gave no answer.
fn failed(host: &str, error: &reqwest::Error) -> HttpError {
    let host = host.to_owned();
    let mut cause = error.source();
    while let Some(inner) = cause {
        match inner.downcast_ref::<NameFault>() {
            Some(NameFault::Forbidden { addr, reason }) => {
                return HttpError::Forbidden { host, addr: *addr, reason };
            }
            Some(NameFault::NoSuchHost) => return HttpError::NoSuchHost { host },
            Some(NameFault::Unavailable(reason)) => {
                return HttpError::Connect { host, reason: reason.clone() };
            }
            None => cause = inner.source(),
        }
    }
    if error.is_connect() || error.is_timeout() {
        return HttpError::Connect { host, reason: deepest(error) };
    }
    HttpError::Truncated { host, reason: deepest(error) }
}

/// The innermost cause, which says most.
fn deepest(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

fn outcome(status: u16) -> &'static str {
    match status {
        200..=299 => "ok",
        429 => "rate_limited",
        500.. => "status_5xx",
        _ => "status_4xx",
    }
}

/// `body`, if the answer is 2xx.
async fn succeeded(mut body: BodyStream) -> Result<BodyStream, HttpError> {
    let status = body.status();
    if (200..300).contains(&status) {
        return Ok(body);
    }
    let retry_after = retry_after::retry_after(body.answer.headers(), body.now_us);
    let host = body.host.clone();
    let body = start_of(&mut body).await;
    Err(match status {
        429 => HttpError::RateLimited { host, retry_after, body },
        _ => HttpError::Status { host, status, retry_after, body },
    })
}

/// The start of an error's body; whatever is wrong with the rest does not matter.
async fn start_of(body: &mut BodyStream) -> Bytes {
    let mut start = BytesMut::new();
    body.limits.bytes_max = body.limits.bytes_max.max(ERROR_BODY_BYTES_MAX);
    while let Ok(Some(chunk)) = body.next_chunk().await {
        let room = ERROR_BODY_BYTES_MAX - start.len();
        start.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if start.len() >= ERROR_BODY_BYTES_MAX {
            break;
        }
    }
    start.freeze()
}

async fn finished(mut body: BodyStream) -> Result<Response, HttpError> {
    let status = body.status();
    let headers: HeaderMap = std::mem::take(body.answer.headers_mut());
    Ok(Response { status, headers, body: body.whole().await? })
}
