//! Prometheus metrics through handles. A crate asks the [`Registry`] for its handles once, in its
//! `metrics.rs`, and keeps them; asking again for the same name gives the same series.
//!
//! Names are `millrace_<crate>_<thing>_<unit>`. A counter's `_total` is added when it is printed.
//! Label values are bounded: after [`SERIES_MAX`] combinations of one metric, further ones are
//! counted under [`OTHER`], so that untrusted input cannot fill the memory.

mod handles;
mod process;
mod recent;
mod spread;
mod vecs;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::encoding::text;
use prometheus_client::registry::Metric;

pub use handles::{Counter, Gauge, Histogram};
pub use recent::{KEPT, Recent, SLOT, Step};
pub use spread::Spread;
pub use vecs::{CounterVec, GaugeVec, HistogramVec, OTHER, SERIES_MAX};

use crate::caches::Caches;
use handles::AnyHandle;

/// The content type of [`Registry::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Buckets for the time of a request or a query: 0.5 ms to 10 s.
pub const LATENCY_SECONDS: &[f64] = &[
    0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Buckets for sizes: 256 B to 16 MiB.
pub const SIZE_BYTES: &[f64] =
    &[256.0, 1024.0, 4096.0, 16384.0, 65536.0, 262144.0, 1048576.0, 4194304.0, 16777216.0];

/// Buckets for how many things went together: 1 to 4096.
pub const BATCH_ITEMS: &[f64] =
    &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0];

type Refresh = Box<dyn Fn() + Send + Sync>;

/// Every metric of a process. Cheap to clone; clones are the same registry.
#[derive(Clone, Default)]
pub struct Registry {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    metrics: Mutex<Metrics>,
    refreshers: Mutex<Vec<Refresh>>,
    caches: Caches,
}

#[derive(Default)]
struct Metrics {
    printed: prometheus_client::registry::Registry,
    by_name: BTreeMap<String, Known>,
}

struct Known {
    handle: AnyHandle,
    help: String,
}

/// What a metric is, for the reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// As it is scraped, a counter with its `_total`.
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// What it counts or measures.
    pub help: String,
    /// Names of its labels.
    pub labels: &'static [&'static str],
}

impl Registry {
    /// An empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// A number that only grows.
    pub fn counter(&self, name: &str, help: &str) -> Counter {
        self.handle(name.trim_end_matches("_total"), help, Counter::default)
    }

    /// Counters told apart by the values of `labels`.
    pub fn counter_with(
        &self,
        name: &str,
        help: &str,
        labels: &'static [&'static str],
    ) -> CounterVec {
        self.handle(name.trim_end_matches("_total"), help, || CounterVec::new(labels))
            .expecting(labels, name)
    }

    /// A number that goes up and down.
    pub fn gauge(&self, name: &str, help: &str) -> Gauge {
        self.handle(name, help, Gauge::default)
    }

    /// Gauges told apart by the values of `labels`.
    pub fn gauge_with(&self, name: &str, help: &str, labels: &'static [&'static str]) -> GaugeVec {
        self.handle(name, help, || GaugeVec::new(labels)).expecting(labels, name)
    }

    /// How values are spread over `buckets` (upper bounds, growing).
    pub fn histogram(&self, name: &str, help: &str, buckets: &'static [f64]) -> Histogram {
        self.handle(name, help, || Histogram::new(buckets))
    }

    /// Histograms told apart by the values of `labels`.
    pub fn histogram_with(
        &self,
        name: &str,
        help: &str,
        labels: &'static [&'static str],
        buckets: &'static [f64],
    ) -> HistogramVec {
        self.handle(name, help, || HistogramVec::new(labels, buckets)).expecting(labels, name)
    }

    /// Runs `refresh` before each [`Registry::encode`], to set gauges that are cheap to compute
    /// and senseless to keep current. It must not block.
    pub fn before_encode(&self, refresh: impl Fn() + Send + Sync + 'static) {
        self.inner.refreshers.lock().push(Box::new(refresh));
    }

    /// Adds the process's own metrics (start time, resident memory, open files).
    pub fn with_process_metrics(self, started_us: i64) -> Self {
        process::register(&self, started_us);
        self
    }

    /// The process's caches, which count and are counted like its metrics.
    pub fn caches(&self) -> &Caches {
        &self.inner.caches
    }

    /// Every metric as Prometheus text (OpenMetrics; see [`CONTENT_TYPE`]).
    pub fn encode(&self) -> String {
        for refresh in self.inner.refreshers.lock().iter() {
            refresh();
        }
        let mut printed = String::new();
        let metrics = self.inner.metrics.lock();
        text::encode(&mut printed, &metrics.printed)
            .expect("invariant: a String takes every write");
        printed
    }

    /// Every metric that was asked for, by name.
    pub fn describe(&self) -> Vec<Description> {
        let metrics = self.inner.metrics.lock();
        let described = metrics.by_name.iter().map(|(name, Known { handle, help })| {
            let (kind, suffix, labels) = handle.described();
            Description { name: format!("{name}{suffix}"), kind, help: help.clone(), labels }
        });
        described.collect()
    }

    /// The handle registered under `name`, made by `make` the first time.
    ///
    /// Two parts of the program that use one name for different kinds of metric are a mistake in
    /// the program, found by whichever test first starts both.
    fn handle<H>(&self, name: &str, help: &str, make: impl FnOnce() -> H) -> H
    where
        H: Into<AnyHandle> + TryFrom<AnyHandle> + Clone + Printed,
    {
        let mut metrics = self.inner.metrics.lock();
        if let Some(known) = metrics.by_name.get(name) {
            return H::try_from(known.handle.clone())
                .ok()
                .unwrap_or_else(|| panic!("invariant: metric {name} has one kind"));
        }
        let made = make();
        let help = help.trim_end_matches('.');
        metrics.printed.register(name, help, made.printed());
        let known = Known { handle: made.clone().into(), help: help.to_owned() };
        metrics.by_name.insert(name.to_owned(), known);
        made
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry")
            .field("metrics", &self.inner.metrics.lock().by_name.len())
            .finish()
    }
}

/// A handle's metric as the printing registry takes it.
trait Printed {
    type Metric: Metric;
    fn printed(&self) -> Self::Metric;
}

#[cfg(test)]
mod tests;
