//! Why a label is not taken.

use crate::crypto::SignatureError;
use crate::syntax::SyntaxError;

/// What is wrong with a label that could be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LabelError {
    /// Its schema is of another version than [`super::VERSION`].
    #[error("version {0} of labels is not known here")]
    Version(i64),
    /// The issuer is no DID.
    #[error("the issuer is {0}")]
    Source(SyntaxError),
    /// The subject is neither a DID nor the URI of a record by DID.
    #[error("the subject is neither a DID nor the URI of a record by DID")]
    Subject,
    /// The value is empty, longer than [`super::VALUE_BYTES_MAX`] or has control characters.
    #[error("the value is empty, too long or not plain text")]
    Value,
    /// The version of the record that is meant is no CID.
    #[error("the record's version is {0}")]
    Cid(SyntaxError),
    /// The time of issue is no datetime.
    #[error("the time of issue is {0}")]
    Time(SyntaxError),
    /// The time of expiry is no datetime.
    #[error("the time of expiry is {0}")]
    Expiry(SyntaxError),
    /// There is no signature.
    #[error("it is not signed")]
    Unsigned,
    /// The signature is not the issuer's for this label.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

impl LabelError {
    /// A stable, short label for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Version(_) => "label_version",
            Self::Source(_) => "label_source",
            Self::Subject => "label_subject",
            Self::Value => "label_value",
            Self::Cid(_) => "label_cid",
            Self::Time(_) => "label_time",
            Self::Expiry(_) => "label_expiry",
            Self::Unsigned => "label_unsigned",
            Self::Signature(_) => "label_signature",
        }
    }
}
