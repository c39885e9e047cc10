//! `getRecord` of a like or follow: rebuilt from its fields and answered only when the rebuilt
//! record's CID begins with the prefix kept; any other record (with `via`, an unusual time …)
//! has to be asked of its PDS.

use std::borrow::Cow;

use millrace_atproto::cbor::{self, Value};
use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::syntax::AtUri;
use millrace_store::{Param, Tx};

use super::lookup::{self, RecordKeyIds};
use super::record::StoredRecord;
use crate::collection::Collection;
use crate::error::DataplaneError;

/// The like at `key`, or `None` when it is unknown or cannot be rebuilt to the same CID.
pub(crate) fn like(
    tx: &mut Tx,
    key: &RecordKeyIds,
    uri: &AtUri,
) -> Result<Option<StoredRecord>, DataplaneError> {
    let found: Option<(i64, i64, i64, i64, i64)> = tx.query_opt(
        "SELECT subject_actor, subject_collection, subject_rkey, cid_prefix, created_at_us
         FROM \"like\" WHERE actor_id = $1 AND rkey = $2",
        &[Param::Int(key.actor), Param::Int(key.rkey)],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
    )?;
    let Some((actor, collection, rkey, cid_prefix, created_at_us)) = found else { return Ok(None) };
    let subject_cid: Option<Vec<u8>> = tx.query_opt(
        "SELECT cid FROM post WHERE actor_id = $1 AND rkey = $2 AND $3 = 1",
        &[Param::Int(actor), Param::Int(rkey), Param::Bool(collection == Collection::Post.code())],
        |row| row.get(0),
    )?;
    let Some(subject_cid) = subject_cid else { return Ok(None) };
    let names = lookup::Names::of(tx, [actor], [rkey, collection])?;
    let subject = names.uri(actor, collection, rkey)?;
    let subject_cid = lookup::cid(&subject_cid)?.to_string();
    let subject = Value::Map(vec![text("cid", &subject_cid), text("uri", &subject)]);
    rebuilt(Collection::Like, subject, created_at_us, cid_prefix, uri)
}

/// The follow at `key`, under the same rule.
pub(crate) fn follow(
    tx: &mut Tx,
    key: &RecordKeyIds,
    uri: &AtUri,
) -> Result<Option<StoredRecord>, DataplaneError> {
    let found: Option<(i64, i64, i64)> = tx.query_opt(
        "SELECT subject_actor, cid_prefix, created_at_us FROM follow WHERE actor_id = $1 AND rkey = $2",
        &[Param::Int(key.actor), Param::Int(key.rkey)],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let Some((subject, cid_prefix, created_at_us)) = found else { return Ok(None) };
    let names = lookup::Names::of(tx, [subject], [])?;
    let subject = Value::Text(Cow::Owned(names.did(subject)?.to_string()));
    rebuilt(Collection::Follow, subject, created_at_us, cid_prefix, uri)
}

fn text<'a>(key: &'a str, value: &'a str) -> (Cow<'a, str>, Value<'a>) {
    (Cow::Borrowed(key), Value::Text(Cow::Borrowed(value)))
}

fn rebuilt(
    collection: Collection,
    subject: Value<'_>,
    created_at_us: i64,
    cid_prefix: i64,
    uri: &AtUri,
) -> Result<Option<StoredRecord>, DataplaneError> {
    let created_at = format_ms_us(created_at_us);
    // Canonical key order: by length, then bytes.
    let record = Value::Map(vec![
        text("$type", collection.nsid()),
        (Cow::Borrowed("subject"), subject),
        text("createdAt", &created_at),
    ]);
    let cid = Cid::of_dag_cbor(&cbor::encode(&record));
    if cid.prefix_i64() != cid_prefix {
        return Ok(None);
    }
    Ok(Some(StoredRecord {
        uri: uri.to_string(),
        cid,
        value: lookup::raw(cbor::to_json(&record))?,
    }))
}
