//! What pushing counts.

use std::time::Duration;

use millrace_runtime::metrics::{CounterVec, Histogram, Registry};

const SECONDS: &[f64] = &[0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0];

#[derive(Clone)]
pub(crate) struct Metrics {
    messages: CounterVec,
    look_seconds: Histogram,
}

impl Metrics {
    pub(crate) fn new(registry: &Registry) -> Self {
        Self {
            messages: registry.counter_with(
                "millrace_push_messages_total",
                "Messages for browsers, by what became of them: sent, failed, or the browser is gone or given up.",
                &["outcome"],
            ),
            look_seconds: registry.histogram(
                "millrace_push_look_seconds",
                "Time to look at every device that may have something new, and to tell it.",
                SECONDS,
            ),
        }
    }

    pub(crate) fn message(&self, outcome: &'static str) {
        self.messages.with(&[outcome]).inc();
    }

    pub(crate) fn looked(&self, took: Duration) {
        self.look_seconds.observe_duration(took);
    }
}
