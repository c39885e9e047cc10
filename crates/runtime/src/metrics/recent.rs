//! What a histogram took in over the last hour, for whoever asks the process itself: a page for its operator shows
//! times of the last minutes where nobody runs a Prometheus.
//!
//! ```text
//!   slot n-2          slot n-1          slot n           5 s each, those alone in which something happened
//!   ├ label: buckets  ├ label: buckets  ├ label: buckets
//! ```
//!
//! Must stay true: it is bounded, by [`KEPT`] and the labels it is made with, however much happens.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::spread::Spread;
use crate::clock::SharedClock;

/// For how long it is remembered.
pub const KEPT: Duration = Duration::from_secs(3_600);
/// The time that counts as one.
pub const SLOT: Duration = Duration::from_secs(5);

const SLOT_US: i64 = SLOT.as_micros() as i64;
const SLOTS_MAX: i64 = (KEPT.as_micros() / SLOT.as_micros()) as i64;

/// Durations by a label, as they were lately. Clones are the same.
#[derive(Clone)]
pub struct Recent {
    inner: Arc<Inner>,
}

struct Inner {
    clock: SharedClock,
    labels: &'static [&'static str],
    /// Upper bounds in seconds, growing.
    bounds: &'static [f64],
    slots: Mutex<VecDeque<Slot>>,
}

struct Slot {
    number: i64,
    /// Label after label a count for each bucket, the last above all bounds.
    counts: Box<[u32]>,
    /// Seconds, by label.
    sums: Box<[f64]>,
}

/// How often each label was seen in some time; `counts` is in the order of the labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When it ended.
    pub until_us: i64,
    pub counts: Vec<u64>,
}

impl Recent {
    /// Of these labels alone; `bounds` are upper bounds in seconds, growing.
    pub fn new(
        clock: SharedClock,
        labels: &'static [&'static str],
        bounds: &'static [f64],
    ) -> Self {
        Self { inner: Arc::new(Inner { clock, labels, bounds, slots: Mutex::default() }) }
    }

    /// Its labels, in their order.
    pub fn labels(&self) -> &'static [&'static str] {
        self.inner.labels
    }

    /// Something took so long; a label that it was not made with counts nowhere.
    pub fn observe(&self, label: &str, took: Duration) {
        let Some(at) = self.inner.labels.iter().position(|known| *known == label) else { return };
        let (seconds, number) = (took.as_secs_f64(), self.number());
        let bucket = self.inner.bounds.partition_point(|bound| *bound < seconds);
        let place = at * self.width() + bucket;
        let mut slots = self.inner.slots.lock();
        self.tidy(&mut slots, number);
        if slots.back().is_none_or(|slot| slot.number < number) {
            slots.push_back(self.slot(number));
        }
        let Some(slot) = slots.back_mut() else { return };
        if let Some(count) = slot.counts.get_mut(place) {
            *count = count.saturating_add(1);
        }
        if let Some(sum) = slot.sums.get_mut(at) {
            *sum += seconds;
        }
    }

    /// How what happened within the last `over` was spread, by label in their order.
    pub fn spreads(&self, over: Duration) -> Vec<Spread> {
        let mut slots = self.inner.slots.lock();
        let number = self.number();
        self.tidy(&mut slots, number);
        let since = number - slots_in(over);
        let spread = |(at, _): (usize, &&str)| {
            let mut spread = Spread::default();
            for slot in slots.iter().filter(|slot| slot.number > since) {
                let first = at * self.width();
                let mut below = 0.0;
                let bounds = self.inner.bounds.iter().copied().chain([f64::INFINITY]);
                for (bound, count) in bounds.zip(slot.counts.iter().skip(first)) {
                    below += f64::from(*count);
                    spread.add(bound, below);
                }
                spread.sum += slot.sums.get(at).copied().unwrap_or_default();
            }
            spread
        };
        self.inner.labels.iter().enumerate().map(spread).collect()
    }

    /// How often each label was seen within the last `over`, in steps of so many slots, the oldest first. The slot
    /// that is not over yet is in none of them.
    pub fn steps(&self, over: Duration, slots_each: i64) -> Vec<Step> {
        let mut slots = self.inner.slots.lock();
        let (number, each) = (self.number(), slots_each.max(1));
        self.tidy(&mut slots, number);
        // A step ends where it would for everybody, so that the same slots stay together.
        let last = number.div_euclid(each);
        let steps = slots_in(over).div_euclid(each).max(1);
        let step = |nth: i64| {
            let range = nth * each..(nth + 1) * each;
            let mut counts = vec![0; self.inner.labels.len()];
            for slot in slots.iter().filter(|slot| range.contains(&slot.number)) {
                for (sum, of_label) in counts.iter_mut().zip(slot.counts.chunks(self.width())) {
                    *sum += of_label.iter().map(|count| u64::from(*count)).sum::<u64>();
                }
            }
            Step { until_us: (nth + 1) * each * SLOT_US, counts }
        };
        (last - steps..last).map(step).collect()
    }

    fn number(&self) -> i64 {
        self.inner.clock.now_us().div_euclid(SLOT_US)
    }

    /// Buckets of a label.
    fn width(&self) -> usize {
        self.inner.bounds.len() + 1
    }

    fn slot(&self, number: i64) -> Slot {
        let labels = self.inner.labels.len();
        let counts = vec![0; labels * self.width()].into_boxed_slice();
        Slot { number, counts, sums: vec![0.0; labels].into_boxed_slice() }
    }

    /// What is too old goes, and what a clock that was set back left in the future.
    fn tidy(&self, slots: &mut VecDeque<Slot>, number: i64) {
        while slots.front().is_some_and(|slot| slot.number <= number - SLOTS_MAX) {
            slots.pop_front();
        }
        while slots.back().is_some_and(|slot| slot.number > number) {
            slots.pop_back();
        }
    }
}

