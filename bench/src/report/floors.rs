//! Floors and goals, each for one figure.

use crate::results::Results;

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    More,
    Less,
}

/// How a figure stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Goal,
    Floor,
    Missed,
}

/// A figure that has a floor.
#[derive(Debug)]
pub struct Judged {
    pub name: &'static str,
    pub what: &'static str,
    pub unit: &'static str,
    pub floor: f64,
    pub goal: f64,
    pub better: Better,
}

impl Judged {
    pub fn verdict(&self, value: f64) -> Verdict {
        let reaches = |bound: f64| match self.better {
            Better::More => value >= bound,
            Better::Less => value <= bound,
        };
        match (reaches(self.goal), reaches(self.floor)) {
            (true, _) => Verdict::Goal,
            (false, true) => Verdict::Floor,
            _ => Verdict::Missed,
        }
    }
}

const fn more(
    name: &'static str,
    what: &'static str,
    unit: &'static str,
    floor: f64,
    goal: f64,
) -> Judged {
    Judged { name, what, unit, floor, goal, better: Better::More }
}

const fn less(
    name: &'static str,
    what: &'static str,
    unit: &'static str,
    floor: f64,
    goal: f64,
) -> Judged {
    Judged { name, what, unit, floor, goal, better: Better::Less }
}

/// All that are judged, in the order of the table.
pub const JUDGED: &[Judged] = &[
    more("ingest_verified_eps", "verified ingest", "events/s", 5_000.0, 7_500.0),
    more("ingest_verified_of_limit_percent", "the same, of the limit", "%", 40.0, 40.0),
    more("ingest_unverified_eps", "unverified ingest, large store", "events/s", 15_000.0, 20_000.0),
    less("like_bytes", "a like on disk", "B", 100.0, 80.0),
    less("follow_bytes", "a follow on disk", "B", 100.0, 80.0),
    less("timeline_p99_ms", "getTimeline p99", "ms", 20.0, 8.0),
    less("thread_p99_ms", "getPostThread p99", "ms", 30.0, 12.0),
    less("search_p99_ms", "searchPosts p99", "ms", 50.0, 15.0),
    less("ready_s", "answers after kill -9", "s", 2.0, 1.0),
    less("idle_rss_mb", "memory when idle", "MB", 200.0, 100.0),
    more("backfill_records_per_s", "backfill, verified", "records/s", 5_000.0, 7_500.0),
    less("backfill_live_lag_s", "what is new is late meanwhile, at most", "s", 2.0, 1.0),
    less("fanout_1000_ms", "a post in 1,000 homes", "ms", 100.0, 50.0),
    more(
        "fanout_one_author_rows_per_s",
        "lines of one author's posts",
        "rows/s",
        20_000.0,
        40_000.0,
    ),
    more("fanout_rows_per_s", "lines of many authors' posts", "rows/s", 50_000.0, 100_000.0),
    less("home_p99_ms", "ranked page of 1,000 lines p99", "ms", 20.0, 10.0),
    more("home_cache_hits_percent", "homes served again, of all", "%", 70.0, 80.0),
    more("ingest_verified_vs_reference", "verified ingest, of the reference's", "×", 15.0, 25.0),
    more(
        "ingest_unverified_vs_reference",
        "unverified ingest, of the reference's",
        "×",
        40.0,
        70.0,
    ),
    more("timeline_vs_reference", "getTimeline p50, faster than the reference", "×", 30.0, 80.0),
    more(
        "author_feed_vs_reference",
        "getAuthorFeed p50, faster than the reference",
        "×",
        30.0,
        80.0,
    ),
    more("thread_vs_reference", "getPostThread p50, faster than the reference", "×", 30.0, 80.0),
    less("memory_vs_reference", "memory, of the reference's", "×", 0.5, 0.25),
];

impl Results {
    /// Adds the figures that are the worse of the two concurrencies: a p99 holds for both or does not hold.
    pub fn with_judged(&self) -> Self {
        let mut results = self.clone();
        for (kind, percent) in [
            ("timeline", 50),
            ("timeline", 99),
            ("thread", 99),
            ("search", 99),
            ("author_feed", 99),
            ("home", 99),
        ] {
            let of = |at_a_time: u32| self.figure(&format!("{kind}_c{at_a_time}_p{percent}_ms"));
            let (Some(one), Some(eight)) = (of(1), of(8)) else { continue };
            let mut figure =
                if percent == 50 || one.value > eight.value { one } else { eight }.clone();
            figure.name = format!("{kind}_p{percent}_ms");
            results.figures.push(figure);
        }
        results
    }
}

#[cfg(test)]
mod tests {
    use super::{Verdict, less, more};

    #[test]
    fn figures_are_judged_both_ways() {
        let check = |judged: &super::Judged, value: f64, expected: Verdict| {
            assert_eq!(judged.verdict(value), expected, "{value}");
        };
        let rate = more("a", "a", "1/s", 10.0, 20.0);
        check(&rate, 25.0, Verdict::Goal);
        check(&rate, 10.0, Verdict::Floor);
        check(&rate, 9.9, Verdict::Missed);
        let time = less("b", "b", "ms", 10.0, 5.0);
        check(&time, 5.0, Verdict::Goal);
        check(&time, 7.0, Verdict::Floor);
        check(&time, 10.1, Verdict::Missed);
        check(&time, f64::NAN, Verdict::Missed);
    }
}
