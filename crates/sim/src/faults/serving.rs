//! Faults of those who are asked: answers that come late, wrong or not at all, streams that fall silent.
//!
//! They depend on the order of requests, which no seed decides. After [`FaultConfig::in_a_row_max`] in a row
//! it goes well, so whoever asks again gets there.

use std::collections::BTreeMap;
use std::time::Duration;

use millrace_runtime::rng::Rng;
use parking_lot::Mutex;

use super::{FaultConfig, chance};

/// How far before its cursor a stream of Jetstream may begin.
const JUMP_BACK_MAX_US: u64 = 3_600_000_000;

/// What goes wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mishap {
    Late(Duration),
    /// Cut short, though it looks whole.
    Truncated,
    /// 429, and how many seconds to wait.
    RateLimited(u64),
    ServerError,
    /// The connection breaks in the midst of it.
    Broken,
}

/// The faults of a network that is served.
#[derive(Debug)]
pub(crate) struct ServingFaults {
    config: FaultConfig,
    rng: Rng,
    in_a_row: Mutex<BTreeMap<String, u32>>,
}

impl ServingFaults {
    pub(crate) fn new(config: FaultConfig, rng: Rng) -> Self {
        Self { config, rng, in_a_row: Mutex::new(BTreeMap::new()) }
    }

    /// What goes wrong with an answer; `of` names host and account, `repo` is whether a whole repository
    /// is asked for.
    pub(crate) fn mishap(&self, of: &str, repo: bool) -> Option<Mishap> {
        let (config, rng) = (&self.config, &self.rng);
        if chance(rng, config.slow_answers) {
            return Some(Mishap::Late(Duration::from_millis(config.answer_delay_ms)));
        }
        let drawn = if chance(rng, config.rate_limited) {
            Some(Mishap::RateLimited(config.retry_after_s))
        } else if chance(rng, config.server_errors) {
            Some(Mishap::ServerError)
        } else if chance(rng, config.broken_answers) {
            Some(Mishap::Broken)
        } else if repo && chance(rng, config.truncated_repos) {
            Some(Mishap::Truncated)
        } else {
            None
        };
        drawn.filter(|_| self.may_fail(of)).or_else(|| self.went_well(of))
    }

    /// Whether a stream that was just opened says nothing.
    pub(crate) fn is_zombie(&self, stream: &str) -> bool {
        let drawn = chance(&self.rng, self.config.zombies) && self.may_fail(stream);
        if !drawn {
            self.went_well(stream);
        }
        drawn
    }

    /// Whether a stream breaks off now.
    pub(crate) fn hangs_up(&self) -> bool {
        self.config.hang_ups > 0.0 && chance(&self.rng, self.config.hang_ups)
    }

    /// How far before its cursor a stream of Jetstream begins.
    pub(crate) fn jump_back_us(&self) -> i64 {
        if !chance(&self.rng, self.config.jetstream_jumps_back) {
            return 0;
        }
        i64::try_from(self.rng.below(JUMP_BACK_MAX_US)).unwrap_or(0)
    }

    fn may_fail(&self, of: &str) -> bool {
        let mut in_a_row = self.in_a_row.lock();
        let count = in_a_row.entry(of.to_owned()).or_default();
        *count += 1;
        *count <= self.config.in_a_row_max
    }

    fn went_well(&self, of: &str) -> Option<Mishap> {
        self.in_a_row.lock().remove(of);
        None
    }
}
