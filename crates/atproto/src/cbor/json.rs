//! The data model as JSON and back: links are `{"$link": "b…"}`, bytes `{"$bytes": "…"}` (base64 without
//! padding), blobs stay the objects they are. Spec: atproto.com/specs/data-model.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value as Json;

use super::value::canonical_order;
use super::{CONTAINER_ITEMS_MAX, DEPTH_MAX, INT_MAX, KEY_BYTES_MAX, Value};
use crate::cid::{Cid, CidError};

/// Writes without padding, reads with or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why JSON is not a value of the data model.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JsonError {
    /// A record that is not an object.
    #[error("a record is not an object")]
    NotObject,
    /// A number with a fraction, or outside ±(2^53 − 1).
    #[error("a number that is not an integer within ±(2^53 − 1)")]
    Number,
    /// `$type` is not a non-empty string.
    #[error("$type is not a non-empty string")]
    Type,
    /// `{"$link": …}` with more fields or without text.
    #[error("a $link object holds something else than one string")]
    LinkShape,
    /// `$link` holds no CID.
    #[error("$link: {0}")]
    Link(#[from] CidError),
    /// `{"$bytes": …}` with more fields, or without base64.
    #[error("a $bytes object holds something else than base64")]
    Bytes,
    /// A blob without a `ref` link, a `mimeType` and an integer `size`.
    #[error("a blob lacks ref, mimeType or size")]
    Blob,
    /// An empty or too long object key.
    #[error("an object key of {0} bytes")]
    Key(usize),
    /// Nested deeper than [`DEPTH_MAX`].
    #[error("nested too deep")]
    Depth,
    /// More items than [`CONTAINER_ITEMS_MAX`].
    #[error("a container of {0} items")]
    ContainerItems(usize),
}

/// The value as JSON text; object keys keep their canonical order.
pub fn to_json(value: &Value<'_>) -> String {
    let mut text = String::new();
    write_value(&mut text, value);
    text
}

/// Reads JSON of any shape.
pub fn from_json(json: &Json) -> Result<Value<'static>, JsonError> {
    read_value(json, 0)
}

/// Reads JSON that must be an object, as every record is.
pub fn record_from_json(json: &Json) -> Result<Value<'static>, JsonError> {
    match from_json(json)? {
        record @ Value::Map(_) => Ok(record),
        _ => Err(JsonError::NotObject),
    }
}

fn write_value(text: &mut String, value: &Value<'_>) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Int(value) => write!(text, "{value}").expect("invariant: a String takes any text"),
        Value::Text(value) => write_text(text, value),
        Value::Bytes(bytes) => {
            text.push_str("{\"$bytes\":\"");
            BASE64.encode_string(bytes, text);
            text.push_str("\"}");
        }
        Value::Link(cid) => {
            write!(text, "{{\"$link\":\"{cid}\"}}").expect("invariant: a String takes any text");
        }
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write_value(text, item);
            }
            text.push(']');
        }
        Value::Map(pairs) => {
            text.push('{');
            for (at, (key, value)) in pairs.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write_text(text, key);
                text.push(':');
                write_value(text, value);
            }
            text.push('}');
        }
    }
}

/// A JSON string. Stretches without anything to escape are copied whole.
fn write_text(text: &mut String, value: &str) {
    text.push('"');
    let mut rest = value;
    while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\')
    {
        let (plain, tail) = rest.split_at(at);
        text.push_str(plain);
        let mut tail_chars = tail.chars();
        match tail_chars.next() {
            Some('"') => text.push_str("\\\""),
            Some('\\') => text.push_str("\\\\"),
            Some('\n') => text.push_str("\\n"),
            Some('\r') => text.push_str("\\r"),
            Some('\t') => text.push_str("\\t"),
            Some(control) => {
                write!(text, "\\u{:04x}", u32::from(control))
                    .expect("invariant: a String takes any text");
            }
            None => {}
        }
        rest = tail_chars.as_str();
    }
    text.push_str(rest);
    text.push('"');
}

fn read_value(json: &Json, depth: usize) -> Result<Value<'static>, JsonError> {
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => Value::Int(integer(number).ok_or(JsonError::Number)?),
        Json::String(text) => Value::Text(Cow::Owned(text.clone())),
        Json::Array(items) => {
            let depth = deeper(depth, items.len())?;
            Value::Array(
                items.iter().map(|item| read_value(item, depth)).collect::<Result<_, _>>()?,
            )
        }
        Json::Object(fields) => {
            if let Some(link) = fields.get("$link") {
                return read_link(link, fields.len());
            }
            if let Some(bytes) = fields.get("$bytes") {
                return read_bytes(bytes, fields.len());
            }
            let depth = deeper(depth, fields.len())?;
            let mut pairs = Vec::with_capacity(fields.len());
            for (key, field) in fields {
                if key.is_empty() || key.len() > KEY_BYTES_MAX {
                    return Err(JsonError::Key(key.len()));
                }
                pairs.push((Cow::Owned(key.clone()), read_value(field, depth)?));
            }
            pairs.sort_by(|(left, _), (right, _)| canonical_order(left, right));
            let map = Value::Map(pairs);
            check_type(&map)?;
            map
        }
    })
}

