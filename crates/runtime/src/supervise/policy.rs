//! What the end of a task means, and the error a task ends with.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::error::{Diagnose, Diagnosis};

/// What the supervisor does when a task ends before the process drains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// It runs once. Its normal end is fine; its failure is logged and counted, and stops nothing.
    Once,
    /// Its normal end is fine; after a failure or a panic it is started again.
    Restart(Backoff),
    /// The process depends on it: any end, with or without an error, drains the process and is
    /// its exit error.
    Critical,
}

impl Policy {
    /// Started again with the usual delays.
    pub fn restart() -> Self {
        Self::Restart(Backoff::default())
    }
}

/// Delays between restarts: doubled each time up to a bound, then spread by jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The first delay.
    pub base: Duration,
    /// The longest delay.
    pub max: Duration,
    /// A task that ran this long starts from `base` again.
    pub reset_after: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(200),
            max: Duration::from_secs(60),
            reset_after: Duration::from_secs(120),
        }
    }
}

impl Backoff {
    /// The delay before restart number `attempt` (from 0), without jitter.
    pub fn delay(&self, attempt: u32) -> Duration {
        let factor = 2_u32.checked_pow(attempt).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.max)
    }
}

/// Why a task ended. Any error converts into it with `?`.
pub struct TaskError {
    error: Box<dyn Error + Send + Sync>,
    fatal: bool,
    diagnosis: Option<Diagnosis>,
}

impl TaskError {
    /// An error that no restart mends: the process drains and ends with it, whatever the policy.
    pub fn fatal(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { error: error.into(), fatal: true, diagnosis: None }
    }

    /// A fatal error with what an operator should know about it.
    pub fn diagnosed<E: Diagnose + Error + Send + Sync + 'static>(error: E) -> Self {
        let diagnosis = error.diagnosis();
        Self { error: error.into(), fatal: true, diagnosis: Some(diagnosis) }
    }

    /// Whether a restart is useless.
    pub fn is_fatal(&self) -> bool {
        self.fatal
    }

    /// The error and its causes on one line.
    pub fn chain(&self) -> String {
        let mut line = self.error.to_string();
        let mut cause = self.error.source();
        while let Some(error) = cause {
            line.push_str(": ");
            line.push_str(&error.to_string());
            cause = error.source();
        }
        line
    }

    pub(super) fn into_parts(self) -> (Box<dyn Error + Send + Sync>, Option<Diagnosis>) {
        (self.error, self.diagnosis)
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for TaskError {
    fn from(error: E) -> Self {
        Self { error: error.into(), fatal: false, diagnosis: None }
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl fmt::Debug for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_bound() {
        let backoff = Backoff {
            base: Duration::from_millis(100),
            max: Duration::from_secs(1),
            reset_after: Duration::from_secs(10),
        };
        let delays_ms: Vec<u128> =
            [0, 1, 2, 3, 4, 40, u32::MAX].map(|n| backoff.delay(n).as_millis()).into();
        assert_eq!(delays_ms, [100, 200, 400, 800, 1000, 1000, 1000]);
    }

    #[test]
    fn any_error_becomes_a_task_error() {
        fn parse(text: &str) -> Result<u8, TaskError> {
            Ok(text.parse::<u8>()?)
        }
        let error = parse("x").expect_err("x is no number");
        assert!(!error.is_fatal());
        assert_eq!(error.chain(), "invalid digit found in string");
        assert!(TaskError::fatal("no disk").is_fatal());
    }
}
