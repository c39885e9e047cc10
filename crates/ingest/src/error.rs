//! What can go wrong while the network is followed, as an operator meets it, with its codes.
//! An event that is not accepted is no error: it is counted by reason and kept in `rejected`.

use millrace_log::LogError;
use millrace_runtime::error::{Diagnose, Diagnosis};
use millrace_store::StoreError;

use crate::source::SourceError;

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
    /// A source.
    #[error("source {name}")]
    Source {
        /// The configured name.
        name: String,
        /// What happened.
        #[source]
        error: SourceError,
    },
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

impl IngestError {
    /// The stable code that status and documentation use.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Config { .. } => "ingest.config",
            Self::Store(error) => error.code(),
            Self::Log(_) => "ingest.log",
            Self::Source { error, .. } => error.code(),
            Self::Thread(_) => "ingest.thread",
            Self::PartEnded(_) => "ingest.part_ended",
            Self::LeaseLost(_) => "ingest.lease_lost",
            Self::Unavailable(_) => "ingest.unavailable",
            Self::InvalidRequest(_) => "ingest.invalid_request",
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Config { .. } => "mend the configuration; `millrace config example` explains the key",
            Self::Source { error, .. } => error.hint(),
            Self::Thread(_) => "raise the limit on threads of the user the service runs as",
            Self::LeaseLost(_) => "another process follows the network into the same store; stop one of the two",
            Self::Store(_) | Self::Log(_) => "see the cause; ingest goes on from its cursors when it is gone",
            Self::PartEnded(_) | Self::Unavailable(_) | Self::InvalidRequest(_) => "",
        }
    }
}

impl Diagnose for IngestError {
    fn diagnosis(&self) -> Diagnosis {
        Diagnosis { code: self.code(), message: chain(self), hint: self.hint().to_owned() }
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
