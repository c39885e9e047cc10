//! Series told apart by label values, bounded: a metric never has more than [`SERIES_MAX`]
//! combinations, however many different values the outside sends.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter as RawCounter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge as RawGauge;
use prometheus_client::metrics::histogram::Histogram as RawHistogram;

use super::Printed;
use super::handles::{Counter, Gauge, Histogram};

/// Combinations of label values one metric may have.
pub const SERIES_MAX: usize = 512;

/// The label value that stands for all those over the bound.
pub const OTHER: &str = "other";

/// Bytes of a label value that are kept.
const VALUE_BYTES_MAX: usize = 96;

type Labels = Vec<(&'static str, String)>;

/// Buckets, as a constructor of histograms.
#[derive(Clone, Debug)]
pub(super) struct Buckets(&'static [f64]);

impl MetricConstructor<RawHistogram> for Buckets {
    fn new_metric(&self) -> RawHistogram {
        RawHistogram::new(self.0.iter().copied())
    }
}

/// A family of series, the names of its labels, and the combinations it has.
#[derive(Debug)]
struct Series<M, C> {
    names: &'static [&'static str],
    family: Family<Labels, M, C>,
    known: Mutex<HashMap<Labels, M>>,
}

impl<M: Clone, C: MetricConstructor<M>> Series<M, C> {
    fn new(names: &'static [&'static str], family: Family<Labels, M, C>) -> Self {
        Self { names, family, known: Mutex::default() }
    }

    fn with(&self, values: &[&str]) -> M {
        let mut labels = self.labels(values);
        let mut known = self.known.lock();
        if let Some(series) = known.get(&labels) {
            return series.clone();
        }
        if known.len() >= SERIES_MAX {
            labels = self.names.iter().map(|name| (*name, OTHER.to_owned())).collect();
        }
        let series = self.family.get_or_create_owned(&labels);
        known.insert(labels, series.clone());
        series
    }

    fn remove(&self, values: &[&str]) {
        let labels = self.labels(values);
        self.known.lock().remove(&labels);
        self.family.remove(&labels);
    }

    /// Names with values; missing values are empty, surplus ones are ignored.
    fn labels(&self, values: &[&str]) -> Labels {
        debug_assert_eq!(values.len(), self.names.len(), "one value for each of {:?}", self.names);
        let values = values.iter().copied().chain(std::iter::repeat(""));
        self.names.iter().zip(values).map(|(name, value)| (*name, cut(value).to_owned())).collect()
    }
}

/// `value`, cut at a character's border to at most [`VALUE_BYTES_MAX`].
fn cut(value: &str) -> &str {
    let end = (0..=VALUE_BYTES_MAX.min(value.len())).rev().find(|end| value.is_char_boundary(*end));
    value.get(..end.unwrap_or(0)).unwrap_or("")
}

macro_rules! labelled {
    ($(#[$doc:meta])* $name:ident, $handle:ident, $raw:ty, $constructor:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(Arc<Series<$raw, $constructor>>);

        impl $name {
            /// The series with these label values, one for each label, in the labels' order.
            /// Keep the handle where it is used often.
            pub fn with(&self, values: &[&str]) -> $handle {
                $handle(self.0.with(values))
            }

            /// Names of its labels.
            pub(super) fn names(&self) -> &'static [&'static str] {
                self.0.names
            }

            /// Itself, when its labels are `names`: the same metric twice must be the same shape.
            pub(super) fn expecting(self, names: &[&str], metric: &str) -> Self {
                assert!(self.0.names == names, "invariant: metric {metric} has one set of labels");
                self
            }
        }

        impl Printed for $name {
            type Metric = Family<Labels, $raw, $constructor>;
            fn printed(&self) -> Self::Metric {
                self.0.family.clone()
            }
        }
    };
}

type CounterOf = RawCounter<u64, AtomicU64>;
type GaugeOf = RawGauge<f64, AtomicU64>;

labelled!(
    /// Counters told apart by label values.
    CounterVec, Counter, CounterOf, fn() -> CounterOf
);
labelled!(
    /// Gauges told apart by label values.
    GaugeVec, Gauge, GaugeOf, fn() -> GaugeOf
);
labelled!(
    /// Histograms told apart by label values.
    HistogramVec, Histogram, RawHistogram, Buckets
);

impl CounterVec {
    pub(super) fn new(names: &'static [&'static str]) -> Self {
        Self(Arc::new(Series::new(names, Family::default())))
    }

    /// Every series: its labels' values, and its own.
    pub fn values(&self) -> Vec<(Vec<String>, u64)> {
        let known = self.0.known.lock();
        let series = known.iter().map(|(labels, counter)| {
            (labels.iter().map(|(_, value)| value.clone()).collect(), counter.get())
        });
        series.collect()
    }
}

impl GaugeVec {
    pub(super) fn new(names: &'static [&'static str]) -> Self {
        Self(Arc::new(Series::new(names, Family::default())))
    }

    /// Removes a series whose thing no longer exists.
    pub fn remove(&self, values: &[&str]) {
        self.0.remove(values);
    }
}

impl HistogramVec {
    pub(super) fn new(names: &'static [&'static str], buckets: &'static [f64]) -> Self {
        let family = Family::new_with_constructor(Buckets(buckets));
        Self(Arc::new(Series::new(names, family)))
    }
}
