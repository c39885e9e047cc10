//! What webhooks count.

use std::time::Duration;

use millrace_runtime::metrics::{CounterVec, GaugeVec, HistogramVec, Registry};

const SECONDS: &[f64] =
    &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

#[derive(Clone)]
pub(crate) struct Metrics {
    deliveries: CounterVec,
    seconds: HistogramVec,
    given_up: GaugeVec,
}

impl Metrics {
    pub(crate) fn new(registry: &Registry) -> Self {
        Self {
            deliveries: registry.counter_with(
                "millrace_webhooks_deliveries_total",
                "Events for webhooks, by what became of them: delivered, failed (tried again later), given_up, or known \
                 (delivered before).",
                &["webhook", "outcome"],
            ),
            seconds: registry.histogram_with(
                "millrace_webhooks_delivery_seconds",
                "Time until a webhook answered, or was not waited for any longer.",
                &["webhook"],
                SECONDS,
            ),
            given_up: registry.gauge_with(
                "millrace_webhooks_given_up",
                "Events that a webhook did not take and that wait for a person, as of the last look.",
                &["webhook"],
            ),
        }
    }

    pub(crate) fn came_of_it(&self, webhook: &str, outcome: &'static str) {
        self.deliveries.with(&[webhook, outcome]).inc();
    }

    pub(crate) fn given_up(&self, webhook: &str, events: i64) {
        self.given_up.with(&[webhook]).set(events);
    }

    pub(crate) fn took(&self, webhook: &str, took: Duration) {
        self.seconds.with(&[webhook]).observe_duration(took);
    }
}
