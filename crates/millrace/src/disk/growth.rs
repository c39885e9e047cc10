//! How fast what is used grows: bytes an entry and entries a day, measured over the last hour, never
//! taken from a table. What retention removes meanwhile is part of it.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// How long a sample counts.
const WINDOW_US: i64 = 3_600_000_000;
/// Time between two samples that are kept.
const STEP_US: i64 = 30_000_000;
/// Less than this says nothing about a day.
const LEAST_US: i64 = 300_000_000;
const DAY_US: i64 = 86_400_000_000;

/// What the measured time came to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Growth {
    /// How long was measured, in seconds.
    pub seconds: i64,
    /// Log entries in that time, per day.
    pub entries_per_day: i64,
    /// Bytes that became used in that time, for each entry; absent without entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_entry: Option<i64>,
    /// Bytes that became used in that time, per day.
    pub bytes_per_day: i64,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    at_us: i64,
    used: i64,
    entries: i64,
}

/// The last hour's samples.
#[derive(Debug, Clone, Default)]
pub struct Samples(VecDeque<Sample>);

impl Samples {
    /// Adds what was measured; the growth up to it.
    pub fn add(&mut self, at_us: i64, used_bytes: u64, entries: i64) -> Option<Growth> {
        let used = i64::try_from(used_bytes).unwrap_or(i64::MAX);
        let now = Sample { at_us, used, entries };
        self.0.retain(|sample| (0..=WINDOW_US).contains(&(at_us - sample.at_us)));
        if self.0.back().is_none_or(|last| at_us - last.at_us >= STEP_US) {
            self.0.push_back(now);
        }
        let first = *self.0.front()?;
        (at_us - first.at_us >= LEAST_US).then(|| between(first, now))
    }
}

fn between(first: Sample, now: Sample) -> Growth {
    let took_us = now.at_us - first.at_us;
    let (bytes, entries) = (now.used - first.used, now.entries - first.entries);
    let per_day = |amount: i64| {
        i64::try_from(i128::from(amount) * i128::from(DAY_US) / i128::from(took_us)).unwrap_or(0)
    };
    Growth {
        seconds: took_us / 1_000_000,
        entries_per_day: per_day(entries),
        bytes_per_entry: (entries > 0).then(|| bytes / entries),
        bytes_per_day: per_day(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_US: i64 = 1_000_000;

    #[test]
    fn a_day_is_worked_out_from_the_last_hour() {
        let mut samples = Samples::default();
        let mut last = None;
        for second in 0..=7_200 {
            // 10 entries of 100 bytes a second, and in the first hour ten times as much.
            let (early, late) = (second.min(3_600), (second - 3_600).max(0));
            let bytes = u64::try_from(early * 10_000 + late * 1_000).expect("positive");
            last = samples.add(second * SECOND_US, bytes, second * 10);
            assert_eq!(last.is_some(), second >= 300, "{second}");
        }
        let growth = last.expect("measured");
        assert_eq!((growth.seconds, growth.bytes_per_entry), (3_600, Some(100)));
        assert_eq!((growth.entries_per_day, growth.bytes_per_day), (864_000, 86_400_000));
        assert!(samples.0.len() <= 121, "{}", samples.0.len());
    }

    #[test]
    fn a_clock_that_steps_back_begins_anew() {
        let mut samples = Samples::default();
        samples.add(1_000 * SECOND_US, 10, 1);
        assert_eq!(samples.add(400 * SECOND_US, 20, 2), None);
        assert_eq!(samples.add(500 * SECOND_US, 30, 3), None);
    }
}
