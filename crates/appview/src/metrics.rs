//! What the AppView counts: requests by method and status, their time, refused callers, who follows its labels.

use std::time::Duration;

use http::StatusCode;
use millrace_runtime::metrics::{
    Counter, CounterVec, Gauge, HistogramVec, LATENCY_SECONDS, Registry,
};

/// Handles of this crate's metrics.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    requests: CounterVec,
    latency: HistogramVec,
    refused: CounterVec,
    pub(crate) in_flight: Gauge,
    pub(crate) live_pages: Gauge,
    pub(crate) label_followers: Gauge,
    pub(crate) labels_sent: Counter,
    pub(crate) label_streams_ended: CounterVec,
}

impl Metrics {
    pub(crate) fn new(registry: &Registry) -> Self {
        Self {
            requests: registry.counter_with(
                "millrace_appview_requests",
                "Requests answered, by method and HTTP status",
                &["method", "status"],
            ),
            latency: registry.histogram_with(
                "millrace_appview_request_seconds",
                "Time from a request's head to its answer, by method",
                &["method"],
                LATENCY_SECONDS,
            ),
            refused: registry.counter_with(
                "millrace_appview_auth_refused",
                "Requests refused for who sent them, by error name",
                &["reason"],
            ),
            in_flight: registry
                .gauge("millrace_appview_requests_in_flight", "Requests being answered now"),
            live_pages: registry.gauge(
                "millrace_appview_live_pages",
                "Pages of people who are signed in that are told what is new",
            ),
            label_followers: registry.gauge(
                "millrace_appview_label_followers",
                "Connections that follow the labels issued here",
            ),
            labels_sent: registry.counter(
                "millrace_appview_labels_sent",
                "Labels issued here that were sent to who follows, each once for each of them",
            ),
            label_streams_ended: registry.counter_with(
                "millrace_appview_label_streams_ended",
                "Connections that followed the labels issued here, by why they ended",
                &["reason"],
            ),
        }
    }

    /// A request was answered; `method` is a route's own name, never the caller's text.
    pub(crate) fn answered(&self, method: &str, status: StatusCode, took: Duration) {
        self.requests.with(&[method, status.as_str()]).inc();
        self.latency.with(&[method]).observe_duration(took);
    }

    pub(crate) fn refused(&self, reason: &str) {
        self.refused.with(&[reason]).inc();
    }
}
