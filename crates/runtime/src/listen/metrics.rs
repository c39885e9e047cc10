//! What listeners count.

use super::activity::Reason;
use crate::metrics::{CounterVec, Gauge, GaugeVec, Registry};

/// Handles of the listeners' metrics.
#[derive(Debug, Clone)]
pub(super) struct Metrics {
    open: GaugeVec,
    cut_off: CounterVec,
}

/// A connection that is open, as the gauge counts it.
pub(super) struct Open(Gauge);

impl Metrics {
    pub(super) fn new(registry: &Registry) -> Self {
        Self {
            open: registry.gauge_with(
                "millrace_runtime_connections",
                "Connections open now, by listener",
                &["listener"],
            ),
            cut_off: registry.counter_with(
                "millrace_runtime_connections_cut_off",
                "Connections ended because their client took too long (head), or asked and read nothing (idle), by listener",
                &["listener", "reason"],
            ),
        }
    }

    pub(super) fn opened(&self, listener: &str) -> Open {
        let open = self.open.with(&[listener]);
        open.inc();
        Open(open)
    }

    pub(super) fn cut_off(&self, listener: &str, reason: Reason) {
        self.cut_off.with(&[listener, reason.as_str()]).inc();
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
