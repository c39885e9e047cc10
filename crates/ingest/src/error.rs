//! What can go wrong while the network is followed, as an operator meets it, with its codes.
//! An event that is not accepted is no error: it is counted by reason and kept in `rejected`.

use millrace_log::LogError;
use millrace_runtime::error::{Diagnose, Diagnosis};
use millrace_runtime::internal::CallError;
use millrace_store::StoreError;

use crate::codes;

/// Why ingest, or one question to it, failed.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A configured value cannot work.
    #[error("{key} {problem}")]
    Config {
        /// The dotted key.
        key: String,
        /// What it must be.
        problem: String,
    },
    /// The tables of ingest cannot be read or written.
    #[error("the ingest store")]
    Store(#[from] StoreError),
    /// The log takes no entries.
    #[error("the log")]
    Log(#[from] LogError),
    /// A thread could not be started.
    #[error("cannot start a verify thread")]
    Thread(#[source] std::io::Error),
    /// One of the parts ended although nobody asked it to.
    #[error("{0} ended unexpectedly")]
    PartEnded(&'static str),
    /// Another process follows the network into this store.
    #[error("the lease on {0} was lost")]
    LeaseLost(String),
    /// The other side of `/internal` cannot be reached, or it answered with an error.
    #[error("ingest is unavailable: {0}")]
    Unavailable(String),
    /// The question is malformed.
    #[error("{0}")]
    InvalidRequest(String),
}

impl From<CallError> for IngestError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused { status: 400, body } => Self::InvalidRequest(body.message),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl Diagnose for IngestError {
    fn diagnosis(&self) -> Diagnosis {
        let code = match self {
            Self::Config { .. } => codes::CONFIG,
            Self::Store(_) => codes::STORE,
            Self::Log(_) => codes::LOG,
            Self::Thread(_) => codes::THREAD,
            Self::PartEnded(_) => codes::PART_ENDED,
            Self::LeaseLost(_) => codes::LEASE_LOST,
            Self::Unavailable(_) => codes::UNAVAILABLE,
            Self::InvalidRequest(_) => codes::REQUEST,
        };
        code.diagnosis(chain(self))
    }
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}
