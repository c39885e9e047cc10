//! What the data-plane counts.

use millrace_runtime::metrics::{Counter, CounterVec, Registry};

/// Handles of the data-plane's metrics.
#[derive(Clone)]
pub struct Metrics {
    entries: Counter,
    records_dropped: CounterVec,
}

impl Metrics {
    pub fn new(registry: &Registry) -> Self {
        Self {
            entries: registry.counter("millrace_dataplane_entries_total", "Log entries applied."),
            records_dropped: registry.counter_with(
                "millrace_dataplane_records_dropped_total",
                "Records that broke their lexicon and were dropped alone, by reason.",
                &["reason"],
            ),
        }
    }

    pub(crate) fn applied(&self, entries: usize) {
        self.entries.add(entries as u64);
    }

    pub(crate) fn record_dropped(&self, reason: &'static str) {
        self.records_dropped.with(&[reason]).inc();
    }
}
