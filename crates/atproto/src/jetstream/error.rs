//! Why a message, or one operation, was not accepted.

use crate::cbor::JsonError;
use crate::cid::Cid;
use crate::syntax::SyntaxError;

/// Why a message cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JetstreamError {
    /// Over [`super::MESSAGE_BYTES_MAX`].
    #[error("a message of {0} bytes")]
    TooLarge(usize),
    /// No JSON, or not the shape of any message: the connection cannot be believed.
    #[error("no message of a Jetstream: {0}")]
    Shape(String),
    /// The event alone is bad; what could be found out about it.
    #[error("a field of the event: {cause}")]
    Field {
        /// Where it stands.
        position: i64,
        /// The account, unchecked.
        did: Option<String>,
        /// What is wrong.
        cause: String,
    },
}

/// Why an operation was not accepted. The others of its commit are not concerned.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OpFault {
    /// `collection` or `rkey` are none.
    #[error("the path: {0}")]
    Path(SyntaxError),
    /// The action is unknown, or record and CID do not fit it.
    #[error("the fields do not fit the action")]
    Shape,
    /// The record is no value of the data model.
    #[error("the record: {0}")]
    Record(JsonError),
    /// The record has too many bytes.
    #[error("a record of {0} bytes")]
    TooLarge(usize),
    /// The record's canonical encoding has another CID.
    #[error("the record has the CID {found}, not {given}")]
    Cid {
        /// The message's.
        given: String,
        /// The encoding's.
        found: Cid,
    },
}

impl OpFault {
    /// A stable, short label for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Path(_) => "op_path",
            Self::Shape => "op_shape",
            Self::Record(_) => "record_json",
            Self::TooLarge(_) => "record_too_large",
            Self::Cid { .. } => "record_cid",
        }
    }
}
