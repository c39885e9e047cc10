//! Blobs: a record's link to bytes that are kept beside the repository.
//! Source: <https://atproto.com/specs/data-model#blob-type>; the old form without `$type` is not valid.

use super::fields::{Object, int_from, text};
use super::{Fault, RecordError};
use crate::cbor::Value;
use crate::cid::{Cid, Codec};

const TYPE: &str = "blob";

/// A link to bytes, with what their uploader says about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobRef<'v> {
    /// The bytes' CID (codec raw).
    pub cid: Cid,
    /// Their MIME type as claimed.
    pub mime_type: &'v str,
    /// How many they are, as claimed; at least 1.
    pub size_bytes: i64,
}

/// What blobs a field takes.
pub(super) struct BlobRule {
    /// MIME types, or a family such as `image/*`.
    pub(super) accept: &'static [&'static str],
    /// Largest size in bytes.
    pub(super) size_bytes_max: i64,
}

/// The pictures that stand for accounts, lists and feeds.
pub(super) const PICTURE: BlobRule =
    BlobRule { accept: &["image/png", "image/jpeg"], size_bytes_max: 1_000_000 };

impl BlobRule {
    pub(super) fn read<'v>(&self, value: &'v Value<'v>) -> Result<BlobRef<'v>, RecordError> {
        let blob = BlobRef::read(value)?;
        if !self.accept.iter().any(|accepted| is_of(blob.mime_type, accepted)) {
            return Err(RecordError::from(Fault::Mime).under("mimeType"));
        }
        if blob.size_bytes > self.size_bytes_max {
            return Err(RecordError::from(Fault::BlobSize(self.size_bytes_max)).under("size"));
        }
        Ok(blob)
    }
}

impl<'v> BlobRef<'v> {
    fn read(value: &'v Value<'v>) -> Result<Self, RecordError> {
        let object = Object::record(value, TYPE)?;
        if !object.has_only(&["$type", "mimeType", "ref", "size"]) {
            return Err(Fault::Extra.into());
        }
        Ok(Self {
            cid: object.required("ref", raw_link)?,
            mime_type: object.required("mimeType", mime_type)?,
            size_bytes: object.required("size", int_from(1))?,
        })
    }
}

fn raw_link<'v>(value: &'v Value<'v>) -> Result<Cid, RecordError> {
    let cid = value.as_link().ok_or(Fault::Type("a link"))?;
    if cid.codec() == Codec::Raw { Ok(cid) } else { Err(Fault::BlobLink.into()) }
}

fn mime_type<'v>(value: &'v Value<'v>) -> Result<&'v str, RecordError> {
    let text = text(value)?;
    if text.contains('/') { Ok(text) } else { Err(Fault::Format("MIME type").into()) }
}

fn is_of(mime_type: &str, accepted: &str) -> bool {
    match accepted.strip_suffix('*') {
        Some(family) => mime_type.starts_with(family),
        None => mime_type == accepted,
    }
}
