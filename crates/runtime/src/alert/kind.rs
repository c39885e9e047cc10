//! The situations an operator must know of, each with a name and a level. The names are labels of a
//! metric and stand in the rules of `deploy/prometheus`: they never change.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// To be looked at some day.
    Low,
    /// To be looked at today.
    Medium,
    /// To be looked at now.
    High,
    /// It does not work any more.
    Critical,
}

impl Level {
    /// As it stands in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A source could not be reached for long.
    SourceDisconnected,
    /// A source is connected and sends nothing.
    SourceSilent,
    /// The tables are far behind the log.
    ApplyLag,
    /// Entries could not be applied and wait for somebody.
    EntriesParked,
    /// The disk budget's warning mark is reached.
    DiskBudgetWarn,
    /// The disk budget's stop mark is reached: nothing is taken in.
    DiskBudgetStop,
    /// A projection missed entries that the log no longer has.
    ProjectionLeftBehind,
    /// An audit found rows that disagree with the log or the network.
    IntegrityDrift,
    /// A part of the program failed; it was started again, or the process ended.
    TaskFailed,
    /// Something was logged as an error: data was lost, or a person is needed.
    ErrorLogged,
    /// Somebody tries whether alerts arrive.
    Test,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::SourceDisconnected,
        Self::SourceSilent,
        Self::ApplyLag,
        Self::EntriesParked,
        Self::DiskBudgetWarn,
        Self::DiskBudgetStop,
        Self::ProjectionLeftBehind,
        Self::IntegrityDrift,
        Self::TaskFailed,
        Self::ErrorLogged,
        Self::Test,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SourceDisconnected => "source_disconnected",
            Self::SourceSilent => "source_silent",
            Self::ApplyLag => "apply_lag",
            Self::EntriesParked => "entries_parked",
            Self::DiskBudgetWarn => "disk_budget_warn",
            Self::DiskBudgetStop => "disk_budget_stop",
            Self::ProjectionLeftBehind => "projection_left_behind",
            Self::IntegrityDrift => "integrity_drift",
            Self::TaskFailed => "task_failed",
            Self::ErrorLogged => "error_logged",
            Self::Test => "test",
        }
    }

    /// How bad it is.
    pub const fn level(self) -> Level {
        match self {
            Self::DiskBudgetStop => Level::Critical,
            Self::SourceDisconnected
            | Self::SourceSilent
            | Self::ApplyLag
            | Self::ProjectionLeftBehind
            | Self::IntegrityDrift
            | Self::TaskFailed
            | Self::ErrorLogged
            | Self::Test => Level::High,
            Self::EntriesParked | Self::DiskBudgetWarn => Level::Medium,
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
