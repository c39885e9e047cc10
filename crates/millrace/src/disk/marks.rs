//! The marks: from what was measured and what was decided before follows whether there is room.
//!
//! A mark that was passed is left only some way below it, so that reading does not stop and go on with
//! every file that grows or goes.

use serde::{Deserialize, Serialize};

use crate::config::DiskConfig;

/// How far below the mark of warning the warning ends, in percent of the budget.
const WARN_ENDS_BELOW_PERCENT: u32 = 2;

/// Whether there is room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    #[default]
    Fine,
    /// It will be used up.
    Warn,
    /// Nothing is read from outside.
    Stop,
}

/// What is judged.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    pub used_bytes: u64,
    /// None where the system does not tell.
    pub free_bytes: Option<u64>,
}

/// The level after `before`.
pub fn level(before: Level, room: Room, config: &DiskConfig) -> Level {
    of_budget(before, room.used_bytes, config).max(of_free(before, room.free_bytes, config))
}

fn of_budget(before: Level, used: u64, config: &DiskConfig) -> Level {
    let Some(budget) = config.budget_bytes else { return Level::Fine };
    let reaches = |percent: u32| u128::from(used) * 100 >= u128::from(budget) * u128::from(percent);
    let warn_ends = config.warn_percent.saturating_sub(WARN_ENDS_BELOW_PERCENT);
    if reaches(config.stop_percent) || (before == Level::Stop && reaches(config.resume_percent)) {
        Level::Stop
    } else if reaches(config.warn_percent) || (before != Level::Fine && reaches(warn_ends)) {
        Level::Warn
    } else {
        Level::Fine
    }
}

fn of_free(before: Level, free: Option<u64>, config: &DiskConfig) -> Level {
    let min = config.free_bytes_min;
    let Some(free) = free.filter(|_| min > 0) else { return Level::Fine };
    let resumes = min.saturating_add(min / 4);
    let warns = min.saturating_mul(2);
    if free < min || (before == Level::Stop && free < resumes) {
        Level::Stop
    } else if free < warns {
        Level::Warn
    } else {
        Level::Fine
    }
}

#[cfg(test)]
mod tests {
    use super::Level::{Fine, Stop, Warn};
    use super::*;

    #[test]
    fn marks_are_left_below_where_they_were_passed() {
        let config =
            DiskConfig { budget_bytes: Some(1_000), free_bytes_min: 100, ..DiskConfig::default() };
        let check = |before, used_bytes, free_bytes, expected: Level| {
            let room = Room { used_bytes, free_bytes };
            assert_eq!(level(before, room, &config), expected, "{before:?} {room:?}");
        };
        let much = Some(10_000);
        check(Fine, 799, much, Fine);
        check(Fine, 800, much, Warn);
        check(Warn, 790, much, Warn);
        check(Warn, 779, much, Fine);
        check(Fine, 949, much, Warn);
        check(Fine, 950, much, Stop);
        check(Stop, 900, much, Stop);
        check(Stop, 899, much, Warn);
        check(Warn, 949, much, Warn);
        check(Stop, 0, much, Fine);
        check(Fine, 0, Some(200), Fine);
        check(Fine, 0, Some(199), Warn);
        check(Fine, 0, Some(99), Stop);
        check(Stop, 0, Some(124), Stop);
        check(Stop, 0, Some(125), Warn);
        check(Fine, 0, None, Fine);
        check(Fine, 950, None, Stop);
        check(Fine, u64::MAX, much, Stop);
    }

    #[test]
    fn what_is_not_configured_does_not_count() {
        let config = DiskConfig { budget_bytes: None, free_bytes_min: 0, ..DiskConfig::default() };
        let room = Room { used_bytes: u64::MAX, free_bytes: Some(0) };
        assert_eq!(level(Stop, room, &config), Fine);
    }
}