fn deeper(depth: usize, items: usize) -> Result<usize, JsonError> {
    if items > CONTAINER_ITEMS_MAX {
        return Err(JsonError::ContainerItems(items));
    }
    if depth >= DEPTH_MAX { Err(JsonError::Depth) } else { Ok(depth + 1) }
}

/// An exact integer; `123.0` counts as one.
fn integer(number: &serde_json::Number) -> Option<i64> {
    let value = match number.as_i64() {
        Some(value) => value,
        None => {
            let float = number.as_f64()?;
            // Beyond 2^53 a float no longer names one integer.
            if float.fract() != 0.0 || float.abs() > INT_MAX as f64 {
                return None;
            }
            float as i64
        }
    };
    (-INT_MAX..=INT_MAX).contains(&value).then_some(value)
}

fn read_link(link: &Json, fields: usize) -> Result<Value<'static>, JsonError> {
    match link {
        Json::String(text) if fields == 1 => Ok(Value::Link(Cid::parse(text)?)),
        _ => Err(JsonError::LinkShape),
    }
}

fn read_bytes(bytes: &Json, fields: usize) -> Result<Value<'static>, JsonError> {
    match bytes {
        Json::String(text) if fields == 1 => BASE64
            .decode(text)
            .map(|bytes| Value::Bytes(Cow::Owned(bytes)))
            .map_err(|_| JsonError::Bytes),
        _ => Err(JsonError::Bytes),
    }
}

/// What the data model asks of any object with a `$type`, and of blobs.
fn check_type(map: &Value<'_>) -> Result<(), JsonError> {
    match map.get("$type") {
        None => Ok(()),
        Some(Value::Text(text)) if text == "blob" => {
            let link = map.get("ref").and_then(Value::as_link);
            let mime = map.get_str("mimeType");
            let size = map.get("size").and_then(Value::as_int).filter(|size| *size >= 0);
            if link.is_some() && mime.is_some() && size.is_some() {
                Ok(())
            } else {
                Err(JsonError::Blob)
            }
        }
        Some(Value::Text(text)) if !text.is_empty() => Ok(()),
        Some(_) => Err(JsonError::Type),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn check(json: &str, expected: Result<Value<'_>, JsonError>) {
        assert_eq!(from_json(&serde_json::from_str(json).unwrap()), expected, "{json}");
    }

    #[test]
    fn text_reads_back_whatever_it_holds() {
        for text in [
            "",
            "plain",
            "\"\\/\u{8}\u{c}\n\r\t\u{0}\u{1f}\u{7f}",
            "a\u{0}b",
            "日本語😀",
            "\u{2028}",
        ] {
            let json = to_json(&Value::text(text));
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }

    #[test]
    fn special_objects_take_their_json_form() {
        let cid = Cid::of_raw(b"blob");
        let value = Value::map([
            ("link", Value::Link(cid)),
            ("bytes", Value::Bytes(Cow::Borrowed(&[1, 2]))),
            ("list", Value::Array(vec![Value::Null, Value::Bool(true), Value::Int(-5)])),
        ]);
        let json = to_json(&value);
        let expected = format!(
            r#"{{"link":{{"$link":"{cid}"}},"list":[null,true,-5],"bytes":{{"$bytes":"AQI"}}}}"#
        );
        assert_eq!(json, expected);
        assert_eq!(from_json(&serde_json::from_str(&json).unwrap()), Ok(value));
    }

    #[test]
    fn padding_is_optional() {
        check(r#"{"$bytes":"AQ=="}"#, Ok(Value::Bytes(Cow::Borrowed(&[1]))));
        check(r#"{"$bytes":"AQ"}"#, Ok(Value::Bytes(Cow::Borrowed(&[1]))));
        check(r#"{"$bytes":"A-"}"#, Err(JsonError::Bytes));
    }

    #[test]
    fn numbers_are_exact_integers() {
        check("123.0", Ok(Value::Int(123)));
        check("9007199254740991", Ok(Value::Int(INT_MAX)));
        check("-9007199254740991", Ok(Value::Int(-INT_MAX)));
        for json in
            ["0.5", "9007199254740992", "-9007199254740992", "18446744073709551615", "1e300"]
        {
            check(json, Err(JsonError::Number));
        }
    }

    #[test]
    fn containers_are_bounded() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(from_json(&serde_json::from_str(&deep(DEPTH_MAX)).unwrap()).is_ok());
        check(&deep(DEPTH_MAX + 1), Err(JsonError::Depth));
        check(r#"{"":1}"#, Err(JsonError::Key(0)));
    }
}
