//! Records of every indexed kind, as DAG-CBOR and as JSON.

use crate::cbor::{self, Value};
use crate::lexicon::{Record, key_fits};
use crate::syntax::{Nsid, RecordKey};

/// A record from a repository: whatever its `$type` names reads it, and reads it from its JSON alike.
pub(super) fn cbor(bytes: &[u8]) {
    let Ok(value) = cbor::decode(bytes) else {
        assert!(cbor::validate_record(bytes).is_err());
        return;
    };
    let verdict = read(&value);
    let json: serde_json::Value =
        serde_json::from_str(&cbor::to_json(&value)).expect("what is printed is JSON");
    let Ok(again) = cbor::record_from_json(&json) else { return };
    if cbor::encode(&again) == bytes {
        assert_eq!(read(&again), verdict, "one record, two spellings");
    }
}

/// A record as JSON: what is taken is canonical when written.
pub(super) fn json(bytes: &[u8]) {
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(bytes) else { return };
    let Ok(value) = cbor::record_from_json(&json) else { return };
    let written = cbor::encode(&value);
    cbor::validate_record(&written).expect("what is written is a record");
    let again = cbor::decode(&written).expect("what is written is read");
    assert_eq!(again, value);
    assert_eq!(read(&again), read(&value));
}

/// What its own collection says of a value, and that no other takes it.
fn read(value: &Value<'_>) -> Option<bool> {
    let kind = value.get_str("$type")?;
    let collection = Nsid::parse(kind).ok()?;
    let rkey = RecordKey::parse("self").expect("a record key");
    let _ = key_fits(&collection, &rkey);
    let read = Record::parse(&collection, value);
    if let Err(error) = &read {
        assert!(!error.reason().is_empty() && error.to_string().len() < 4_096);
    }
    if matches!(read, Ok(Some(_))) {
        let other =
            if kind == "app.bsky.feed.like" { "app.bsky.feed.post" } else { "app.bsky.feed.like" };
        let other = Nsid::parse(other).expect("an NSID");
        assert!(Record::parse(&other, value).is_err(), "a record is of one kind");
    }
    read.ok().map(|read| read.is_some())
}
