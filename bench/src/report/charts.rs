//! Bars, as small SVG files that read on light and dark pages.

use std::fmt::Write as _;

use super::number;
use crate::results::Results;

const WIDTH: f64 = 640.0;
const LEFT: f64 = 210.0;
const RIGHT: f64 = 90.0;
const BAR: f64 = 18.0;
const GAP: f64 = 8.0;
const TOP: f64 = 34.0;

/// A chart and the file it goes to.
pub struct Chart {
    pub file: &'static str,
    pub title: &'static str,
    pub svg: String,
}

/// A bar: what it says and the figure it shows.
type Bars = &'static [(&'static str, &'static str)];

const INGEST: Bars = &[
    ("verify limit", "ingest_verify_limit_eps"),
    ("verified", "ingest_verified_eps"),
    ("verified, PostgreSQL", "ingest_verified_pg_eps"),
    ("unverified, empty store", "ingest_unverified_empty_eps"),
    ("unverified, large store", "ingest_unverified_eps"),
    ("reference AppView (unverified)", "ingest_reference_eps"),
];
const READS: Bars = &[
    ("timeline of 50, p50", "timeline_50_c1_p50_ms"),
    ("timeline of 50, p99", "timeline_50_c1_p99_ms"),
    ("timeline of 200, p50", "timeline_200_c1_p50_ms"),
    ("timeline of 200, p99", "timeline_200_c1_p99_ms"),
    ("timeline of 2,000, p50", "timeline_2000_c1_p50_ms"),
    ("timeline of 2,000, p99", "timeline_2000_c1_p99_ms"),
    ("thread, p50", "thread_c1_p50_ms"),
    ("thread, p99", "thread_c1_p99_ms"),
    ("search, p50", "search_c1_p50_ms"),
    ("search, p99", "search_c1_p99_ms"),
];
const BESIDE: Bars = &[
    ("getTimeline", "timeline_same_p50_ms"),
    ("getTimeline, reference", "timeline_reference_p50_ms"),
    ("getAuthorFeed", "author_feed_same_p50_ms"),
    ("getAuthorFeed, reference", "author_feed_reference_p50_ms"),
    ("getPostThread", "thread_same_p50_ms"),
    ("getPostThread, reference", "thread_reference_p50_ms"),
    ("getProfile", "profile_same_p50_ms"),
    ("getProfile, reference", "profile_reference_p50_ms"),
];

/// Every chart of the page.
pub fn all(results: &Results) -> Vec<Chart> {
    [
        ("ingest.svg", "Events a second", INGEST),
        ("reads.svg", "Milliseconds an answer takes, large store, one at a time", READS),
        ("beside.svg", "Median milliseconds on the same frames", BESIDE),
    ]
    .into_iter()
    .map(|(file, title, bars)| Chart { file, title, svg: drawn(title, bars, results) })
    .collect()
}

fn drawn(title: &str, bars: Bars, results: &Results) -> String {
    let bars: Vec<(&str, f64)> =
        bars.iter().filter_map(|(label, name)| Some((*label, results.get(name)?))).collect();
    let most = bars.iter().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
    let height = TOP + bars.len() as f64 * (BAR + GAP) + GAP;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"{title}\" font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
         <style>text{{fill:#24292f}}.ours{{fill:#0b7285}}.theirs{{fill:#c2410c}}\
         @media(prefers-color-scheme:dark){{text{{fill:#e6edf3}}.ours{{fill:#3bc9db}}.theirs{{fill:#ff922b}}}}</style>\n\
         <text x=\"4\" y=\"20\" font-size=\"14\" font-weight=\"600\">{title}</text>\n"
    );
    for (at, (label, value)) in bars.iter().enumerate() {
        let y = TOP + at as f64 * (BAR + GAP);
        let width = (value / most * (WIDTH - LEFT - RIGHT)).max(1.0);
        let class = if label.contains("reference") { "theirs" } else { "ours" };
        let (middle, end, shown) = (y + BAR * 0.72, LEFT + width + 6.0, number(*value));
        // Writing into a String does not fail.
        let _ = writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{middle:.0}\" text-anchor=\"end\">{label}</text>\
             <rect class=\"{class}\" x=\"{LEFT}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\"/>\
             <text x=\"{end:.1}\" y=\"{middle:.0}\">{shown}</text>",
            LEFT - 8.0,
        );
    }
    svg.push_str("</svg>\n");
    svg
}

#[cfg(test)]
mod tests {
    use super::{INGEST, drawn};
    use crate::results::Results;

    #[test]
    fn what_was_not_measured_has_no_bar() {
        let mut results = Results::default();
        results.round("ingest_verified_eps", "events/s", 5_000.0);
        results.round("ingest_reference_eps", "events/s", 250.0);
        let svg = drawn("Events a second", INGEST, &results);
        assert_eq!(svg.matches("<rect").count(), 2);
        assert!(svg.contains("5,000") && svg.contains("class=\"theirs\""));
    }
}