fn slots_in(over: Duration) -> i64 {
    let slots = over.as_micros() / SLOT.as_micros();
    i64::try_from(slots).unwrap_or(SLOTS_MAX).clamp(1, SLOTS_MAX)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::clock::ManualClock;

    const BOUNDS: &[f64] = &[0.001, 0.01, 0.1];
    const MINUTE: Duration = Duration::from_secs(60);

    fn recent() -> (ManualClock, Recent) {
        let clock = ManualClock::at(1_000_000_000_000);
        let recent = Recent::new(clock.shared(), &["one", "other"], BOUNDS);
        (clock, recent)
    }

    fn counts(recent: &Recent, over: Duration) -> Vec<f64> {
        recent.spreads(over).iter().map(Spread::count).collect()
    }

    #[test]
    fn what_is_older_than_asked_for_does_not_count() {
        let (clock, recent) = recent();
        (0..3).for_each(|_| recent.observe("one", Duration::from_millis(5)));
        clock.advance(MINUTE);
        recent.observe("one", Duration::from_millis(50));
        recent.observe("other", Duration::from_secs(9));
        recent.observe("a third", Duration::from_secs(9));
        assert_eq!(counts(&recent, MINUTE), [1.0, 1.0]);
        assert_eq!(counts(&recent, 2 * MINUTE), [4.0, 1.0]);
        let spreads = recent.spreads(2 * MINUTE);
        assert!((0.001..=0.01).contains(&spreads[0].quantile(0.5)), "{spreads:?}");
        assert!((0.01..=0.1).contains(&spreads[0].quantile(0.99)), "{spreads:?}");
        // Above all bounds nothing is known but that.
        assert_eq!((spreads[1].quantile(0.5), spreads[1].sum), (0.1, 9.0));
        assert!((spreads[0].sum - 0.065).abs() < 1e-9, "{spreads:?}");
        clock.advance(KEPT);
        assert_eq!(counts(&recent, 2 * KEPT), [0.0, 0.0]);
    }

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let (_, recent) = recent();
        recent.observe("one", Duration::from_millis(10));
        assert!(recent.spreads(MINUTE)[0].quantile(1.0) < 0.011);
    }

    #[test]
    fn steps_are_told_one_after_the_other_with_those_in_which_nothing_happened() {
        let (clock, recent) = recent();
        recent.observe("one", Duration::ZERO);
        clock.advance(3 * SLOT);
        recent.observe("other", Duration::ZERO);
        recent.observe("other", Duration::ZERO);
        let unfinished = recent.steps(4 * SLOT, 1);
        assert_eq!(unfinished.len(), 4);
        assert_eq!(unfinished.last().unwrap().counts, [0, 0], "it is not over yet");
        clock.advance(SLOT);
        let steps = recent.steps(4 * SLOT, 1);
        let seen: Vec<&[u64]> = steps.iter().map(|step| step.counts.as_slice()).collect();
        assert_eq!(seen, [[1, 0], [0, 0], [0, 0], [0, 2]]);
        assert_eq!(steps[0].until_us, 1_000_005_000_000);
        let pairs: Vec<Vec<u64>> =
            recent.steps(4 * SLOT, 2).into_iter().map(|step| step.counts).collect();
        assert_eq!(pairs, [[1, 0], [0, 2]]);
    }

    #[test]
    fn it_is_bounded_and_a_clock_may_be_set_back() {
        let (clock, recent) = recent();
        for _ in 0..3 * SLOTS_MAX {
            recent.observe("one", Duration::ZERO);
            clock.advance(SLOT);
        }
        assert!(recent.inner.slots.lock().len() <= usize::try_from(SLOTS_MAX).unwrap());
        clock.set_us(1_000_000_000_000);
        recent.observe("one", Duration::ZERO);
        assert_eq!(counts(&recent, KEPT), [1.0, 0.0]);
    }
}
