//! How fast a backfill goes: what it had settled at several moments of the last minute.

use std::collections::VecDeque;

/// Moments kept, one a second.
const MOMENTS_MAX: usize = 60;
const SECOND_US: i64 = 1_000_000;

#[derive(Debug, Clone, Copy)]
struct Moment {
    at_us: i64,
    accounts: u64,
    records: u64,
}

/// The last minute of one backfill.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    moments: VecDeque<Moment>,
}

impl Pace {
    /// So much is settled now.
    pub(crate) fn note(&mut self, at_us: i64, accounts: u64, records: u64) {
        if self.moments.back().is_some_and(|last| at_us < last.at_us.saturating_add(SECOND_US)) {
            return;
        }
        if self.moments.len() >= MOMENTS_MAX {
            self.moments.pop_front();
        }
        self.moments.push_back(Moment { at_us, accounts, records });
    }

    /// Accounts and records a second, up to what is settled now.
    pub(crate) fn rates(&self, now_us: i64, accounts: u64, records: u64) -> Option<(f64, f64)> {
        let first = self.moments.front()?;
        let took_us = now_us.saturating_sub(first.at_us);
        if took_us < SECOND_US {
            return None;
        }
        let rate = |now: u64, then: u64| now.saturating_sub(then) as f64 * 1e6 / took_us as f64;
        Some((rate(accounts, first.accounts), rate(records, first.records)))
    }
}

/// How long `waiting` accounts take at a rate.
#[expect(clippy::cast_possible_truncation, reason = "a number of microseconds that is shown")]
pub(crate) fn left_us(waiting: u64, accounts_per_second: f64) -> Option<i64> {
    (accounts_per_second > 0.0).then(|| (waiting as f64 / accounts_per_second * 1e6) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_over_the_last_minute() {
        let mut pace = Pace::default();
        assert_eq!(pace.rates(0, 0, 0), None);
        for second in 0..120_i64 {
            let done = second.cast_unsigned();
            pace.note(second * SECOND_US, 2 * done, 10 * done);
            pace.note(second * SECOND_US + 1, 9_999, 9_999);
        }
        assert_eq!(pace.moments.len(), MOMENTS_MAX);
        assert_eq!(pace.rates(119 * SECOND_US, 238, 1_190), Some((2.0, 10.0)));
        assert_eq!(left_us(10, 2.0), Some(5 * SECOND_US));
        assert_eq!((left_us(10, 0.0), left_us(0, 1.0)), (None, Some(0)));
    }
}
