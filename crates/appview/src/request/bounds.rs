//! What every request passes before anything else: how many at once, how long its address may be,
//! how long its answer may take, and that a panic is an answer too.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use http::Method;
use millrace_runtime::clock::Stopwatch;
use tokio::sync::Semaphore;
use tracing::Instrument as _;

use crate::config::LimitsConfig;
use crate::error::XrpcError;
use crate::metrics::Metrics;
use crate::routes::ROUTES;

/// What a request that matches no route is counted as.
const UNKNOWN: &str = "unknown";

/// The bounds of a listener.
#[derive(Clone)]
pub(crate) struct Bounds {
    limits: LimitsConfig,
    in_flight: Arc<Semaphore>,
    metrics: Metrics,
}

impl Bounds {
    pub(crate) fn new(limits: &LimitsConfig, metrics: Metrics) -> Self {
        let permits = limits.requests_max.clamp(1, Semaphore::MAX_PERMITS);
        Self { limits: limits.clone(), in_flight: Arc::new(Semaphore::new(permits)), metrics }
    }
}

/// Applies the bounds and counts the answer.
pub(crate) async fn apply(State(bounds): State<Bounds>, request: Request, next: Next) -> Response {
    let stopwatch = Stopwatch::start();
    let method = label(&request);
    // A caller that hangs up drops this future half-way: the guard counts that too.
    let in_flight = InFlight::enter(&bounds.metrics);
    // A trace of its own: a stranger's `traceparent` is not looked at.
    let span = tracing::info_span!("request", method);
    let answer = AssertUnwindSafe(bounded(&bounds, request, next).instrument(span));
    let answer = answer.catch_unwind().await;
    drop(in_flight);
    let response = answer
        .unwrap_or_else(|_| Err(XrpcError::Internal(format!("{method} panicked"))))
        .unwrap_or_else(IntoResponse::into_response);
    bounds.metrics.answered(method, response.status(), stopwatch.elapsed());
    response
}

async fn bounded(bounds: &Bounds, request: Request, next: Next) -> Result<Response, XrpcError> {
    let bytes_max = bounds.limits.url_bytes_max;
    let address_bytes = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    if address_bytes > bytes_max {
        return Err(XrpcError::UriTooLong { bytes_max });
    }
    let permit = match label(&request) {
        // A service that is busy is healthy, and says so.
        "/health" | "/ready" | "/xrpc/_health" => None,
        _ => Some(bounds.in_flight.try_acquire().map_err(|_| XrpcError::Busy)?),
    };
    let after_ms = bounds.limits.request_timeout_ms;
    let answer = tokio::time::timeout(Duration::from_millis(after_ms), next.run(request)).await;
    drop(permit);
    answer.map_err(|_| XrpcError::Timeout { after_ms })
}

/// A request being answered, as the gauge counts it.
struct InFlight<'a>(&'a Metrics);

impl<'a> InFlight<'a> {
    fn enter(metrics: &'a Metrics) -> Self {
        metrics.in_flight.inc();
        Self(metrics)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.dec();
    }
}

/// The name a request is counted under: its route's, never the caller's text.
fn label(request: &Request) -> &'static str {
    if request.method() == Method::OPTIONS {
        return "preflight";
    }
    let path = request.uri().path();
    let route = ROUTES.iter().find(|route| route.path == path);
    let other = if path.starts_with("/img/") { "/img" } else { UNKNOWN };
    route.map_or(other, |route| route.nsid().unwrap_or(route.path))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use http::StatusCode;
    use millrace_runtime::metrics::Registry;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_answer_and_gives_its_place_back() {
        let limits = LimitsConfig { requests_max: 1, ..LimitsConfig::default() };
        let bounds = Bounds::new(&limits, Metrics::new(&Registry::new()));
        let router = Router::new()
            .route("/panic", get(async || -> &'static str { panic!("a fault of ours") }))
            .layer(axum::middleware::from_fn_with_state(bounds.clone(), apply));
        for _ in 0..3 {
            let request = Request::builder().uri("/panic").body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        }
        assert_eq!(bounds.metrics.in_flight.get(), 0);
        assert_eq!(bounds.in_flight.available_permits(), 1);
    }
}
