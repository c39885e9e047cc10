//! What ingest counts. Reasons and kinds are from closed lists; sources are configured.

use std::time::Duration;

use millrace_runtime::metrics::{
    BATCH_ITEMS, Counter, CounterVec, Gauge, GaugeVec, Histogram, LATENCY_SECONDS, Registry,
};

/// Handles to every metric of this crate.
pub(crate) struct Metrics {
    pub(crate) frames: CounterVec,
    pub(crate) frame_bytes: CounterVec,
    pub(crate) rejected: CounterVec,
    pub(crate) skipped: CounterVec,
    pub(crate) labels: CounterVec,
    pub(crate) labelers_discovered: Gauge,
    pub(crate) connections: CounterVec,
    pub(crate) connected: GaugeVec,
    received_seq: GaugeVec,
    cursor_seq: GaugeVec,
    lag_seconds: GaugeVec,
    pub(crate) gaps: CounterVec,
    pub(crate) jumps: CounterVec,
    pub(crate) verified_fully: Counter,
    pub(crate) verified_not: Counter,
    pub(crate) verify_seconds: Histogram,
    pub(crate) invalid_records: Counter,
    pub(crate) entries: Counter,
    pub(crate) entry_bytes: Counter,
    append_entries: Histogram,
    append_seconds: Histogram,
    pub(crate) append_retries: Counter,
    pub(crate) checkpoint_seconds: Histogram,
    pub(crate) checkpoint_retries: Counter,
    pub(crate) inflight_bytes: Gauge,
    pub(crate) held_bytes: Gauge,
    pub(crate) held_overflows: Counter,
    pub(crate) desynchronized: CounterVec,
    pub(crate) resyncs: CounterVec,
    pub(crate) resyncs_running: Gauge,
    pub(crate) resync_records: Counter,
    pub(crate) resync_bytes: Counter,
    pub(crate) backfills: GaugeVec,
    pub(crate) backfill_accounts: CounterVec,
    pub(crate) looked_at: CounterVec,
    pub(crate) identities: CounterVec,
    pub(crate) lookups_waiting: Gauge,
    pub(crate) accounts: GaugeVec,
    pub(crate) scope_accounts: Gauge,
    pub(crate) scope_entered: Counter,
    pub(crate) scope_left: Counter,
    pub(crate) scope_refused: Counter,
}

/// The series of one source that move with every event.
pub(crate) struct SourceMetrics {
    pub(crate) commits: Counter,
    pub(crate) syncs: Counter,
    pub(crate) identities: Counter,
    pub(crate) accounts: Counter,
    pub(crate) others: Counter,
    pub(crate) bytes: Counter,
    pub(crate) received_seq: Gauge,
    pub(crate) lag_seconds: Gauge,
}

