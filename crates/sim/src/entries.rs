//! Log entries as ingest writes them, made of records of the simulator, for who tests what applies them. Names
//! that are none are a mistake of the test.
#![expect(clippy::unwrap_used, reason = "for tests")]

use millrace_atproto::cid::Cid;
use millrace_atproto::entry::{Action, Entry, EntryBody, EntryHeader, EntryOp, SnapshotRecord};
use millrace_atproto::label::SentLabel;
use millrace_atproto::syntax::{Did, Nsid, RecordKey, Tid};

pub const POST: &str = "app.bsky.feed.post";
pub const LIKE: &str = "app.bsky.feed.like";
pub const FOLLOW: &str = "app.bsky.graph.follow";
pub const PROFILE: &str = "app.bsky.actor.profile";

/// 2026-01-01T00:00:00Z
pub const START_US: i64 = 1_767_225_600_000_000;

pub fn did(name: &str) -> Did {
    Did::parse(&format!("did:web:{name}.test")).unwrap()
}

/// The `n`-th TID of the tests.
pub fn tid(n: i64) -> Tid {
    Tid::from_time(START_US + n * 1_000, 0)
}

pub fn uri(did: &Did, collection: &str, rkey: &str) -> String {
    format!("at://{did}/{collection}/{rkey}")
}

pub fn put(collection: &str, rkey: &str, record: Vec<u8>) -> EntryOp {
    EntryOp {
        action: Action::Create,
        collection: Nsid::parse(collection).unwrap(),
        rkey: RecordKey::parse(rkey).unwrap(),
        cid: Some(Cid::of_dag_cbor(&record)),
        record: Some(record),
    }
}

pub fn delete(collection: &str, rkey: &str) -> EntryOp {
    EntryOp {
        action: Action::Delete,
        collection: Nsid::parse(collection).unwrap(),
        rkey: RecordKey::parse(rkey).unwrap(),
        cid: None,
        record: None,
    }
}

pub fn commit(did: &Did, rev: i64, ops: Vec<EntryOp>) -> Entry {
    entry(did, Some(tid(rev)), rev, EntryBody::Commit { ops })
}

pub fn snapshot(
    did: &Did,
    rev: i64,
    after: Option<&str>,
    through: Option<&str>,
    records: &[(String, Vec<u8>)],
) -> Entry {
    let records = records.iter().map(|(path, record)| SnapshotRecord {
        path: path.clone(),
        cid: Cid::of_dag_cbor(record),
        record: record.clone(),
    });
    let body = EntryBody::Snapshot {
        after: after.map(str::to_owned),
        through: through.map(str::to_owned),
        records: records.collect(),
        last: through.is_none(),
    };
    entry(did, Some(tid(rev)), rev, body)
}

pub fn account(did: &Did, time: i64, active: bool, status: Option<&str>) -> Entry {
    entry(did, None, time, EntryBody::Account { active, status: status.map(str::to_owned) })
}

pub fn identity(did: &Did, time: i64, handle: Option<&str>) -> Entry {
    let handle = handle.map(|handle| millrace_atproto::syntax::Handle::parse(handle).unwrap());
    entry(did, None, time, EntryBody::Identity { handle, pds: None })
}

/// A label without a version, an end or a signature.
pub fn label<'a>(src: &'a Did, uri: &'a str, val: &'a str, cts: &'a str) -> SentLabel<'a> {
    SentLabel {
        ver: Some(1),
        src: src.as_str(),
        uri,
        cid: None,
        val,
        neg: None,
        cts,
        exp: None,
        sig: None,
    }
}

pub fn labels(did: &Did, seq: i64, labels: &[SentLabel<'_>]) -> Entry {
    let labels = labels.iter().map(SentLabel::encode).collect();
    entry(did, None, seq, EntryBody::Labels { labels })
}

fn entry(did: &Did, rev: Option<Tid>, seq: i64, body: EntryBody) -> Entry {
    let header = EntryHeader {
        kind: body.kind(),
        source: "test".to_owned(),
        source_seq: Some(seq),
        did: did.clone(),
        rev,
        time_us: START_US + seq * 1_000,
        trace: [0; 16],
    };
    Entry { header, body }
}
