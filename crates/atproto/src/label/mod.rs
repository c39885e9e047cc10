//! Labels: what a labeler says of an account or a record, and the frames they come in
//! (`com.atproto.label.subscribeLabels`).
//!
//! ```text
//! label     {"cid"?, "cts", "exp"?, "neg"?, "sig"?, "src", "uri", "val", "ver"?}
//! signed    the same as DAG-CBOR, without "sig", with exactly the fields that were sent
//! ```
//!
//! A [`SentLabel`] is what was sent, read and not believed; [`SentLabel::check`] makes a [`Label`] of it,
//! and [`SentLabel::verify`] says whether the issuer signed it. Fields nobody knows are passed over and
//! are not signed. Spec: atproto.com/specs/label.

mod error;
mod frame;
mod sent;

use std::fmt;

use crate::syntax::{AtUri, CidString, Datetime, Did};

pub use error::LabelError;
pub use frame::{LabelFrame, LabelsFrame, SentLabels};
pub use sent::SentLabel;

/// The version of labels that is known.
pub const VERSION: i64 = 1;
/// Most bytes of a label's value.
pub const VALUE_BYTES_MAX: usize = 128;

/// What a label is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LabelSubject {
    /// A whole account.
    Account(Did),
    /// A record, by DID.
    Record(AtUri),
}

impl LabelSubject {
    /// Reads a DID or the URI of a record by DID; `None` for all else.
    pub fn parse(text: &str) -> Option<Self> {
        if text.starts_with("did:") {
            return Did::parse(text).ok().map(Self::Account);
        }
        AtUri::parse(text).ok().filter(|uri| uri.as_record().is_some()).map(Self::Record)
    }
}

impl fmt::Display for LabelSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(did) => did.fmt(f),
            Self::Record(uri) => uri.fmt(f),
        }
    }
}

/// A label whose fields are what they should be; its signature is another question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    /// Who says it.
    pub src: Did,
    /// Of what.
    pub subject: LabelSubject,
    /// Which version of the record was looked at. It does not tell labels apart.
    pub cid: Option<CidString>,
    /// What is said.
    pub val: String,
    /// It takes back what was said before.
    pub negates: bool,
    /// When it was said: of the same issuer, subject and value the latest counts.
    pub cts: Datetime,
    /// When it ends.
    pub exp: Option<Datetime>,
}
