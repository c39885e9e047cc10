//! This crate's metrics: how long questions wait and run, what is refused, and how far each
//! projection is behind.

use std::sync::Arc;

use millrace_runtime::metrics::{
    BATCH_ITEMS, Counter, CounterVec, Gauge, Histogram, LATENCY_SECONDS, Registry,
};

use crate::Domain;
use crate::engine::queue::Queue;

/// One pool of one domain.
#[derive(Debug, Clone)]
pub(crate) struct PoolMetrics {
    /// Time a question spent in the queue.
    pub(crate) wait_seconds: Histogram,
    /// Time its transaction took.
    pub(crate) run_seconds: Histogram,
    /// Questions in the queue.
    pub(crate) waiting: Gauge,
    /// Questions refused because the queue was full or closed.
    pub(crate) refused: Counter,
    /// Questions that ended with an error.
    pub(crate) failed: Counter,
}

#[derive(Debug, Clone)]
pub(crate) struct StoreMetrics {
    pub(crate) read: PoolMetrics,
    pub(crate) write: PoolMetrics,
}

const POOL: &[&str] = &["domain", "pool"];

impl StoreMetrics {
    pub(crate) fn new(registry: &Registry, domain: Domain) -> StoreMetrics {
        StoreMetrics {
            read: PoolMetrics::new(registry, &[domain.name(), "read"]),
            write: PoolMetrics::new(registry, &[domain.name(), "write"]),
        }
    }

    /// Has the queues' lengths looked at whenever metrics are read.
    pub(crate) fn watch(&self, registry: &Registry, readers: &Arc<Queue>, writers: &Arc<Queue>) {
        for (pool, queue) in [(&self.read, readers), (&self.write, writers)] {
            let (waiting, queue) = (pool.waiting.clone(), Arc::downgrade(queue));
            registry.before_encode(move || {
                let jobs = queue.upgrade().map_or(0, |queue| queue.len());
                waiting.set(i64::try_from(jobs).unwrap_or(i64::MAX));
            });
        }
    }
}

impl PoolMetrics {
    fn new(registry: &Registry, labels: &[&str]) -> PoolMetrics {
        let seconds = |name: &str, help: &str| {
            registry.histogram_with(name, help, POOL, LATENCY_SECONDS).with(labels)
        };
        PoolMetrics {
            wait_seconds: seconds("millrace_store_wait_seconds", "Time in the queue of a pool"),
            run_seconds: seconds("millrace_store_run_seconds", "Time of a transaction"),
            waiting: registry
                .gauge_with("millrace_store_waiting_jobs", "Transactions in the queue", POOL)
                .with(labels),
            refused: registry
                .counter_with("millrace_store_refused", "Transactions refused at the queue", POOL)
                .with(labels),
            failed: registry
                .counter_with("millrace_store_failed", "Transactions that failed", POOL)
                .with(labels),
        }
    }
}

/// One worker's progress.
#[derive(Debug, Clone)]
pub(crate) struct WorkerMetrics {
    /// Entries between the log's tail and the committed offset.
    pub(crate) lag_entries: Gauge,
    /// Age of the oldest entry not yet applied.
    pub(crate) lag_seconds: Gauge,
    /// Committed batches.
    pub(crate) batches: Counter,
    /// Entries whose effect is committed, parked ones not counted.
    pub(crate) entries: Counter,
    /// Entries per committed batch.
    pub(crate) batch_entries: Histogram,
    /// Time from reading a batch to its commit.
    pub(crate) batch_seconds: Histogram,
    /// Entries parked, by reason.
    parked: CounterVec,
    /// Entries parked now.
    pub(crate) parked_now: Gauge,
    /// Batches tried again, by reason.
    retries: CounterVec,
    projection: &'static str,
}

const WORKER: &[&str] = &["projection", "topic", "partition"];

impl WorkerMetrics {
    pub(crate) fn new(
        registry: &Registry,
        projection: &'static str,
        topic: &'static str,
        partition: u32,
    ) -> WorkerMetrics {
        let partition = partition.to_string();
        let labels = [projection, topic, partition.as_str()];
        let gauge = |name: &str, help: &str| registry.gauge_with(name, help, WORKER).with(&labels);
        let counter =
            |name: &str, help: &str| registry.counter_with(name, help, WORKER).with(&labels);
        let histogram = |name: &str, help: &str, buckets| {
            registry.histogram_with(name, help, WORKER, buckets).with(&labels)
        };
        let by_reason =
            |name: &str, help: &str| registry.counter_with(name, help, &["projection", "reason"]);
        WorkerMetrics {
            lag_entries: gauge("millrace_store_lag_entries", "Entries not yet applied"),
            lag_seconds: gauge(
                "millrace_store_lag_seconds",
                "Age of the oldest entry not yet applied",
            ),
            parked_now: gauge("millrace_store_parked_entries", "Entries parked now"),
            batches: counter("millrace_store_batches", "Batches committed"),
            entries: counter("millrace_store_entries", "Entries applied"),
            batch_entries: histogram(
                "millrace_store_batch_entries",
                "Entries per batch",
                BATCH_ITEMS,
            ),
            batch_seconds: histogram(
                "millrace_store_batch_seconds",
                "Time per batch",
                LATENCY_SECONDS,
            ),
            parked: by_reason("millrace_store_parked", "Entries parked"),
            retries: by_reason("millrace_store_retries", "Batches tried again"),
            projection,
        }
    }

    pub(crate) fn parked(&self, reason: &str) {
        self.parked.with(&[self.projection, reason]).inc();
    }

    pub(crate) fn retried(&self, reason: &str) {
        self.retries.with(&[self.projection, reason]).inc();
    }
}

/// One relay's progress.
#[derive(Debug, Clone)]
pub(crate) struct RelayMetrics {
    /// Rows appended to the log.
    pub(crate) relayed: Counter,
    /// Age of the oldest row still in the outbox.
    pub(crate) age_seconds: Gauge,
    /// Attempts that failed.
    pub(crate) failed: Counter,
}

impl RelayMetrics {
    pub(crate) fn new(registry: &Registry, domain: Domain) -> RelayMetrics {
        const LABELS: &[&str] = &["domain"];
        let labels = [domain.name()];
        RelayMetrics {
            relayed: registry
                .counter_with("millrace_store_outbox_relayed", "Outbox rows appended", LABELS)
                .with(&labels),
            age_seconds: registry
                .gauge_with(
                    "millrace_store_outbox_age_seconds",
                    "Age of the oldest outbox row",
                    LABELS,
                )
                .with(&labels),
            failed: registry
                .counter_with("millrace_store_outbox_failed", "Relay attempts that failed", LABELS)
                .with(&labels),
        }
    }
}