impl Metrics {
    pub(crate) fn new(registry: &Registry) -> Self {
        let verified = registry.counter_with(
            "millrace_ingest_commits",
            "Commits accepted, by how they were checked",
            &["verified"],
        );
        Self {
            verified_fully: verified.with(&["full"]),
            verified_not: verified.with(&["off"]),
            frames: registry.counter_with("millrace_ingest_frames", "Events read, by kind", &["source", "kind"]),
            frame_bytes: registry.counter_with("millrace_ingest_frame_bytes", "Bytes of events read", &["source"]),
            rejected: registry.counter_with(
                "millrace_ingest_rejected",
                "Events not accepted, by reason",
                &["source", "reason"],
            ),
            skipped: registry.counter_with(
                "millrace_ingest_skipped",
                "Events that needed no entry, by reason",
                &["source", "reason"],
            ),
            labels: registry.counter_with(
                "millrace_ingest_labels",
                "Labels read, by what became of them: accepted, or why not",
                &["source", "result"],
            ),
            labelers_discovered: registry.gauge(
                "millrace_ingest_labelers_discovered",
                "Labelers that are followed because they declare themselves",
            ),
            connections: registry.counter_with(
                "millrace_ingest_connection_ends",
                "Connections that ended or could not be made, by code",
                &["source", "code"],
            ),
            connected: registry.gauge_with(
                "millrace_ingest_connected",
                "1 while the source is connected",
                &["source"],
            ),
            received_seq: registry.gauge_with(
                "millrace_ingest_received_seq",
                "Sequence number of the last event read",
                &["source"],
            ),
            cursor_seq: registry.gauge_with("millrace_ingest_cursor_seq", "The saved cursor", &["source"]),
            lag_seconds: registry.gauge_with(
                "millrace_ingest_lag_seconds",
                "Age of the last event when it was read",
                &["source"],
            ),
            gaps: registry.counter_with(
                "millrace_ingest_gaps",
                "Times a part of a stream was found to be missing, or suspect, by reason",
                &["source", "reason"],
            ),
            jumps: registry.counter_with(
                "millrace_ingest_position_jumps",
                "Times a stream's times went back, or ahead of our clock",
                &["source", "direction"],
            ),
            verify_seconds: registry.histogram(
                "millrace_ingest_verify_seconds",
                "Time to check one commit",
                &[0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.02, 0.1, 1.0],
            ),
            invalid_records: registry.counter(
                "millrace_ingest_invalid_records",
                "Records of accepted commits that were left out because they do not decode",
            ),
            entries: registry.counter("millrace_ingest_entries", "Entries appended to the log"),
            entry_bytes: registry.counter("millrace_ingest_entry_bytes", "Bytes appended to the log"),
            append_entries: registry.histogram(
                "millrace_ingest_append_entries",
                "Entries of one append",
                BATCH_ITEMS,
            ),
            append_seconds: registry.histogram(
                "millrace_ingest_append_seconds",
                "Time until an append was durable",
                LATENCY_SECONDS,
            ),
            append_retries: registry.counter(
                "millrace_ingest_append_retries",
                "Appends that the log refused for the moment",
            ),
            checkpoint_seconds: registry.histogram(
                "millrace_ingest_checkpoint_seconds",
                "Time to save cursors and chain states",
                LATENCY_SECONDS,
            ),
            checkpoint_retries: registry.counter(
                "millrace_ingest_checkpoint_retries",
                "Checkpoints that the store refused for the moment",
            ),
            inflight_bytes: registry.gauge(
                "millrace_ingest_inflight_bytes",
                "Bytes of events read and not yet durable",
            ),
            held_bytes: registry.gauge(
                "millrace_ingest_held_bytes",
                "Bytes of events that wait for a key, a status or a resync",
            ),
            held_overflows: registry.counter(
                "millrace_ingest_held_overflows",
                "Times the events waiting for one account were dropped, and the account marked desynchronized",
            ),
            desynchronized: registry.counter_with(
                "millrace_ingest_desynchronized",
                "Accounts marked desynchronized, by reason",
                &["reason"],
            ),
            resyncs: registry.counter_with(
                "millrace_ingest_resyncs",
                "Repositories fetched, by result",
                &["result"],
            ),
            resyncs_running: registry.gauge("millrace_ingest_resyncs_running", "Repositories being fetched"),
            resync_records: registry.counter(
                "millrace_ingest_resync_records",
                "Records of repositories fetched",
            ),
            resync_bytes: registry.counter(
                "millrace_ingest_resync_bytes",
                "Bytes of repositories fetched",
            ),
            backfills: registry.gauge_with(
                "millrace_ingest_backfills",
                "Backfills that are not at their end, by state",
                &["state"],
            ),
            backfill_accounts: registry.counter_with(
                "millrace_ingest_backfill_accounts",
                "Accounts of backfills, by what became of them",
                &["result"],
            ),
            looked_at: registry.counter_with(
                "millrace_ingest_looked_at",
                "Accounts that readers looked at, by what became of it: wanted, here, unknown, or refused for want of room",
                &["result"],
            ),
            identities: registry.counter_with(
                "millrace_ingest_identities",
                "Identities looked at, by result",
                &["result"],
            ),
            lookups_waiting: registry.gauge(
                "millrace_ingest_lookups_waiting",
                "Accounts whose key or status is being asked for",
            ),
            accounts: registry.gauge_with(
                "millrace_ingest_accounts",
                "Accounts by how much of them is here",
                &["sync_state"],
            ),
            scope_accounts: registry.gauge(
                "millrace_ingest_scope_accounts",
                "Accounts that are followed, where not everybody is",
            ),
            scope_entered: registry.counter(
                "millrace_ingest_scope_entered",
                "Accounts that came into the scope",
            ),
            scope_left: registry.counter(
                "millrace_ingest_scope_left",
                "Accounts that left the scope",
            ),
            scope_refused: registry.counter(
                "millrace_ingest_scope_refused",
                "Accounts not taken into the scope because it is full",
            ),
        }
    }

    pub(crate) fn of_source(&self, name: &str) -> SourceMetrics {
        let frames = |kind| self.frames.with(&[name, kind]);
        SourceMetrics {
            commits: frames("commit"),
            syncs: frames("sync"),
            identities: frames("identity"),
            accounts: frames("account"),
            others: frames("other"),
            bytes: self.frame_bytes.with(&[name]),
            received_seq: self.received_seq.with(&[name]),
            lag_seconds: self.lag_seconds.with(&[name]),
        }
    }

    pub(crate) fn appended(&self, entries: usize, bytes: usize, took: Duration) {
        self.entries.add(entries as u64);
        self.entry_bytes.add(bytes as u64);
        #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
        self.append_entries.observe(entries as f64);
        self.append_seconds.observe_duration(took);
    }

    pub(crate) fn cursor(&self, source: &str, cursor: i64) {
        self.cursor_seq.with(&[source]).set(cursor);
    }
}
