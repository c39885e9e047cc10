//! Randomness, passed in. A process has one [`Rng`] from entropy; a test or a simulated run has a
//! seeded one and repeats exactly. Clones share one stream; [`Rng::fork`] gives a task a stream of
//! its own, so that the order in which tasks run does not change what each of them draws.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// A source of random bytes and numbers, good enough for keys and tokens. Cheap to clone.
#[derive(Clone)]
pub struct Rng {
    stream: Arc<Mutex<ChaCha12Rng>>,
}

impl Rng {
    /// Seeded by the operating system.
    pub fn from_entropy() -> Self {
        let mut seed = [0_u8; 32];
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that draws from the system's entropy"
        )]
        rand::rng().fill_bytes(&mut seed);
        Self::of(ChaCha12Rng::from_seed(seed))
    }

    /// The same numbers for the same seed, on every machine.
    pub fn seeded(seed: u64) -> Self {
        Self::of(ChaCha12Rng::seed_from_u64(seed))
    }

    fn of(stream: ChaCha12Rng) -> Self {
        Self { stream: Arc::new(Mutex::new(stream)) }
    }

    /// An independent stream that depends on this one's seed and position.
    pub fn fork(&self) -> Self {
        let mut seed = [0_u8; 32];
        self.fill(&mut seed);
        Self::of(ChaCha12Rng::from_seed(seed))
    }

    /// Fills `bytes`.
    pub fn fill(&self, bytes: &mut [u8]) {
        self.stream.lock().fill_bytes(bytes);
    }

    /// A number of all 64 bits.
    pub fn next_u64(&self) -> u64 {
        self.stream.lock().next_u64()
    }

    /// A number in `0..n`, evenly spread; 0 when `n` is 0.
    pub fn below(&self, n: u64) -> u64 {
        if n == 0 {
            return 0;
        }
        // Numbers above the last whole multiple of n would favour small results: draw again.
        let unfair_from = u64::MAX - u64::MAX % n;
        let mut stream = self.stream.lock();
        loop {
            let drawn = stream.next_u64();
            if drawn < unfair_from {
                return drawn % n;
            }
        }
    }

    /// A duration between half of `base` and the whole: spreads retries of many callers.
    pub fn jitter(&self, base: Duration) -> Duration {
        let half = base / 2;
        let span_us = u64::try_from((base - half).as_micros()).unwrap_or(u64::MAX - 1);
        half + Duration::from_micros(self.below(span_us.saturating_add(1)))
    }
}

impl std::fmt::Debug for Rng {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rng")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_again() {
        let draw = |seed| {
            let rng = Rng::seeded(seed);
            (0..8).map(|_| rng.next_u64()).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn entropy_differs() {
        assert_ne!(Rng::from_entropy().next_u64(), Rng::from_entropy().next_u64());
    }

    #[test]
    fn a_fork_does_not_follow_its_parent() {
        let parent = Rng::seeded(1);
        let fork = parent.fork();
        let expected = fork.next_u64();

        let parent = Rng::seeded(1);
        let fork = parent.fork();
        parent.next_u64();
        assert_eq!(fork.next_u64(), expected);
    }

    #[test]
    fn below_reaches_every_number_and_none_beyond() {
        let rng = Rng::seeded(3);
        let mut seen = [false; 5];
        for _ in 0..200 {
            seen[usize::try_from(rng.below(5)).expect("below 5")] = true;
        }
        assert_eq!(seen, [true; 5]);
        assert_eq!(rng.below(0), 0);
        assert_eq!(rng.below(1), 0);
    }

    #[test]
    fn jitter_stays_between_half_and_whole() {
        let rng = Rng::seeded(4);
        let base = Duration::from_millis(100);
        for _ in 0..200 {
            let drawn = rng.jitter(base);
            assert!(drawn >= base / 2 && drawn <= base, "{drawn:?}");
        }
        assert_eq!(rng.jitter(Duration::ZERO), Duration::ZERO);
    }
}
