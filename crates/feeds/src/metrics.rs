//! What homes count.

use std::time::Duration;

use millrace_runtime::metrics::{Counter, CounterVec, Gauge, Histogram, HistogramVec, Registry};

const SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Handles of the metrics of homes.
#[derive(Clone)]
pub struct Metrics {
    items: Counter,
    rows: Counter,
    removed: CounterVec,
    rescored: CounterVec,
    fanout_seconds: HistogramVec,
    query_seconds: HistogramVec,
    step_seconds: Histogram,
    failed: CounterVec,
    rows_now: Gauge,
    readers: Gauge,
    jobs: Gauge,
    parked: Gauge,
    post_events: CounterVec,
}

impl Metrics {
    pub fn new(registry: &Registry) -> Self {
        Self {
            items: registry.counter("millrace_feeds_items_total", "Posts and reposts that matter to some home."),
            rows: registry.counter("millrace_feeds_rows_written_total", "Lines written into homes."),
            removed: registry.counter_with(
                "millrace_feeds_rows_removed_total",
                "Lines taken out of homes, by why.",
                &["reason"],
            ),
            rescored: registry.counter_with(
                "millrace_feeds_rescored_total",
                "Posts that were looked at because something was done with them, and lines that were scored anew.",
                &["what"],
            ),
            fanout_seconds: registry.histogram_with(
                "millrace_feeds_fanout_seconds",
                "From when an item was to be written into homes to when it was in the last, by followers who read here.",
                &["size"],
                SECONDS,
            ),
            query_seconds: registry.histogram_with(
                "millrace_feeds_query_seconds",
                "Time to find a page of a home, by where it came from.",
                &["source"],
                SECONDS,
            ),
            step_seconds: registry.histogram(
                "millrace_feeds_fanout_step_seconds",
                "Time of one transaction that writes lines into homes.",
                SECONDS,
            ),
            failed: registry.counter_with(
                "millrace_feeds_job_failures_total",
                "Steps of jobs that failed and are tried again.",
                &["job"],
            ),
            rows_now: registry.gauge("millrace_feeds_rows", "Lines of homes, as of the last look."),
            readers: registry.gauge("millrace_feeds_readers", "Accounts whose homes are made."),
            jobs: registry.gauge("millrace_feeds_fanout_jobs", "Items on their way into homes."),
            parked: registry.gauge(
                "millrace_feeds_fanout_jobs_parked",
                "Items whose way into homes was given up until an operator tries them again.",
            ),
            post_events: registry.counter_with(
                "millrace_feeds_post_events_total",
                "Events of posts told to consumers outside, by what happened.",
                &["type"],
            ),
        }
    }

    pub(crate) fn items_came(&self, items: usize) {
        self.items.add(items as u64);
    }

    pub(crate) fn post_events(&self, [created, updated]: [usize; 2]) {
        self.post_events.with(&["POST_CREATED"]).add(created as u64);
        self.post_events.with(&["POST_UPDATED"]).add(updated as u64);
    }

    pub(crate) fn rows_written(&self, rows: u64) {
        self.rows.add(rows);
    }

    pub(crate) fn rows_removed(&self, reason: &str, rows: u64) {
        self.removed.with(&[reason]).add(rows);
    }

    pub(crate) fn rescored(&self, posts: usize, rows: u64) {
        self.rescored.with(&["posts"]).add(posts as u64);
        self.rescored.with(&["rows"]).add(rows);
    }

    /// An item is in the last home.
    pub(crate) fn fanned_out(&self, followers: i64, took: Duration) {
        let size = match followers {
            ..100 => "<100",
            100..1_000 => "<1000",
            1_000..10_000 => "<10000",
            _ => ">=10000",
        };
        self.fanout_seconds.with(&[size]).observe_duration(took);
    }

    pub(crate) fn step(&self, took: Duration) {
        self.step_seconds.observe_duration(took);
    }

    pub(crate) fn asked(&self, source: &str, took: Duration) {
        self.query_seconds.with(&[source]).observe_duration(took);
    }

    pub(crate) fn job_failed(&self, job: &str) {
        self.failed.with(&[job]).inc();
    }

    pub(crate) fn sizes(&self, rows: i64, readers: i64, jobs: i64, parked: i64) {
        self.rows_now.set(rows);
        self.readers.set(readers);
        self.jobs.set(jobs);
        self.parked.set(parked);
    }
}
