//! What became of the events read since the process started. The figures are the metrics', summed over
//! the sources; names of outcomes are the metrics' labels.

use std::collections::BTreeMap;

use millrace_runtime::metrics::CounterVec;
use serde::{Deserialize, Serialize};

use crate::metrics::Metrics;

/// Counted since the process started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Counts {
    /// Events read, and their bytes.
    pub events: u64,
    pub bytes: u64,
    /// Events read of each source.
    pub events_by_source: BTreeMap<String, u64>,
    /// Entries appended to the log, and their bytes.
    pub entries: u64,
    pub entry_bytes: u64,
    /// Commits whose signature and proof were checked, and those taken unchecked.
    pub verified: u64,
    pub unverified: u64,
    /// Events that needed no entry, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Events not accepted, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Records of accepted commits that were left out.
    pub invalid_records: u64,
    /// Repositories fetched, by result; and being fetched now.
    pub resyncs: BTreeMap<String, u64>,
    pub resyncs_running: i64,
    /// Accounts whose key or status is being asked for.
    pub lookups_waiting: i64,
    /// Bytes of events read and not yet durable; of those that wait for an answer.
    pub inflight_bytes: i64,
    pub held_bytes: i64,
}

impl Counts {
    pub(super) fn of(metrics: &Metrics) -> Self {
        let events_by_source = by_label(&metrics.frames, 0);
        Self {
            events: events_by_source.values().sum(),
            bytes: by_label(&metrics.frame_bytes, 0).values().sum(),
            events_by_source,
            entries: metrics.entries.get(),
            entry_bytes: metrics.entry_bytes.get(),
            verified: metrics.verified_fully.get(),
            unverified: metrics.verified_not.get(),
            skipped: by_label(&metrics.skipped, 1),
            rejected: by_label(&metrics.rejected, 1),
            invalid_records: metrics.invalid_records.get(),
            resyncs: by_label(&metrics.resyncs, 0),
            resyncs_running: metrics.resyncs_running.get(),
            lookups_waiting: metrics.lookups_waiting.get(),
            inflight_bytes: metrics.inflight_bytes.get(),
            held_bytes: metrics.held_bytes.get(),
        }
    }
}

/// A counter's values by one of its labels, summed over the others. As many as the metric has series.
fn by_label(counters: &CounterVec, label: usize) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for (mut labels, value) in counters.values() {
        if value > 0 && label < labels.len() {
            *sums.entry(labels.swap_remove(label)).or_default() += value;
        }
    }
    sums
}
