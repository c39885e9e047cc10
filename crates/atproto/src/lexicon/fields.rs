//! Reading the fields of a lexicon object: required or optional, each by a reader that checks its value.
//!
//! A reader is a function from a value to what is kept of it; errors gain their path on the way out.

use unicode_segmentation::UnicodeSegmentation as _;

use super::{Fault, RecordError};
use crate::cbor::Value;
use crate::syntax::{AtUri, Checked, Grammar};

const TYPE: &str = "$type";

/// A map of the data model that is read as an object of a lexicon.
#[derive(Clone, Copy)]
pub(super) struct Object<'v>(&'v Value<'v>);

impl<'v> Object<'v> {
    /// A record: `$type` must name its collection.
    pub(super) fn record(
        value: &'v Value<'v>,
        collection: &'static str,
    ) -> Result<Self, RecordError> {
        let object = Self::any(value)?;
        let name = object.required(TYPE, text)?;
        expect_name(name, collection)?;
        Ok(object)
    }

    /// An object that a field refers to: `$type` may be absent, but must be `name` if it is there.
    pub(super) fn of(value: &'v Value<'v>, name: &'static str) -> Result<Self, RecordError> {
        let object = Self::any(value)?;
        if let Some(found) = object.optional(TYPE, text)? {
            expect_name(found, name)?;
        }
        Ok(object)
    }

    /// A variant of a union: whatever it is, `$type` must name it. The object and the name.
    pub(super) fn variant(value: &'v Value<'v>) -> Result<(Self, &'v str), RecordError> {
        let object = Self::any(value)?;
        match object.required(TYPE, text)? {
            "" => Err(RecordError::from(Fault::Type("the name of a variant")).under(TYPE)),
            name => Ok((object, name)),
        }
    }

    fn any(value: &'v Value<'v>) -> Result<Self, RecordError> {
        match value {
            Value::Map(_) => Ok(Self(value)),
            _ => Err(Fault::Type("an object").into()),
        }
    }

    /// What `read` makes of the value under `key`.
    pub(super) fn required<T>(
        &self,
        key: &str,
        read: impl FnOnce(&'v Value<'v>) -> Result<T, RecordError>,
    ) -> Result<T, RecordError> {
        self.optional(key, read)?.ok_or_else(|| RecordError::from(Fault::Missing).under(key))
    }

    /// As `required`, and `None` if there is no such key. A null is a value, and of the wrong type.
    pub(super) fn optional<T>(
        &self,
        key: &str,
        read: impl FnOnce(&'v Value<'v>) -> Result<T, RecordError>,
    ) -> Result<Option<T>, RecordError> {
        self.0.get(key).map(read).transpose().map_err(|error| error.under(key))
    }

    /// The items of an optional list; none if it is absent.
    pub(super) fn list<T>(
        &self,
        key: &str,
        items_max: usize,
        read: impl FnMut(&'v Value<'v>) -> Result<T, RecordError>,
    ) -> Result<Vec<T>, RecordError> {
        self.optional(key, list(items_max, read)).map(Option::unwrap_or_default)
    }

    /// Whether there is no key besides `known`.
    pub(super) fn has_only(&self, known: &[&str]) -> bool {
        self.0
            .as_map()
            .is_some_and(|pairs| pairs.iter().all(|(key, _)| known.contains(&key.as_ref())))
    }
}

fn expect_name(found: &str, name: &'static str) -> Result<(), RecordError> {
    if found == name { Ok(()) } else { Err(RecordError::from(Fault::Name(name)).under(TYPE)) }
}

/// Reads text of any length.
pub(super) fn text<'v>(value: &'v Value<'v>) -> Result<&'v str, RecordError> {
    value.as_str().ok_or_else(|| Fault::Type("text").into())
}

/// Reads text of at most so many bytes of UTF-8.
pub(super) fn text_of_bytes<'v>(
    bytes_max: usize,
) -> impl Fn(&'v Value<'v>) -> Result<&'v str, RecordError> {
    move |value| {
        let text = text(value)?;
        if text.len() > bytes_max {
            return Err(Fault::Bytes(bytes_max).into());
        }
        Ok(text)
    }
}

/// Reads text of at most so many graphemes, and ten times as many bytes of UTF-8: every lexicon that
/// bounds graphemes bounds bytes in this proportion.
pub(super) fn text_of_graphemes<'v>(
    graphemes_max: usize,
) -> impl Fn(&'v Value<'v>) -> Result<&'v str, RecordError> {
    let bounded = text_of_bytes(10 * graphemes_max);
    move |value| {
        let text = bounded(value)?;
        // A grapheme is at least a byte, so short text need not be segmented.
        if text.len() > graphemes_max && text.graphemes(true).count() > graphemes_max {
            return Err(Fault::Graphemes(graphemes_max).into());
        }
        Ok(text)
    }
}

/// Reads as `read` does, but no text of less than so many bytes of UTF-8.
pub(super) fn text_from<'v>(
    bytes_min: usize,
    read: impl Fn(&'v Value<'v>) -> Result<&'v str, RecordError>,
) -> impl Fn(&'v Value<'v>) -> Result<&'v str, RecordError> {
    move |value| {
        let text = read(value)?;
        if text.len() < bytes_min {
            return Err(Fault::BytesAtLeast(bytes_min).into());
        }
        Ok(text)
    }
}

/// Reads text of the format `G` and leaves it as it is.
pub(super) fn format<'v, G: Grammar>(value: &'v Value<'v>) -> Result<&'v str, RecordError> {
    let text = text(value)?;
    Checked::<G>::validate(text).map_err(|_| Fault::Format(G::FORMAT))?;
    Ok(text)
}

/// Reads text of the format `G`.
pub(super) fn parsed<'v, G: Grammar>(value: &'v Value<'v>) -> Result<Checked<G>, RecordError> {
    Checked::parse(text(value)?).map_err(|_| Fault::Format(G::FORMAT).into())
}

/// Reads an AT URI.
pub(super) fn at_uri<'v>(value: &'v Value<'v>) -> Result<AtUri, RecordError> {
    AtUri::parse(text(value)?).map_err(|_| Fault::Format("at-uri").into())
}

/// Reads bytes of any length.
pub(super) fn bytes<'v>(value: &'v Value<'v>) -> Result<&'v [u8], RecordError> {
    value.as_bytes().ok_or_else(|| Fault::Type("bytes").into())
}

/// Reads true or false.
pub(super) fn boolean<'v>(value: &'v Value<'v>) -> Result<bool, RecordError> {
    value.as_bool().ok_or_else(|| Fault::Type("true or false").into())
}

/// Reads an integer from `least` up.
pub(super) fn int_from<'v>(least: i64) -> impl Fn(&'v Value<'v>) -> Result<i64, RecordError> {
    move |value| match value.as_int() {
        None => Err(Fault::Type("an integer").into()),
        Some(int) if int < least => Err(Fault::AtLeast(least).into()),
        Some(int) => Ok(int),
    }
}

/// Reads a list of at most so many items. Without a bound of the lexicon's own, the data model's holds.
pub(super) fn list<'v, T>(
    items_max: usize,
    mut read: impl FnMut(&'v Value<'v>) -> Result<T, RecordError>,
) -> impl FnOnce(&'v Value<'v>) -> Result<Vec<T>, RecordError> {
    move |value| {
        let items = value.as_array().ok_or(Fault::Type("a list"))?;
        if items.len() > items_max {
            return Err(Fault::Items(items_max).into());
        }
        items
            .iter()
            .enumerate()
            .map(|(index, item)| read(item).map_err(|error| error.at(index)))
            .collect()
    }
}
