//! An item of the log as a delivery: a CloudEvent in HTTP's binary mode, its attributes as headers `ce-…`, its data the
//! body.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use millrace_log::{Headers, Item};
use millrace_runtime::telemetry::propagate::TRACEPARENT;
use serde::de::IgnoredAny;

/// Bytes of an event's id.
pub const ID_BYTES_MAX: usize = 200;
/// Before the name of an attribute in the log, and in HTTP.
const LOG_PREFIX: &str = "ce_";
const HTTP_PREFIX: &str = "ce-";
const SPEC_VERSION: &str = "1.0";

/// An item that is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoEvent {
    #[error("its header {0} is missing")]
    Missing(&'static str),
    #[error("its header {name} is not one that can be sent: {reason}")]
    Header { name: String, reason: &'static str },
    #[error("its payload is no JSON: {0}")]
    Payload(String),
}

/// An event ready to be sent.
#[derive(Debug, Clone)]
pub struct Message {
    /// The event's own, the same however often it is sent.
    pub id: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Message {
    /// # Errors
    /// The item is no event.
    pub fn of(item: &Item) -> Result<Self, NoEvent> {
        let all = &item.headers;
        let id = id(all)?.to_owned();
        if required(all, "ce_specversion")? != SPEC_VERSION {
            let (name, reason) = ("ce_specversion".to_owned(), "it is another version's");
            return Err(NoEvent::Header { name, reason });
        }
        required(all, "ce_type")?;
        required(all, "ce_source")?;
        let mut headers = HeaderMap::new();
        for header in all.iter() {
            let Some(attribute) = header.name.strip_prefix(LOG_PREFIX) else { continue };
            let refused = |reason| NoEvent::Header { name: header.name.clone(), reason };
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            if attribute.is_empty() || !attribute.bytes().all(plain) {
                return Err(refused("an attribute's name is of a-z and 0-9"));
            }
            let name = HeaderName::try_from(format!("{HTTP_PREFIX}{attribute}"))
                .map_err(|_| refused("its name"))?;
            let value = std::str::from_utf8(&header.value).map_err(|_| refused("it is no text"))?;
            let value =
                HeaderValue::try_from(&*encoded(value)).map_err(|_| refused("its value"))?;
            headers.insert(name, value);
        }
        let content_type = all.text("content-type").unwrap_or("application/json");
        let is_json = content_type.split(';').next().is_some_and(|kind| {
            let kind = kind.trim();
            kind == "application/json" || kind.ends_with("+json")
        });
        let (name, reason) = ("content-type".to_owned(), "it is not JSON's");
        let refused = || NoEvent::Header { name, reason };
        let value = HeaderValue::from_str(content_type).ok().filter(|_| is_json);
        headers.insert(CONTENT_TYPE, value.ok_or_else(refused)?);
        if let Some(trace) =
            all.text(TRACEPARENT).and_then(|trace| HeaderValue::from_str(trace).ok())
        {
            headers.insert(HeaderName::from_static(TRACEPARENT), trace);
        }
        let _: IgnoredAny = serde_json::from_slice(&item.payload)
            .map_err(|error| NoEvent::Payload(error.to_string()))?;
        Ok(Self { id, headers, body: item.payload.clone() })
    }
}

/// The id of an event, where its headers have one that can be sent.
pub fn id(headers: &Headers) -> Result<&str, NoEvent> {
    let id = required(headers, "ce_id")?;
    // What is signed is id, time and body with dots between: an id with one could be read in two ways.
    let is_id = (1..=ID_BYTES_MAX).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.');
    let (name, reason) = ("ce_id".to_owned(), "an id is of 1 to 200 visible characters, no dots");
    is_id.then_some(id).ok_or(NoEvent::Header { name, reason })
}

fn required<'h>(headers: &'h Headers, name: &'static str) -> Result<&'h str, NoEvent> {
    let found = headers.get(name).ok_or(NoEvent::Missing(name))?;
    std::str::from_utf8(found)
        .map_err(|_| NoEvent::Header { name: name.to_owned(), reason: "it is no text" })
}

/// A value as CloudEvents has it in HTTP: all but visible ASCII in percent, and `"` and `%` too.
fn encoded(value: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'%';
    if value.bytes().all(plain) {
        return Cow::Borrowed(value);
    }
    let encode = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    Cow::Owned(value.bytes().map(encode).collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn item(headers: &[(&str, &[u8])], payload: &str) -> Item {
        let mut all = Headers::NONE;
        for (name, value) in headers {
            all.push(*name, value.to_vec()).unwrap();
        }
        let payload = Bytes::copy_from_slice(payload.as_bytes());
        Item { offset: 0, appended_us: 0, payload, headers: all }
    }

    const GOOD: [(&str, &[u8]); 4] = [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"0190-a"),
        ("ce_type", b"POST_CREATED"),
        ("ce_source", b"urn:millrace:feeds"),
    ];

    #[test]
    fn attributes_become_headers() {
        let more: [(&str, &[u8]); 5] = [
            ("ce_subject", "at://did:plc:é/a b\"%".as_bytes()),
            ("ce_time", b"2026-01-01T00:00:00.000Z"),
            ("content-type", b"application/json"),
            ("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            ("failed-consumer", b"webhook:a"),
        ];
        let message = Message::of(&item(&[&GOOD[..], &more].concat(), "{\"a\":1}")).unwrap();
        let text = |name: &str| message.headers.get(name).map(|value| value.to_str().unwrap());
        assert_eq!(text("ce-id"), Some("0190-a"));
        assert_eq!(text("ce-subject"), Some("at://did:plc:%C3%A9/a%20b%22%25"));
        assert_eq!(text("ce-time"), Some("2026-01-01T00:00:00.000Z"));
        assert_eq!(text("content-type"), Some("application/json"));
        assert!(text("traceparent").is_some() && text("failed-consumer").is_none());
        assert_eq!((message.id.as_str(), &message.body[..]), ("0190-a", &b"{\"a\":1}"[..]));
    }

    /// Headers by name.
    type Pairs = Vec<(&'static str, &'static [u8])>;

    #[test]
    fn what_is_no_event_says_why() {
        let check = |change: &dyn Fn(&mut Pairs), payload: &str, expected: &str| {
            let mut headers = GOOD.to_vec();
            change(&mut headers);
            let found = Message::of(&item(&headers, payload)).map(|_| String::new());
            let found = found.unwrap_or_else(|error| error.to_string());
            assert!(!expected.is_empty() && found.contains(expected), "{found} | {expected}");
        };
        for (at, name) in ["ce_specversion", "ce_id", "ce_type", "ce_source"].iter().enumerate() {
            let lacking = format!("{name} is missing");
            let lacks = |headers: &mut Pairs| {
                headers.remove(at);
            };
            check(&lacks, "{}", &lacking);
        }
        check(&|headers| headers[0].1 = b"2.0", "{}", "another version's");
        for id in [&b""[..], b"a.b", b"a b", &[b'a'; 201]] {
            let id = id.to_vec();
            let mut headers = GOOD.to_vec();
            headers[1].1 = &id;
            assert!(Message::of(&item(&headers, "{}")).is_err(), "{id:?}");
        }
        check(&|headers| headers[2].1 = &[0xff], "{}", "no text");
        check(&|headers| headers.push(("ce_a b", b"x")), "{}", "a-z and 0-9");
        check(&|headers| headers.push(("content-type", b"text/html")), "{}", "not JSON's");
        check(&|_| {}, "{", "no JSON");
        check(&|_| {}, "", "no JSON");
    }
}
