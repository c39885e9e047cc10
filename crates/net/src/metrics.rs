//! What this crate counts.

use millrace_runtime::metrics::{Counter, CounterVec, Histogram, LATENCY_SECONDS, Registry};

/// Requests and bodies.
#[derive(Debug, Clone)]
pub(crate) struct HttpMetrics {
    pub(crate) requests: CounterVec,
    pub(crate) seconds: Histogram,
    pub(crate) received_bytes: Counter,
    pub(crate) body_failures: CounterVec,
}

impl HttpMetrics {
    pub(crate) fn new(registry: &Registry) -> Self {
        Self {
            requests: registry.counter_with(
                "millrace_net_requests",
                "Requests to other servers by outcome, redirects included in the one that led to them",
                &["outcome"],
            ),
            seconds: registry.histogram(
                "millrace_net_request_seconds",
                "Time from asking to the headers of the answer, waiting for a turn included",
                LATENCY_SECONDS,
            ),
            received_bytes: registry.counter("millrace_net_received_bytes", "Bytes of bodies received"),
            body_failures: registry.counter_with(
                "millrace_net_body_failures",
                "Bodies that were not received whole",
                &["outcome"],
            ),
        }
    }
}

/// Lookups of DIDs and handles.
#[derive(Debug, Clone)]
pub(crate) struct LookupMetrics {
    lookups: CounterVec,
    kind: &'static str,
}

impl LookupMetrics {
    pub(crate) fn new(registry: &Registry, kind: &'static str) -> Self {
        let lookups = registry.counter_with(
            "millrace_net_lookups",
            "Lookups of DIDs and handles: hit, negative and stale are answered from the cache",
            &["kind", "outcome"],
        );
        Self { lookups, kind }
    }

    pub(crate) fn count(&self, outcome: &str) {
        self.lookups.with(&[self.kind, outcome]).inc();
    }
}
