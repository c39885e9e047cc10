//! Handles to single series: what the rest of the program touches. Updating one is an atomic
//! operation (a short lock for a histogram) and never fails.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter as RawCounter;
use prometheus_client::metrics::gauge::Gauge as RawGauge;
use prometheus_client::metrics::histogram::Histogram as RawHistogram;

use super::Printed;
use super::vecs::{CounterVec, GaugeVec, HistogramVec};

/// A number that only grows.
#[derive(Debug, Clone, Default)]
pub struct Counter(pub(super) RawCounter<u64, AtomicU64>);

impl Counter {
    /// Adds one.
    pub fn inc(&self) {
        self.0.inc();
    }

    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.inc_by(n);
    }

    /// The present value.
    pub fn get(&self) -> u64 {
        self.0.get()
    }
}

/// A number that goes up and down. Whole numbers are exact up to 2^53.
#[derive(Debug, Clone, Default)]
pub struct Gauge(pub(super) RawGauge<f64, AtomicU64>);

impl Gauge {
    /// Sets a whole number.
    pub fn set(&self, value: i64) {
        self.0.set(value as f64);
    }

    /// Sets any number.
    pub fn set_f64(&self, value: f64) {
        self.0.set(value);
    }

    /// Adds `n`.
    pub fn add(&self, n: i64) {
        self.0.inc_by(n as f64);
    }

    /// Subtracts `n`.
    pub fn sub(&self, n: i64) {
        self.0.dec_by(n as f64);
    }

    /// Adds one.
    pub fn inc(&self) {
        self.add(1);
    }

    /// Subtracts one.
    pub fn dec(&self) {
        self.sub(1);
    }

    /// The present value, cut to a whole number.
    pub fn get(&self) -> i64 {
        self.0.get() as i64
    }

    /// The present value.
    pub fn get_f64(&self) -> f64 {
        self.0.get()
    }
}

/// How values are spread.
#[derive(Debug, Clone)]
pub struct Histogram(pub(super) RawHistogram);

impl Histogram {
    pub(super) fn new(buckets: &'static [f64]) -> Self {
        Self(RawHistogram::new(buckets.iter().copied()))
    }

    /// Records one value.
    pub fn observe(&self, value: f64) {
        self.0.observe(value);
    }

    /// Records one duration, in seconds.
    pub fn observe_duration(&self, duration: Duration) {
        self.0.observe(duration.as_secs_f64());
    }
}

impl Printed for Counter {
    type Metric = RawCounter<u64, AtomicU64>;
    fn printed(&self) -> Self::Metric {
        self.0.clone()
    }
}

impl Printed for Gauge {
    type Metric = RawGauge<f64, AtomicU64>;
    fn printed(&self) -> Self::Metric {
        self.0.clone()
    }
}

impl Printed for Histogram {
    type Metric = RawHistogram;
    fn printed(&self) -> Self::Metric {
        self.0.clone()
    }
}

/// A handle of any kind, as the registry remembers it.
#[derive(Clone)]
pub(super) enum AnyHandle {
    Counter(Counter),
    CounterVec(CounterVec),
    Gauge(Gauge),
    GaugeVec(GaugeVec),
    Histogram(Histogram),
    HistogramVec(HistogramVec),
}

impl AnyHandle {
    /// Its kind, what is put behind its name, and its labels.
    pub(super) fn described(&self) -> (&'static str, &'static str, &'static [&'static str]) {
        match self {
            Self::Counter(_) => ("counter", "_total", &[]),
            Self::CounterVec(vec) => ("counter", "_total", vec.names()),
            Self::Gauge(_) => ("gauge", "", &[]),
            Self::GaugeVec(vec) => ("gauge", "", vec.names()),
            Self::Histogram(_) => ("histogram", "", &[]),
            Self::HistogramVec(vec) => ("histogram", "", vec.names()),
        }
    }
}

macro_rules! handle_kinds {
    ($($kind:ident),*) => {$(
        impl From<$kind> for AnyHandle {
            fn from(handle: $kind) -> Self {
                Self::$kind(handle)
            }
        }

        impl TryFrom<AnyHandle> for $kind {
            type Error = AnyHandle;
            fn try_from(any: AnyHandle) -> Result<Self, AnyHandle> {
                match any {
                    AnyHandle::$kind(handle) => Ok(handle),
                    other => Err(other),
                }
            }
        }
    )*};
}
handle_kinds!(Counter, CounterVec, Gauge, GaugeVec, Histogram, HistogramVec);
