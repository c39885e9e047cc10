//! What homes count. Times of pages and of ways into homes are kept for an hour besides, for whoever asks the process
//! itself.

use std::time::Duration;

use millrace_runtime::clock::SharedClock;
use millrace_runtime::metrics::{
    Counter, CounterVec, Gauge, Histogram, HistogramVec, LATENCY_SECONDS, Recent, Registry,
};

const SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// The ladder: where a page of a home may come from, the best first. The last two steps are the AppView's, where homes
/// do not answer.
pub const SOURCES: &[&str] = &["cache", "user_feeds", "pull", "author"];
/// Items by how many of their author's followers read here.
pub const SIZES: &[&str] = &["<100", "<1000", "<10000", ">=10000"];

/// Pages of homes, by where they came from: of who makes homes, and of who reads without them.
#[derive(Clone)]
pub struct Pages {
    seconds: HistogramVec,
    recent: Recent,
}

impl Pages {
    pub fn new(registry: &Registry, clock: SharedClock) -> Self {
        Self {
            seconds: registry.histogram_with(
                "millrace_feeds_query_seconds",
                "Time to find a page of a home, by where it came from.",
                &["source"],
                LATENCY_SECONDS,
            ),
            recent: Recent::new(clock, SOURCES, LATENCY_SECONDS),
        }
    }

    /// A page was found.
    pub fn found(&self, source: &str, took: Duration) {
        self.seconds.with(&[source]).observe_duration(took);
        self.recent.observe(source, took);
    }

    pub fn recent(&self) -> &Recent {
        &self.recent
    }
}

/// Handles of the metrics of homes.
#[derive(Clone)]
pub struct Metrics {
    items: Counter,
    rows: Counter,
    removed: CounterVec,
    rescored: CounterVec,
    fanout_seconds: HistogramVec,
    pub(crate) fan_outs: Recent,
    pub(crate) pages: Pages,
    step_seconds: Histogram,
    failed: CounterVec,
    rows_now: Gauge,
    readers: Gauge,
    jobs: Gauge,
    parked: Gauge,
    post_events: CounterVec,
}

impl Metrics {
    pub fn new(registry: &Registry, clock: &SharedClock) -> Self {
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
            fan_outs: Recent::new(clock.clone(), SIZES, SECONDS),
            pages: Pages::new(registry, clock.clone()),
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
        self.fan_outs.observe(size, took);
    }

    pub(crate) fn step(&self, took: Duration) {
        self.step_seconds.observe_duration(took);
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

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_runtime::clock::SystemClock;
    use millrace_runtime::metrics::Spread;

    #[test]
    fn an_item_is_of_the_size_that_its_followers_make() {
        let check = |followers: i64, size: &str| {
            let metrics = Metrics::new(&Registry::new(), &SystemClock::shared());
            metrics.fanned_out(followers, Duration::from_millis(1));
            let spreads = metrics.fan_outs.spreads(Duration::from_secs(60));
            let of: Vec<&str> = SIZES
                .iter()
                .zip(spreads)
                .filter(|(_, spread)| spread.count() > 0.0)
                .map(|(size, _)| *size)
                .collect();
            assert_eq!(of, [size], "{followers}");
        };
        check(0, "<100");
        check(99, "<100");
        check(100, "<1000");
        check(9_999, "<10000");
        check(10_000, ">=10000");
    }

    #[test]
    fn who_reads_without_homes_counts_in_the_same_metric() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry, &SystemClock::shared());
        metrics.pages.found("cache", Duration::from_millis(1));
        Pages::new(&registry, SystemClock::shared()).found("author", Duration::from_millis(1));
        let text = registry.encode();
        for source in ["cache", "author"] {
            let line = format!("millrace_feeds_query_seconds_count{{source=\"{source}\"}} 1");
            assert!(text.contains(&line), "{text}");
        }
        let counts = |recent: &Recent| {
            recent.spreads(Duration::from_secs(60)).iter().map(Spread::count).sum::<f64>()
        };
        assert_eq!(counts(metrics.pages.recent()), 1.0, "each remembers its own");
    }
}
