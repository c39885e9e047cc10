//! One event of Jetstream, and its JSON on both wires.

use data_encoding::BASE64_NOPAD;
use millrace_atproto::cbor;
use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::frame::Action;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::status::Status;

/// An event as Jetstream keeps it.
#[derive(Debug, Clone)]
pub(crate) struct JetEvent {
    pub seq: i64,
    /// When Jetstream saw it; never falls along the tape.
    pub time_us: i64,
    pub did: String,
    pub kind: JetKind,
}

#[derive(Debug, Clone)]
pub(crate) enum JetKind {
    /// One operation of a commit; the record is its JSON.
    Commit {
        rev: String,
        action: Action,
        collection: String,
        rkey: String,
        record: Option<(Cid, Box<RawValue>)>,
    },
    Identity {
        seq: i64,
        time: String,
        handle: Option<String>,
    },
    Account {
        seq: i64,
        time: String,
        status: Status,
    },
    Sync {
        seq: i64,
        time: String,
        rev: String,
        blocks: Vec<u8>,
    },
}

#[derive(Serialize)]
struct Commit<'a> {
    rev: &'a str,
    operation: &'static str,
    collection: &'a str,
    rkey: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cid: Option<String>,
}

#[derive(Serialize)]
struct V1<'a> {
    did: &'a str,
    time_us: i64,
    cursor: i64,
    kind: &'static str,
    #[serde(flatten)]
    body: V1Body<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum V1Body<'a> {
    Commit(Commit<'a>),
    Identity(Value),
    Account(Value),
}

#[derive(Serialize)]
struct V2<'a> {
    #[serde(rename = "$type")]
    kind: &'static str,
    payload: V2Payload<'a>,
}

#[derive(Serialize)]
struct V2Payload<'a> {
    #[serde(rename = "$type")]
    kind: String,
    seq: i64,
    did: &'a str,
    time: String,
    #[serde(flatten)]
    body: V2Body<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum V2Body<'a> {
    Commit(Commit<'a>),
    Other(Value),
}

/// A record as JSON; `None` if it is none, which Jetstream leaves out.
pub(crate) fn record_json(record: &[u8]) -> Option<Box<RawValue>> {
    let value = cbor::decode(record).ok()?;
    value.as_map()?;
    RawValue::from_string(cbor::to_json(&value)).ok()
}

impl JetEvent {
    /// What it takes on the tape, about.
    pub(crate) fn bytes(&self) -> usize {
        let body = match &self.kind {
            JetKind::Commit { record, .. } => {
                record.as_ref().map_or(0, |(_, json)| json.get().len())
            }
            JetKind::Sync { blocks, .. } => blocks.len(),
            JetKind::Identity { .. } | JetKind::Account { .. } => 0,
        };
        256 + body
    }

    /// The name of its kind.
    pub(crate) fn kind_name(&self) -> &'static str {
        match self.kind {
            JetKind::Commit { .. } => "commit",
            JetKind::Identity { .. } => "identity",
            JetKind::Account { .. } => "account",
            JetKind::Sync { .. } => "sync",
        }
    }

    /// The message on the first wire; none for a `#sync`.
    pub(crate) fn v1(&self) -> Option<String> {
        let body = match &self.kind {
            JetKind::Commit { .. } => V1Body::Commit(self.commit()?),
            JetKind::Identity { .. } => V1Body::Identity(self.upstream()),
            JetKind::Account { .. } => V1Body::Account(self.upstream()),
            JetKind::Sync { .. } => return None,
        };
        let event = V1 {
            did: &self.did,
            time_us: self.time_us,
            cursor: self.seq,
            kind: self.kind_name(),
            body,
        };
        Some(to_string(&event))
    }

    /// The message on the second wire.
    pub(crate) fn v2(&self) -> String {
        let name = self.kind_name();
        let body = match self.commit() {
            Some(commit) => V2Body::Commit(commit),
            None => V2Body::Other(json!({ name: self.upstream() })),
        };
        let payload = V2Payload {
            kind: format!("network.bsky.jetstream.subscribeEvents#{name}"),
            seq: self.seq,
            did: &self.did,
            time: format_us(self.time_us),
            body,
        };
        to_string(&V2 { kind: "message", payload })
    }

    fn commit(&self) -> Option<Commit<'_>> {
        let JetKind::Commit { rev, action, collection, rkey, record } = &self.kind else {
            return None;
        };
        Some(Commit {
            rev,
            operation: action.as_str(),
            collection,
            rkey,
            record: record.as_ref().map(|(_, json)| &**json),
            cid: record.as_ref().map(|(cid, _)| cid.to_string()),
        })
    }

    /// The event of the firehose that it wraps.
    fn upstream(&self) -> Value {
        let mut event = match &self.kind {
            JetKind::Commit { .. } => json!({}),
            JetKind::Identity { seq, time, handle } => {
                json!({"did": self.did, "seq": seq, "time": time, "handle": handle})
            }
            JetKind::Account { seq, time, status } => {
                let (active, status) = (status.is_active(), status.name());
                json!({"did": self.did, "seq": seq, "time": time, "active": active, "status": status})
            }
            JetKind::Sync { seq, time, rev, blocks } => {
                let blocks = BASE64_NOPAD.encode(blocks);
                json!({"did": self.did, "seq": seq, "time": time, "rev": rev, "blocks": {"$bytes": blocks}})
            }
        };
        if let Value::Object(fields) = &mut event {
            fields.retain(|_, value| !value.is_null());
        }
        event
    }
}

