//! Reads messages of both versions without copying texts that need no unescaping.

use std::borrow::Cow;
use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::{Account, Body, Commit, Event, JetstreamError, MESSAGE_BYTES_MAX, Message, Sync};
use crate::cbor::{self, Value};
use crate::datetime;
use crate::frame::Action;

/// Text that borrows where nothing is escaped, also as an optional field.
#[derive(Clone, Default)]
struct Text<'a>(Cow<'a, str>);

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(TextVisitor)
    }
}

#[derive(Deserialize)]
struct V1<'a> {
    #[serde(borrow)]
    did: Text<'a>,
    time_us: i64,
    #[serde(borrow)]
    kind: Text<'a>,
    #[serde(borrow, default)]
    commit: Option<Op<'a>>,
    #[serde(borrow, default)]
    account: Option<Upstream<'a>>,
}

#[derive(Deserialize)]
struct Op<'a> {
    #[serde(borrow)]
    rev: Text<'a>,
    #[serde(borrow)]
    operation: Text<'a>,
    #[serde(borrow)]
    collection: Text<'a>,
    #[serde(borrow)]
    rkey: Text<'a>,
    #[serde(borrow, default)]
    record: Option<&'a RawValue>,
    #[serde(borrow, default)]
    cid: Option<Text<'a>>,
}

/// An event of the firehose inside one of the Jetstream, as far as it is used.
#[derive(Deserialize)]
struct Upstream<'a> {
    #[serde(borrow, default)]
    time: Option<Text<'a>>,
    #[serde(default)]
    active: Option<bool>,
    #[serde(borrow, default)]
    status: Option<Text<'a>>,
    #[serde(borrow, default)]
    rev: Option<Text<'a>>,
    #[serde(borrow, default)]
    blocks: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct V2<'a> {
    #[serde(rename = "$type", borrow)]
    kind: Text<'a>,
    #[serde(borrow, default)]
    payload: Option<Payload<'a>>,
    #[serde(borrow, default)]
    error: Option<Text<'a>>,
    #[serde(borrow, default)]
    message: Option<Text<'a>>,
}

/// Any payload of v2: what a kind needs is asked for when the kind is known.
#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(rename = "$type", borrow)]
    kind: Text<'a>,
    #[serde(default)]
    seq: Option<i64>,
    #[serde(borrow, default)]
    did: Option<Text<'a>>,
    #[serde(borrow, default)]
    time: Option<Text<'a>>,
    #[serde(borrow, default)]
    rev: Option<Text<'a>>,
    #[serde(borrow, default)]
    operation: Option<Text<'a>>,
    #[serde(borrow, default)]
    collection: Option<Text<'a>>,
    #[serde(borrow, default)]
    rkey: Option<Text<'a>>,
    #[serde(borrow, default)]
    record: Option<&'a RawValue>,
    #[serde(borrow, default)]
    cid: Option<Text<'a>>,
    #[serde(borrow, default)]
    account: Option<Upstream<'a>>,
    #[serde(borrow, default)]
    sync: Option<Upstream<'a>>,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    message: Option<Text<'a>>,
}

impl<'a> Message<'a> {
    /// Reads a message of `/subscribe`.
    ///
    /// # Errors
    /// [`JetstreamError::Field`] if the event can be passed over alone.
    pub fn parse_v1(message: &'a [u8]) -> Result<Self, JetstreamError> {
        check_size(message)?;
        let event: V1<'_> = serde_json::from_slice(message).map_err(|error| {
            broken(message, &error, |json| (json.get("time_us"), json.get("did")))
        })?;
        let body = match (&*event.kind.0, event.commit, event.account) {
            ("commit", Some(op), _) => Body::Commit(op.into()),
            ("identity", ..) => Body::Identity,
            ("account", _, Some(account)) => match account.account() {
                Some(account) => Body::Account(account),
                None => return Err(lacking(event.time_us, &event.did.0, "active")),
            },
            ("commit" | "account", ..) => {
                return Err(lacking(event.time_us, &event.did.0, &event.kind.0));
            }
            _ => return Ok(Self::Unknown),
        };
        let (position, time_us) = (event.time_us, Some(event.time_us));
        Ok(Self::Event(Event { position, did: event.did.0, time_us, body }))
    }

    /// Reads a message of `network.bsky.jetstream.subscribeEvents`, uncompressed.
    ///
    /// # Errors
    /// [`JetstreamError::Field`] if the event can be passed over alone.
    pub fn parse_v2(message: &'a [u8]) -> Result<Self, JetstreamError> {
        check_size(message)?;
        let envelope: V2<'_> = serde_json::from_slice(message).map_err(|error| {
            broken(message, &error, |json| {
                let payload = json.get("payload");
                (payload.and_then(|p| p.get("seq")), payload.and_then(|p| p.get("did")))
            })
        })?;
        match (&*envelope.kind.0, envelope.payload, envelope.error) {
            ("message", Some(payload), _) => payload.message(),
            ("error", _, Some(error)) => {
                let message = envelope.message.map(|message| message.0);
                Ok(Self::Error { error: error.0, message })
            }
            ("message" | "error", ..) => {
                Err(JetstreamError::Shape(format!("an empty {}", envelope.kind.0)))
            }
            _ => Ok(Self::Unknown),
        }
    }
}

