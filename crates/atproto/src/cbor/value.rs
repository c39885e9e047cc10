//! The data model as a tree that borrows from the bytes it was decoded from.

use std::borrow::Cow;

use super::reader::{Item, deeper};
use super::{CborError, Reader, Writer};
use crate::cid::Cid;

/// A value of the data model. Text and bytes borrow where they can.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer within ±(2^53 − 1).
    Int(i64),
    /// A byte string; `{"$bytes": …}` in JSON.
    Bytes(Cow<'a, [u8]>),
    /// UTF-8 text.
    Text(Cow<'a, str>),
    /// A list.
    Array(Vec<Value<'a>>),
    /// Unique keys in canonical order (shorter first, then bytewise).
    Map(Vec<(Cow<'a, str>, Value<'a>)>),
    /// A link; `{"$link": …}` in JSON.
    Link(Cid),
}

impl<'a> Value<'a> {
    /// A map from pairs in any order; they are put in canonical order.
    /// Of pairs with the same key the first is kept.
    pub fn map<K: Into<Cow<'a, str>>>(pairs: impl IntoIterator<Item = (K, Value<'a>)>) -> Self {
        let mut pairs: Vec<_> = pairs.into_iter().map(|(key, value)| (key.into(), value)).collect();
        pairs.sort_by(|(left, _), (right, _)| canonical_order(left, right));
        pairs.dedup_by(|(later, _), (earlier, _)| later == earlier);
        Self::Map(pairs)
    }

    /// Text, borrowed or owned.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    /// The value under `key`; `None` if there is none or this is no map.
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        let pairs = self.as_map()?;
        let at = pairs.binary_search_by(|(probe, _)| canonical_order(probe, key)).ok()?;
        pairs.get(at).map(|(_, value)| value)
    }

    /// The text under `key`.
    pub fn get_str(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The boolean, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The integer, if this is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The bytes, if this is a byte string.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(value) => Some(value),
            _ => None,
        }
    }

    /// The text, if this is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(value) => Some(value),
            _ => None,
        }
    }

    /// The items, if this is an array.
    pub fn as_array(&self) -> Option<&[Value<'a>]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The pairs in canonical order, if this is a map.
    pub fn as_map(&self) -> Option<&[(Cow<'a, str>, Value<'a>)]> {
        match self {
            Self::Map(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// The CID, if this is a link.
    pub fn as_link(&self) -> Option<Cid> {
        match self {
            Self::Link(cid) => Some(*cid),
            _ => None,
        }
    }

    /// The same value, owning all its text and bytes.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Bytes(value) => Value::Bytes(Cow::Owned(value.into_owned())),
            Self::Text(value) => Value::Text(Cow::Owned(value.into_owned())),
            Self::Array(items) => Value::Array(items.into_iter().map(Value::into_owned).collect()),
            Self::Map(pairs) => Value::Map(
                pairs
                    .into_iter()
                    .map(|(key, value)| (Cow::Owned(key.into_owned()), value.into_owned()))
                    .collect(),
            ),
            Self::Link(cid) => Value::Link(cid),
        }
    }
}

/// The order of map keys in DAG-CBOR: shorter first, then bytewise.
pub(crate) fn canonical_order(left: &str, right: &str) -> std::cmp::Ordering {
    left.len().cmp(&right.len()).then_with(|| left.as_bytes().cmp(right.as_bytes()))
}

/// Decodes exactly one value; bytes after it are an error.
pub fn decode(bytes: &[u8]) -> Result<Value<'_>, CborError> {
    let mut reader = Reader::new(bytes);
    let value = read(&mut reader, 0)?;
    reader.finish()?;
    Ok(value)
}

/// Decodes one value from the front and says how many bytes it took.
pub fn decode_prefix(bytes: &[u8]) -> Result<(Value<'_>, usize), CborError> {
    let mut reader = Reader::new(bytes);
    let value = read(&mut reader, 0)?;
    Ok((value, reader.position()))
}

/// Checks that the bytes are exactly one value, without building it: what [`decode`] accepts, this accepts.
pub fn validate(bytes: &[u8]) -> Result<(), CborError> {
    let mut reader = Reader::new(bytes);
    reader.skip()?;
    reader.finish()
}

/// As [`validate`], and the value must be a map: what every record must be.
pub fn validate_record(bytes: &[u8]) -> Result<(), CborError> {
    Reader::new(bytes).map()?;
    validate(bytes)
}

/// Encodes canonically; maps that are out of order are put in order. The inverse of [`decode`] for values
/// within the limits of this module.
pub fn encode(value: &Value<'_>) -> Vec<u8> {
    let mut writer = Writer::new();
    write(&mut writer, value);
    writer.into_bytes()
}

