//! Why an entry could not be written or read.

use crate::cbor::CborError;
use crate::syntax::SyntaxError;

/// What is wrong with an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EntryError {
    /// Over [`super::ENTRY_BYTES_MAX`].
    #[error("an entry of {0} bytes")]
    TooLarge(usize),
    /// The header names another kind than the body is.
    #[error("the header says {header}, the body is {body}")]
    KindMismatch {
        /// The header's kind.
        header: &'static str,
        /// The body's kind.
        body: &'static str,
    },
    /// Not DAG-CBOR of the right shape: the log is damaged.
    #[error("the entry is malformed: {0}")]
    Cbor(#[from] CborError),
    /// A field is missing: the log is damaged.
    #[error("the entry lacks {0}")]
    Missing(&'static str),
    /// An identifier does not parse: the log is damaged.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// An action nobody knows.
    #[error("an action nobody knows")]
    Action,
    /// A trace id that has not 16 bytes.
    #[error("a trace id of {0} bytes")]
    Trace(usize),
    /// Written by a newer version of the program: run that, or a newer one.
    #[error("layout version {0} or a kind of it is not known here")]
    Version(i64),
}

impl EntryError {
    /// A stable, short label for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "entry_too_large",
            Self::KindMismatch { .. } => "entry_kind",
            Self::Cbor(_) => "entry_cbor",
            Self::Missing(_) => "entry_missing",
            Self::Syntax(_) => "entry_syntax",
            Self::Action => "entry_action",
            Self::Trace(_) => "entry_trace",
            Self::Version(_) => "entry_version",
        }
    }
}
