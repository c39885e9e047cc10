//! `com.atproto.label.defs#selfLabels`: warnings that authors put on their own records.

use super::RecordError;
use super::fields::{Object, text_of_bytes};
use crate::cbor::Value;

const LABELS_MAX: usize = 10;
const LABEL_BYTES_MAX: usize = 128;

/// The values of the union of self-labels; none if it is another variant.
pub(super) fn read<'v>(value: &'v Value<'v>) -> Result<Vec<&'v str>, RecordError> {
    let (object, name) = Object::variant(value)?;
    if name != "com.atproto.label.defs#selfLabels" {
        return Ok(Vec::new());
    }
    object.required("values", super::fields::list(LABELS_MAX, self_label))
}

fn self_label<'v>(value: &'v Value<'v>) -> Result<&'v str, RecordError> {
    Object::of(value, "com.atproto.label.defs#selfLabel")?
        .required("val", text_of_bytes(LABEL_BYTES_MAX))
}
