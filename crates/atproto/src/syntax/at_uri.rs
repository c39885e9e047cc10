//! AT URIs in the restricted form that lexicons use: authority, collection, record key.
//! No fragment, query or trailing slash. Source: <https://atproto.com/specs/at-uri-scheme>.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{AtIdentifier, Did, Nsid, RecordKey, SyntaxError, deserialize_parsed};

const FORMAT: &str = "at-uri";
const BYTES_MAX: usize = 8 * 1024;

/// `at://<authority>[/<collection>[/<record key>]]`, at most 8 KiB.
///
/// Prints what was parsed, except that a handle comes out in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AtUri {
    /// Whose repository.
    pub authority: AtIdentifier,
    /// Which collection; without it the whole repository is meant.
    pub collection: Option<Nsid>,
    /// Which record; only ever present with a collection.
    pub rkey: Option<RecordKey>,
}

impl AtUri {
    /// The URI of a record.
    pub fn record(did: Did, collection: Nsid, rkey: RecordKey) -> Self {
        Self { authority: AtIdentifier::Did(did), collection: Some(collection), rkey: Some(rkey) }
    }

    /// Reads a URI.
    ///
    /// # Errors
    /// [`SyntaxError`] with the rule that is broken, in the URI itself or in one of its parts.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let fail = |fault| SyntaxError::new(FORMAT, fault);
        let inner = |error: SyntaxError| fail(error.fault());
        if text.len() > BYTES_MAX {
            return Err(fail("it is longer than 8 KiB"));
        }
        let rest = text.strip_prefix("at://").ok_or_else(|| fail("it must start with at://"))?;
        let mut parts = rest.split('/');
        let authority = AtIdentifier::parse(parts.next().unwrap_or_default()).map_err(inner)?;
        let collection = parts.next().map(Nsid::parse).transpose().map_err(inner)?;
        let rkey = parts.next().map(RecordKey::parse).transpose().map_err(inner)?;
        match parts.next() {
            Some(_) => Err(fail("its path has more than two parts")),
            None => Ok(Self { authority, collection, rkey }),
        }
    }

    /// The DID of the authority, unless it is a handle.
    pub fn did(&self) -> Option<&Did> {
        self.authority.as_did()
    }

    /// DID, collection and record key: the identity of a record, if the URI names one by DID.
    pub fn as_record(&self) -> Option<(&Did, &Nsid, &RecordKey)> {
        Some((self.did()?, self.collection.as_ref()?, self.rkey.as_ref()?))
    }
}

impl fmt::Display for AtUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at://{}", self.authority)?;
        if let Some(collection) = &self.collection {
            write!(f, "/{collection}")?;
            if let Some(rkey) = &self.rkey {
                write!(f, "/{rkey}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for AtUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl FromStr for AtUri {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        Self::parse(text)
    }
}

impl Serialize for AtUri {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AtUri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_parsed(deserializer, FORMAT)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn parts_and_round_trip() {
        let text = "at://did:plc:abc123/app.bsky.feed.post/3jzfcijpj2z2a";
        let uri = AtUri::parse(text).unwrap();
        let (did, collection, rkey) = uri.as_record().unwrap();
        assert_eq!(did.as_str(), "did:plc:abc123");
        assert_eq!(collection.as_str(), "app.bsky.feed.post");
        assert_eq!(rkey.as_str(), "3jzfcijpj2z2a");
        assert_eq!(uri.to_string(), text);
        let json = serde_json::to_string(&uri).unwrap();
        assert_eq!(serde_json::from_str::<AtUri>(&json).unwrap(), uri);
    }

    #[test]
    fn a_handle_is_not_a_record_identity() {
        let uri = AtUri::parse("at://Alice.test/app.bsky.feed.post/1").unwrap();
        assert_eq!(uri.as_record(), None);
        assert_eq!(uri.to_string(), "at://alice.test/app.bsky.feed.post/1");
    }
}