/// An advisory of the second wire; it has no number.
pub(crate) fn info(name: &str, message: &str) -> String {
    let payload = json!({
        "$type": "network.bsky.jetstream.subscribeEvents#info",
        "name": name,
        "message": message,
    });
    json!({"$type": "message", "payload": payload}).to_string()
}

/// The last frame of the second wire.
pub(crate) fn error(name: &str, message: &str) -> String {
    json!({"$type": "error", "error": name, "message": message}).to_string()
}

/// A time with six digits of the second.
fn format_us(time_us: i64) -> String {
    let ms = format_ms_us(time_us);
    format!("{}{:03}Z", ms.trim_end_matches('Z'), time_us.rem_euclid(1_000))
}

fn to_string(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("invariant: texts and numbers under text keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: JetKind) -> JetEvent {
        JetEvent { seq: 9, time_us: 1_725_911_162_329_308, did: "did:plc:abc".to_owned(), kind }
    }

    #[test]
    fn a_commit_reads_as_on_both_wires() {
        let json = RawValue::from_string("{\"$type\":\"a.b.c\"}".to_owned()).ok();
        let cid = Cid::of_dag_cbor(b"x");
        let commit = event(JetKind::Commit {
            rev: "3l3qo2vutsw2b".to_owned(),
            action: Action::Create,
            collection: "a.b.c".to_owned(),
            rkey: "k".to_owned(),
            record: json.map(|json| (cid, json)),
        });
        assert_eq!(
            commit.v1().as_deref(),
            Some(&*format!(
                "{{\"did\":\"did:plc:abc\",\"time_us\":1725911162329308,\"cursor\":9,\"kind\":\"commit\",\
                 \"commit\":{{\"rev\":\"3l3qo2vutsw2b\",\"operation\":\"create\",\"collection\":\"a.b.c\",\
                 \"rkey\":\"k\",\"record\":{{\"$type\":\"a.b.c\"}},\"cid\":\"{cid}\"}}}}"
            ))
        );
        assert!(commit.v2().starts_with(
            "{\"$type\":\"message\",\"payload\":{\"$type\":\"network.bsky.jetstream.subscribeEvents#commit\",\
             \"seq\":9,\"did\":\"did:plc:abc\",\"time\":\"2024-09-09T19:46:02.329308Z\",\"rev\":"
        ));
    }

    #[test]
    fn a_sync_is_on_the_second_wire_only() {
        let time = "2024-09-09T19:46:02.329Z".to_owned();
        let sync = event(JetKind::Sync { seq: 3, time, rev: "r".to_owned(), blocks: vec![1, 2] });
        assert_eq!(sync.v1(), None);
        assert!(sync.v2().contains("\"sync\":{"), "{}", sync.v2());
        assert!(sync.v2().contains("\"blocks\":{\"$bytes\":\"AQI\"}"), "{}", sync.v2());
    }
}
