//! What an operator decides about, as it stands on the command line: an account's DID, or the URI of a record by DID.

use std::fmt;
use std::str::FromStr;

use millrace_atproto::syntax::{AtUri, Did};
use millrace_dataplane::query::takedown::TakedownSubject;

/// An account, or a record of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    Account(Did),
    Record { did: Did, uri: AtUri },
}

impl Subject {
    /// The account, or whose record it is.
    pub fn into_did(self) -> Did {
        match self {
            Self::Account(did) | Self::Record { did, .. } => did,
        }
    }
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(did) = Did::parse(text) {
            return Ok(Self::Account(did));
        }
        let neither = || "neither a DID nor the URI of a record by DID".to_owned();
        let uri = AtUri::parse(text).map_err(|_| neither())?;
        let did = uri.as_record().map(|(did, ..)| did.clone()).ok_or_else(neither)?;
        Ok(Self::Record { did, uri })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(did) => write!(f, "{did}"),
            Self::Record { uri, .. } => write!(f, "{uri}"),
        }
    }
}

impl From<Subject> for TakedownSubject {
    fn from(subject: Subject) -> Self {
        match subject {
            Subject::Account(did) => Self::Account { did },
            Subject::Record { uri, .. } => Self::Record { uri },
        }
    }
}

/// One by its name, more by their number.
pub fn several<T: fmt::Display>(subjects: &[T], what: &str) -> String {
    match subjects {
        [one] => one.to_string(),
        many => format!("{} {what}", many.len()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn accounts_and_records_are_named_by_did() {
        for text in ["did:plc:abc", "did:web:localhost%3A5000", "at://did:plc:abc/a.b.c/3k"] {
            assert_eq!(text.parse::<Subject>().unwrap().to_string(), text);
        }
        for text in ["", "alice.test", "at://did:plc:abc", "at://alice.test/a.b.c/3k", "did:"] {
            assert!(text.parse::<Subject>().is_err(), "{text}");
        }
    }
}
