//! The last minutes of the counters: enough for a chart, and for "since when has this offset been there".

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Samples kept: five minutes of them.
const SAMPLES_MAX: usize = 150;

/// The counters at one time. They only grow, until the process starts anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    pub time_us: i64,
    pub events: u64,
    pub entries: u64,
    pub rejected: u64,
    /// The log's tail, over all partitions.
    pub tail: i64,
}

#[derive(Debug, Default)]
pub(super) struct Recent {
    samples: VecDeque<Sample>,
}

impl Recent {
    pub(super) fn push(&mut self, sample: Sample) {
        if self.samples.len() >= SAMPLES_MAX {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    pub(super) fn samples(&self) -> Vec<Sample> {
        self.samples.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_latest_are_kept_and_in_order() {
        let mut recent = Recent::default();
        for n in 0..2 * SAMPLES_MAX as u64 {
            recent.push(Sample { time_us: 0, events: n, entries: 0, rejected: 0, tail: 0 });
        }
        let events: Vec<u64> = recent.samples().iter().map(|sample| sample.events).collect();
        let (first, last) = (SAMPLES_MAX as u64, 2 * SAMPLES_MAX as u64);
        assert_eq!(events, (first..last).collect::<Vec<u64>>());
    }
}
