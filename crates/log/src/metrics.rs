//! The log's metrics, one handle each.

use millrace_runtime::metrics::{
    BATCH_ITEMS, Counter, CounterVec, Gauge, GaugeVec, Histogram, LATENCY_SECONDS, Registry,
};

use crate::Topic;

type ByTopic = [Counter; Topic::ALL.len()];

pub(crate) struct Metrics {
    appended_items: ByTopic,
    appended_bytes: ByTopic,
    read_items: ByTopic,
    read_bytes: ByTopic,
    removed_items: ByTopic,
    removed_bytes: ByTopic,
    oldest_offset: GaugeVec,
    tail_offset: GaugeVec,
    append_failures: CounterVec,
    /// From the first item of a group to its fsync.
    pub(crate) commit_seconds: Histogram,
    /// Items that shared one fsync.
    pub(crate) commit_items: Histogram,
    queue_bytes: Gauge,
}

impl Metrics {
    pub(crate) fn new(registry: &Registry) -> Self {
        let by_topic = |name: &str, help: &str| {
            let vec = registry.counter_with(name, help, &["topic"]);
            Topic::ALL.map(|topic| vec.with(&[topic.name()]))
        };
        let bound =
            |name: &str, help: &str| registry.gauge_with(name, help, &["topic", "partition"]);
        Self {
            appended_items: by_topic("millrace_log_appended_items_total", "Items made durable"),
            appended_bytes: by_topic("millrace_log_appended_bytes_total", "Bytes made durable"),
            read_items: by_topic("millrace_log_read_items_total", "Items read"),
            read_bytes: by_topic("millrace_log_read_bytes_total", "Bytes read"),
            removed_items: by_topic(
                "millrace_log_removed_items_total",
                "Items removed by retention",
            ),
            removed_bytes: by_topic(
                "millrace_log_removed_bytes_total",
                "Bytes removed by retention",
            ),
            oldest_offset: bound("millrace_log_oldest_offset", "First offset still there"),
            tail_offset: bound("millrace_log_tail_offset", "Offset of the next item"),
            append_failures: registry.counter_with(
                "millrace_log_append_failures_total",
                "Appends answered with an error, by its code",
                &["code"],
            ),
            commit_seconds: registry.histogram(
                "millrace_log_commit_seconds",
                "Time to write a group of appends and make it durable",
                LATENCY_SECONDS,
            ),
            commit_items: registry.histogram(
                "millrace_log_commit_items",
                "Items that shared one commit",
                BATCH_ITEMS,
            ),
            queue_bytes: registry
                .gauge("millrace_log_queue_bytes", "Bytes of appends that wait to be durable"),
        }
    }

    /// Bytes came into the queue.
    pub(crate) fn admitted(&self, bytes: usize) {
        self.queue_bytes.add(i64::try_from(bytes).unwrap_or(0));
    }

    /// And left it.
    pub(crate) fn answered(&self, bytes: usize) {
        self.queue_bytes.sub(i64::try_from(bytes).unwrap_or(0));
    }

    pub(crate) fn appended(&self, topic: Topic, items: usize, bytes: usize) {
        add(&self.appended_items, &self.appended_bytes, topic, items, bytes);
    }

    pub(crate) fn read(&self, topic: Topic, items: usize, bytes: usize) {
        add(&self.read_items, &self.read_bytes, topic, items, bytes);
    }

    pub(crate) fn removed(&self, topic: Topic, items: u64, bytes: u64) {
        self.removed_items[topic.index()].add(items);
        self.removed_bytes[topic.index()].add(bytes);
    }

    pub(crate) fn append_failed(&self, code: &'static str) {
        self.append_failures.with(&[code]).inc();
    }

    /// Gauges of a partition's oldest offset and tail.
    pub(crate) fn bounds(&self, topic: Topic, partition: u32) -> (Gauge, Gauge) {
        let partition = partition.to_string();
        let labels = [topic.name(), partition.as_str()];
        (self.oldest_offset.with(&labels), self.tail_offset.with(&labels))
    }
}

fn add(items_of: &ByTopic, bytes_of: &ByTopic, topic: Topic, items: usize, bytes: usize) {
    items_of[topic.index()].add(items as u64);
    bytes_of[topic.index()].add(bytes as u64);
}
