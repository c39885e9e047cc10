//! Why entries were not applied, and what the loop makes of it.

use millrace_log::LogError;
use millrace_runtime::error::{Diagnose, Diagnosis};

use crate::{Fault, StoreError, codes};

/// Why a batch could not be prepared or written. Nothing of it remains.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ApplyError {
    /// The store failed; what to do stands in [`StoreError::fault`].
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log failed.
    #[error("the log failed: {0}")]
    Log(LogError),
    /// An entry is at fault: park it. With its offset the loop need not search for it.
    #[error("{code}: {message}")]
    Entry { code: &'static str, message: String, offset: Option<i64> },
    /// Something the projection depends on is not there now: try again.
    #[error("{code}: {message}")]
    Retry { code: &'static str, message: String },
    /// Going on would do harm: stop.
    #[error("{code}: {message}")]
    Stop { code: &'static str, message: String },
    /// More is parked than entries at fault can explain.
    #[error("{parked} entries of {projection} are parked, the last one because of {reason}")]
    ParkedTooMany { projection: &'static str, parked: i64, reason: String },
}

impl ApplyError {
    /// An entry at fault: `code` says which kind of failure, and never changes.
    pub fn entry(code: &'static str, message: impl Into<String>, offset: i64) -> ApplyError {
        ApplyError::Entry { code, message: message.into(), offset: Some(offset) }
    }

    pub fn fault(&self) -> Fault {
        match self {
            ApplyError::Store(error) => error.fault(),
            ApplyError::Log(error) => log_fault(error),
            ApplyError::Entry { .. } => Fault::Park,
            ApplyError::Retry { .. } => Fault::Retry,
            ApplyError::Stop { .. } | ApplyError::ParkedTooMany { .. } => Fault::Stop,
        }
    }

    /// A short stable name: the reason of the parked entry, a metric's label.
    pub fn reason(&self) -> &'static str {
        match self {
            ApplyError::Store(error) => error.reason(),
            ApplyError::Log(_) => "log",
            ApplyError::Entry { code, .. }
            | ApplyError::Retry { code, .. }
            | ApplyError::Stop { code, .. } => code,
            ApplyError::ParkedTooMany { .. } => "parked-too-many",
        }
    }

    /// The entry at fault, where that is known.
    pub(super) fn culprit(&self) -> Option<i64> {
        match self {
            ApplyError::Entry { offset, .. } => *offset,
            _ => None,
        }
    }
}

/// Reading the log fails for a moment, or in a way that needs a person.
fn log_fault(error: &LogError) -> Fault {
    match error {
        LogError::Truncated { .. }
        | LogError::NoSuchPartition { .. }
        | LogError::PartitionsChanged { .. }
        | LogError::Foreign { .. }
        | LogError::NewerFormat { .. }
        | LogError::Corrupt { .. }
        | LogError::Closed => Fault::Stop,
        _ => Fault::Retry,
    }
}

impl Diagnose for ApplyError {
    fn diagnosis(&self) -> Diagnosis {
        match self {
            ApplyError::Store(error) => error.diagnosis(),
            ApplyError::Log(error) => error.diagnosis(),
            ApplyError::ParkedTooMany { .. } => codes::PARKED_TOO_MANY.diagnosis(self.to_string()),
            ApplyError::Entry { .. } | ApplyError::Retry { .. } | ApplyError::Stop { .. } => {
                codes::PROJECTION_STOPPED.diagnosis(self.to_string())
            }
        }
    }
}

/// Why a worker ended without having been asked to.
#[derive(Debug, thiserror::Error)]
#[error("projection {projection} stopped")]
pub struct WorkerError {
    pub projection: &'static str,
    #[source]
    pub error: ApplyError,
}

impl Diagnose for WorkerError {
    fn diagnosis(&self) -> Diagnosis {
        self.error.diagnosis()
    }
}