/// Room made for a container before its items are seen; larger ones grow.
const CAPACITY_FIRST: usize = 64;

fn read<'a>(reader: &mut Reader<'a>, depth: usize) -> Result<Value<'a>, CborError> {
    Ok(match reader.item()? {
        Item::Null => Value::Null,
        Item::Bool(value) => Value::Bool(value),
        Item::Int(value) => Value::Int(value),
        Item::Bytes(value) => Value::Bytes(Cow::Borrowed(value)),
        Item::Text(value) => Value::Text(Cow::Borrowed(value)),
        Item::Link(cid) => Value::Link(cid),
        Item::Array(count) => {
            let depth = deeper(depth)?;
            let mut items = Vec::with_capacity(count.min(CAPACITY_FIRST));
            for _ in 0..count {
                items.push(read(reader, depth)?);
            }
            Value::Array(items)
        }
        Item::Map(count) => {
            let depth = deeper(depth)?;
            let mut pairs = Vec::with_capacity(count.min(CAPACITY_FIRST));
            let mut previous = None;
            for _ in 0..count {
                let key = reader.key(previous)?;
                pairs.push((Cow::Borrowed(key), read(reader, depth)?));
                previous = Some(key);
            }
            Value::Map(pairs)
        }
    })
}

fn write(writer: &mut Writer, value: &Value<'_>) {
    match value {
        Value::Null => writer.null(),
        Value::Bool(value) => writer.bool(*value),
        Value::Int(value) => writer.int(*value),
        Value::Bytes(value) => writer.bytes(value),
        Value::Text(value) => writer.text(value),
        Value::Link(cid) => writer.link(cid),
        Value::Array(items) => {
            writer.array(items.len());
            items.iter().for_each(|item| write(writer, item));
        }
        Value::Map(pairs) => {
            writer.map(pairs.len());
            let mut ordered: Vec<_> = pairs.iter().collect();
            ordered.sort_by(|(left, _), (right, _)| canonical_order(left, right));
            for (key, value) in ordered {
                writer.text(key);
                write(writer, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn post() -> Value<'static> {
        Value::map([
            ("text", Value::text("smile 😀")),
            ("$type", Value::text("app.bsky.feed.post")),
            ("langs", Value::Array(vec![Value::text("en"), Value::Null])),
            ("n", Value::Int(-70_000)),
            ("raw", Value::Bytes(Cow::Borrowed(&[0, 255]))),
            ("link", Value::Link(Cid::of_raw(b"blob"))),
            ("ok", Value::Bool(true)),
        ])
    }

    #[test]
    fn decoding_inverts_encoding_and_borrows() {
        let bytes = encode(&post());
        let value = decode(&bytes).unwrap();
        assert_eq!(value, post());
        assert!(matches!(value.get("text"), Some(Value::Text(Cow::Borrowed(_)))));
        assert_eq!(encode(&value), bytes);
        assert_eq!(validate_record(&bytes), Ok(()));
    }

    #[test]
    fn encoding_puts_keys_in_order() {
        let loose = Value::Map(vec![("bb".into(), Value::Int(1)), ("c".into(), Value::Int(2))]);
        assert_eq!(encode(&loose), [0xa2, 0x61, b'c', 2, 0x62, b'b', b'b', 1]);
    }

    #[test]
    fn lookups_find_what_is_there() {
        let post = post();
        assert_eq!(post.get_str("$type"), Some("app.bsky.feed.post"));
        assert_eq!(post.get("n").and_then(Value::as_int), Some(-70_000));
        assert_eq!(post.get("raw").and_then(Value::as_bytes), Some(&[0, 255][..]));
        assert_eq!(post.get("link").and_then(Value::as_link), Some(Cid::of_raw(b"blob")));
        assert_eq!(post.get("ok").and_then(Value::as_bool), Some(true));
        assert_eq!(post.get("langs").and_then(Value::as_array).map(<[_]>::len), Some(2));
        assert_eq!(post.get("absent"), None);
        assert_eq!(Value::Null.get("absent"), None);
    }

    #[test]
    fn a_prefix_tells_its_length() {
        let mut bytes = encode(&post());
        let length = bytes.len();
        bytes.extend([1, 2, 3]);
        assert_eq!(decode_prefix(&bytes).unwrap(), (post(), length));
        assert_eq!(decode(&bytes), Err(CborError::Trailing(3)));
    }

    #[test]
    fn a_record_is_a_map() {
        assert!(matches!(validate_record(&[0x80]), Err(CborError::Unexpected { .. })));
        assert_eq!(validate_record(&[0xa0]), Ok(()));
        assert_eq!(validate_record(&[0xa0, 0]), Err(CborError::Trailing(1)));
    }
}
