//! Events: items that say what happened to which thing, for consumers outside.
//!
//! In the log an event is a CloudEvent 1.0 in Kafka's binary mode: its attributes are headers, `ce_` before their
//! names, and the payload is the data alone. The headers are made of the row's columns when it is relayed, so the
//! row says nothing twice.

use millrace_log::{Headers, LogError, PAYLOAD_BYTES_MAX, Topic};
use ring::digest::{SHA256, digest};

use crate::{Domain, Param, StoreError, Tx};

/// What the payload of an event is.
pub const CONTENT_TYPE: &str = "application/json";

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// A UUID of version 7, the same however often the event is told: [`event_id`].
    pub id: &'a str,
    pub topic: Topic,
    /// Events of equal key reach the log in the order they were pushed.
    pub key: &'a [u8],
    /// What kind of thing it happened to.
    pub aggregate_type: &'a str,
    /// Which one.
    pub aggregate_id: &'a str,
    /// What happened.
    pub kind: &'a str,
    /// JSON.
    pub payload: &'a [u8],
    /// Further headers, such as `traceparent`.
    pub headers: &'a Headers,
}

/// A UUID of version 7 for what happened at that time: its random bits are a digest of `parts`, so that an event
/// that is found again has the same id, and who has seen it knows it.
#[must_use]
pub fn event_id(at_us: i64, parts: &[&str]) -> String {
    // A part's length keeps parts apart.
    let bytes: Vec<u8> = parts
        .iter()
        .flat_map(|part| [&(part.len() as u64).to_be_bytes()[..], part.as_bytes()].concat())
        .collect();
    let digest = digest(&SHA256, &bytes);
    let mut id = [0_u8; 16];
    id.copy_from_slice(&digest.as_ref()[..16]);
    let at_ms = u64::try_from(at_us.div_euclid(1_000)).unwrap_or(0);
    id[..6].copy_from_slice(&at_ms.to_be_bytes()[2..]);
    id[6] = 0x70 | (id[6] & 0x0f);
    id[8] = 0x80 | (id[8] & 0x3f);
    let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// Adds events, in order.
pub fn push_events<'e>(
    tx: &mut Tx,
    events: impl IntoIterator<Item = Event<'e>>,
) -> Result<(), StoreError> {
    let (now_us, domain) = (tx.now_us(), tx.domain());
    let events: Vec<(Event<'e>, Vec<u8>)> = events
        .into_iter()
        .map(|event| fitting(event, domain, now_us).map(|event| (event, event.headers.encode())))
        .collect::<Result<_, _>>()?;
    let pushed = tx.execute_many(
        "INSERT INTO outbox (topic, key, payload, created_us, event_id, aggregatetype, aggregateid, type, headers)
         {values:TEXT,BLOB,BLOB,BIGINT,TEXT,TEXT,TEXT,TEXT,BLOB}",
        events.iter().map(|(event, headers)| {
            [
                Param::Text(event.topic.name()),
                Param::Blob(event.key),
                Param::Blob(event.payload),
                Param::Int(now_us),
                Param::Text(event.id),
                Param::Text(event.aggregate_type),
                Param::Text(event.aggregate_id),
                Param::Text(event.kind),
                Param::Blob(headers),
            ]
        }),
    )?;
    if pushed > 0 {
        tx.outbox_pushed();
    }
    Ok(())
}

/// The event, if the log will take it: afterwards it is too late to say no.
fn fitting(event: Event<'_>, domain: Domain, now_us: i64) -> Result<Event<'_>, StoreError> {
    let too_large = |what, found, max| Err(StoreError::TooLarge { what, found, max });
    if event.payload.len() > PAYLOAD_BYTES_MAX {
        return too_large("an outbox payload", event.payload.len(), PAYLOAD_BYTES_MAX);
    }
    let attributes = Attributes {
        id: event.id,
        kind: event.kind,
        subject: event.aggregate_id,
        key: event.key,
        at_us: now_us,
    };
    match attributes.headers(domain, event.headers.clone()) {
        Ok(_) => Ok(event),
        Err(_) => {
            let found = event.aggregate_id.len() + event.key.len() + event.headers.bytes();
            too_large("the headers of an event", found, millrace_log::HEADERS_BYTES_MAX)
        }
    }
}

/// What the headers of an event are made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attributes<'a> {
    pub(super) id: &'a str,
    pub(super) kind: &'a str,
    pub(super) subject: &'a str,
    pub(super) key: &'a [u8],
    pub(super) at_us: i64,
}

impl Attributes<'_> {
    /// The event's headers, `further` ones last.
    pub(super) fn headers(&self, domain: Domain, further: Headers) -> Result<Headers, LogError> {
        let mut headers = Headers::NONE;
        headers.push("ce_specversion", "1.0")?;
        headers.push("ce_id", self.id.to_owned())?;
        headers.push("ce_source", format!("urn:millrace:{domain}"))?;
        headers.push("ce_type", self.kind.to_owned())?;
        headers.push("ce_subject", self.subject.to_owned())?;
        headers.push("ce_time", millrace_atproto::datetime::format_ms_us(self.at_us))?;
        headers.push("ce_partitionkey", self.key.to_vec())?;
        headers.push("content-type", CONTENT_TYPE)?;
        for header in further.iter() {
            headers.push(header.name.clone(), header.value.clone())?;
        }
        Ok(headers)
    }
}

#[cfg(test)]
mod tests {
    use super::event_id;

    #[test]
    fn an_id_is_a_uuid_of_version_seven_and_depends_on_every_part() {
        let at_us = 1_767_225_600_123_456;
        let id = event_id(at_us, &["POST_CREATED", "at://did:plc:a/app.bsky.feed.post/1"]);
        assert_eq!(id, event_id(at_us, &["POST_CREATED", "at://did:plc:a/app.bsky.feed.post/1"]));
        // Milliseconds since 1970 in front, then version and variant.
        assert!(id.starts_with("019b76da-a87b-7"), "{id}");
        assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{id}");
        assert_eq!(id.len(), 36);
        let others = [
            event_id(at_us + 1_000, &["POST_CREATED", "at://did:plc:a/app.bsky.feed.post/1"]),
            event_id(at_us, &["POST_UPDATED", "at://did:plc:a/app.bsky.feed.post/1"]),
            event_id(at_us, &["POST_CREATEDa", "t://did:plc:a/app.bsky.feed.post/1"]),
        ];
        assert!(!others.contains(&id));
        assert!(event_id(-5, &[]).starts_with("00000000-0000-7"));
    }
}
