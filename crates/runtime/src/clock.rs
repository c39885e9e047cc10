//! The time of day, passed in. A production process has one [`SystemClock`]; tests and the
//! simulator hold a [`ManualClock`] and move it by hand.
//! All times are microseconds since the Unix epoch, UTC, in an `i64` named `…_us`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Where the time of day comes from.
pub trait Clock: Send + Sync {
    /// Microseconds since the Unix epoch, UTC.
    fn now_us(&self) -> i64;
}

/// A clock as it is handed around.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl SystemClock {
    /// The machine's clock, ready to be handed around.
    pub fn shared() -> SharedClock {
        Arc::new(Self)
    }
}

impl Clock for SystemClock {
    fn now_us(&self) -> i64 {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
        let now = std::time::SystemTime::now();
        match now.duration_since(std::time::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |us| -us),
        }
    }
}

/// A clock that stands still until it is moved. Clones share the same time.
#[derive(Debug, Clone, Default)]
pub struct ManualClock {
    now_us: Arc<AtomicI64>,
}

impl ManualClock {
    /// A clock that shows `now_us`.
    pub fn at(now_us: i64) -> Self {
        Self { now_us: Arc::new(AtomicI64::new(now_us)) }
    }

    /// This clock as it is handed around; later moves are seen by every holder.
    pub fn shared(&self) -> SharedClock {
        Arc::new(self.clone())
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let by_us = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.now_us.fetch_add(by_us, Ordering::SeqCst);
    }

    /// Sets the clock, backwards too: clocks of real machines do that.
    pub fn set_us(&self, now_us: i64) {
        self.now_us.store(now_us, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_us(&self) -> i64 {
        self.now_us.load(Ordering::SeqCst)
    }
}

/// Measures how long something took, for metrics and logs. Never decides anything: decisions take
/// a [`Clock`], so that a simulated run repeats.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch {
    started: std::time::Instant,
}

impl Stopwatch {
    /// Starts measuring.
    pub fn start() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "durations for metrics; nothing depends on them"
        )]
        let started = std::time::Instant::now();
        Self { started }
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_is_shared_by_its_clones() {
        let clock = ManualClock::at(1_000_000);
        let held = clock.shared();
        clock.advance(Duration::from_millis(5));
        assert_eq!(held.now_us(), 1_005_000);
        clock.set_us(-7);
        assert_eq!(held.now_us(), -7);
    }

    #[test]
    fn the_system_clock_is_in_this_century_and_in_microseconds() {
        let year_2024_us = 1_704_067_200_000_000;
        let year_2100_us = 4_102_444_800_000_000;
        assert!((year_2024_us..year_2100_us).contains(&SystemClock.now_us()));
    }
}
