//! `com.atproto.repo.strongRef`: one version of a record, by URI and CID.

use super::RecordError;
use super::fields::{Object, at_uri, format};
use crate::cbor::Value;
use crate::cid::Cid;
use crate::syntax::{AtUri, CidStringGrammar};

/// A record and the version of it that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrongRef<'v> {
    /// Where the record is; not necessarily by DID, nor necessarily a record.
    pub uri: AtUri,
    /// Which version, as written: a CID of any kind.
    pub cid: &'v str,
}

impl<'v> StrongRef<'v> {
    pub(super) fn read(value: &'v Value<'v>) -> Result<Self, RecordError> {
        let object = Object::of(value, "com.atproto.repo.strongRef")?;
        Ok(Self {
            uri: object.required("uri", at_uri)?,
            cid: object.required("cid", format::<CidStringGrammar>)?,
        })
    }

    /// The CID, if it is of the one kind that repositories use.
    pub fn repo_cid(&self) -> Option<Cid> {
        Cid::parse(self.cid).ok()
    }
}