impl<'a> Payload<'a> {
    fn message(self) -> Result<Message<'a>, JetstreamError> {
        let kind = match self.kind.0.rsplit_once('#').map(|(_, fragment)| fragment) {
            Some("info") => {
                let name = self.name.unwrap_or_default().0;
                return Ok(Message::Info { name, message: self.message.map(|text| text.0) });
            }
            Some(kind @ ("commit" | "identity" | "account" | "sync")) => kind.to_owned(),
            _ => return Ok(Message::Unknown),
        };
        let Some(position) = self.seq else {
            return Err(JetstreamError::Shape("an event without seq".to_owned()));
        };
        let Some(Text(did)) = self.did.clone() else { return Err(lacking(position, "", "did")) };
        let time_us = self.time.as_ref().and_then(|time| datetime::epoch_us(&time.0));
        let body = match self.body(&kind) {
            Ok(body) => body,
            Err(field) => return Err(lacking(position, &did, field)),
        };
        Ok(Message::Event(Event { position, did, time_us, body }))
    }

    fn body(self, kind: &str) -> Result<Body<'a>, &'static str> {
        Ok(match kind {
            "commit" => {
                let op = Op {
                    rev: self.rev.ok_or("rev")?,
                    operation: self.operation.ok_or("operation")?,
                    collection: self.collection.ok_or("collection")?,
                    rkey: self.rkey.ok_or("rkey")?,
                    record: self.record,
                    cid: self.cid,
                };
                Body::Commit(op.into())
            }
            "account" => {
                let account = self.account.ok_or("account")?;
                Body::Account(account.account().ok_or("active")?)
            }
            "sync" => Body::Sync(self.sync.ok_or("sync")?.sync().ok_or("blocks")?),
            _ => Body::Identity,
        })
    }
}

impl<'a> From<Op<'a>> for Commit<'a> {
    fn from(op: Op<'a>) -> Self {
        Self {
            rev: op.rev.0,
            action: Action::parse(&op.operation.0),
            collection: op.collection.0,
            rkey: op.rkey.0,
            record: op.record,
            cid: op.cid.map(|cid| cid.0),
        }
    }
}

impl<'a> Upstream<'a> {
    fn account(self) -> Option<Account<'a>> {
        let (time, status) = (self.time.unwrap_or_default().0, self.status.map(|text| text.0));
        Some(Account { active: self.active?, status, time })
    }

    /// `None` if there are blocks that are no bytes.
    fn sync(self) -> Option<Sync<'a>> {
        let blocks = match self.blocks {
            None => Vec::new(),
            Some(json) => {
                let json: Json = serde_json::from_str(json.get()).ok()?;
                match cbor::from_json(&json).ok()? {
                    Value::Bytes(bytes) => bytes.into_owned(),
                    Value::Null => Vec::new(),
                    _ => return None,
                }
            }
        };
        let rev = self.rev.map(|rev| rev.0);
        Some(Sync { rev, blocks, time: self.time.unwrap_or_default().0 })
    }
}

fn check_size(message: &[u8]) -> Result<(), JetstreamError> {
    if message.len() > MESSAGE_BYTES_MAX {
        return Err(JetstreamError::TooLarge(message.len()));
    }
    Ok(())
}

fn lacking(position: i64, did: &str, field: &str) -> JetstreamError {
    let did = (!did.is_empty()).then(|| did.to_owned());
    JetstreamError::Field { position, did, cause: format!("{field} is missing") }
}

/// A message that is not of the expected shape: an event whose position can still be found can be
/// passed over alone.
fn broken(
    message: &[u8],
    error: &serde_json::Error,
    find: impl Fn(&Json) -> (Option<&Json>, Option<&Json>),
) -> JetstreamError {
    let Ok(json) = serde_json::from_slice::<Json>(message) else {
        return JetstreamError::Shape(error.to_string());
    };
    let (position, did) = find(&json);
    match position.and_then(Json::as_i64) {
        Some(position) => JetstreamError::Field {
            position,
            did: did.and_then(Json::as_str).map(str::to_owned),
            cause: error.to_string(),
        },
        None => JetstreamError::Shape(error.to_string()),
    }
}
