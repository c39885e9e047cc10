//! What the image route counts.

use millrace_runtime::metrics::{Counter, CounterVec, Gauge, Registry};

/// Handles of its metrics.
#[derive(Debug, Clone)]
pub(super) struct Metrics {
    answered: CounterVec,
    refused: CounterVec,
    bytes: CounterVec,
    pub(super) evicted: Counter,
    pub(super) cache_bytes: Gauge,
}

impl Metrics {
    pub(super) fn new(registry: &Registry) -> Self {
        Self {
            answered: registry.counter_with(
                "millrace_appview_images",
                "Images answered, by where they were: memory, disk, origin, or unchanged at the client",
                &["from"],
            ),
            refused: registry.counter_with(
                "millrace_appview_images_refused",
                "Requests for an image that got none, by reason",
                &["reason"],
            ),
            bytes: registry.counter_with(
                "millrace_appview_images_bytes",
                "Bytes of images: fetched from PDSs, answered",
                &["what"],
            ),
            evicted: registry.counter(
                "millrace_appview_images_evicted",
                "Images removed from the disk to make room",
            ),
            cache_bytes: registry.gauge(
                "millrace_appview_image_cache_bytes",
                "Bytes of images kept on disk, in whole blocks",
            ),
        }
    }

    pub(super) fn answered(&self, from: &str, bytes: usize) {
        self.answered.with(&[from]).inc();
        self.bytes.with(&["answered"]).add(bytes as u64);
    }

    pub(super) fn refused(&self, reason: &str) {
        self.refused.with(&[reason]).inc();
    }

    pub(super) fn fetched(&self, bytes: usize) {
        self.bytes.with(&["fetched"]).add(bytes as u64);
    }
}
