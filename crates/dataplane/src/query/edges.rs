//! `getRecord` of an edge: rebuilt from its fields, and answered only when the rebuilt record's CID
//! begins with the prefix kept. Any other record (with `via`, an unusual time …) is known to be
//! there, and has to be asked of its PDS.

use millrace_atproto::cbor::{self, Value};
use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::format_ms_us;
use millrace_store::{Param, Row, StoreError, Tx};

use super::lookup::{self, RecordKeyIds};
use crate::collection::Collection;
use crate::error::DataplaneError;

/// What is kept of an edge.
pub(crate) enum Edge {
    /// There is none at this key.
    Unknown,
    /// There is one, and its record cannot be told from what is kept.
    NotKept,
    /// Its record, as JSON.
    Rebuilt(Cid, String),
}

/// The edge at `key`.
pub(crate) fn edge(
    tx: &mut Tx,
    collection: Collection,
    key: &RecordKeyIds,
) -> Result<Edge, DataplaneError> {
    match collection {
        Collection::Like => to_record(tx, collection, "\"like\"", key),
        Collection::Repost => to_record(tx, collection, "repost", key),
        Collection::Follow => to_actor(tx, collection, "follow", key),
        Collection::Block => to_actor(tx, collection, "block", key),
        Collection::ListItem => list_item(tx, key),
        Collection::ListBlock => list_block(tx, key),
        Collection::Verification => verification(tx, key),
        _ => Ok(Edge::Unknown),
    }
}

/// Reads an edge's `cid_prefix`, `created_at_us` and the columns after them.
fn read<T>(
    tx: &mut Tx,
    table: &str,
    columns: &str,
    key: &RecordKeyIds,
    map: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<(Times, T)>, StoreError> {
    let sql = format!(
        "SELECT cid_prefix, created_at_us, {columns} FROM {table} WHERE actor_id = $1 AND rkey = $2"
    );
    tx.query_opt(&sql, &[Param::Int(key.actor), Param::Int(key.rkey)], |row| {
        Ok((Times { cid_prefix: row.get(0)?, created_at_us: row.get(1)? }, map(row)?))
    })
}

/// What every edge keeps besides its target.
#[derive(Clone, Copy)]
struct Times {
    cid_prefix: i64,
    created_at_us: i64,
}

fn to_record(
    tx: &mut Tx,
    kind: Collection,
    table: &str,
    key: &RecordKeyIds,
) -> Result<Edge, DataplaneError> {
    let columns = "subject_actor, subject_collection, subject_rkey";
    let found = read(tx, table, columns, key, |row| {
        Ok(RecordKeyIds { actor: row.get(2)?, collection: row.get(3)?, rkey: row.get(4)? })
    })?;
    let Some((times, subject)) = found else { return Ok(Edge::Unknown) };
    let Some(cid) = kept_cid(tx, &subject)? else { return Ok(Edge::NotKept) };
    let names = lookup::Names::of(tx, [subject.actor], [subject.rkey, subject.collection])?;
    let uri = names.uri(subject.actor, subject.collection, subject.rkey)?;
    let subject = Value::map([("cid", Value::text(cid.to_string())), ("uri", Value::text(uri))]);
    Ok(rebuilt(kind, times, [("subject", subject)]))
}

/// The CID of a record that is kept whole.
fn kept_cid(tx: &mut Tx, key: &RecordKeyIds) -> Result<Option<Cid>, DataplaneError> {
    let (sql, params) = if key.collection == Collection::Post.code() {
        let sql = "SELECT cid FROM post WHERE actor_id = $1 AND rkey = $2";
        (sql, vec![Param::Int(key.actor), Param::Int(key.rkey)])
    } else {
        let sql = "SELECT cid FROM document WHERE actor_id = $1 AND rkey = $2 AND collection = $3";
        (sql, vec![Param::Int(key.actor), Param::Int(key.rkey), Param::Int(key.collection)])
    };
    let cid: Option<Vec<u8>> = tx.query_opt(sql, &params, |row| row.get(0))?;
    cid.map(|bytes| lookup::cid(&bytes)).transpose()
}

fn to_actor(
    tx: &mut Tx,
    kind: Collection,
    table: &str,
    key: &RecordKeyIds,
) -> Result<Edge, DataplaneError> {
    let found = read(tx, table, "subject_actor", key, |row| row.get::<i64>(2))?;
    let Some((times, subject)) = found else { return Ok(Edge::Unknown) };
    let names = lookup::Names::of(tx, [subject], [])?;
    let subject = Value::text(names.did(subject)?.to_string());
    Ok(rebuilt(kind, times, [("subject", subject)]))
}

fn list_item(tx: &mut Tx, key: &RecordKeyIds) -> Result<Edge, DataplaneError> {
    let found = read(tx, "list_item", "list_rkey, subject_actor", key, |row| {
        Ok((row.get::<i64>(2)?, row.get::<i64>(3)?))
    })?;
    let Some((times, (list, subject))) = found else { return Ok(Edge::Unknown) };
    let names = lookup::Names::of(tx, [key.actor, subject], [list])?;
    let list = names.uri(key.actor, Collection::List.code(), list)?;
    let subject = names.did(subject)?.to_string();
    let fields = [("list", Value::text(list)), ("subject", Value::text(subject))];
    Ok(rebuilt(Collection::ListItem, times, fields))
}

fn list_block(tx: &mut Tx, key: &RecordKeyIds) -> Result<Edge, DataplaneError> {
    let found = read(tx, "list_block", "list_actor, list_rkey", key, |row| {
        Ok((row.get::<i64>(2)?, row.get::<i64>(3)?))
    })?;
    let Some((times, (actor, rkey))) = found else { return Ok(Edge::Unknown) };
    let names = lookup::Names::of(tx, [actor], [rkey])?;
    let list = names.uri(actor, Collection::List.code(), rkey)?;
    Ok(rebuilt(Collection::ListBlock, times, [("subject", Value::text(list))]))
}

fn verification(tx: &mut Tx, key: &RecordKeyIds) -> Result<Edge, DataplaneError> {
    let columns = "subject_actor, handle, display_name";
    let found = read(tx, "verification", columns, key, |row| {
        Ok((row.get::<i64>(2)?, row.get::<String>(3)?, row.get::<String>(4)?))
    })?;
    let Some((times, (subject, handle, display_name))) = found else { return Ok(Edge::Unknown) };
    let names = lookup::Names::of(tx, [subject], [])?;
    let fields = [
        ("subject", Value::text(names.did(subject)?.to_string())),
        ("handle", Value::text(handle)),
        ("displayName", Value::text(display_name)),
    ];
    Ok(rebuilt(Collection::Verification, times, fields))
}

/// The record with these fields besides `$type` and `createdAt`, if it is the one that was there.
fn rebuilt<'a>(
    kind: Collection,
    times: Times,
    fields: impl IntoIterator<Item = (&'a str, Value<'a>)>,
) -> Edge {
    let common = [
        ("$type", Value::text(kind.nsid())),
        ("createdAt", Value::text(format_ms_us(times.created_at_us))),
    ];
    let record = Value::map(fields.into_iter().chain(common));
    let cid = Cid::of_dag_cbor(&cbor::encode(&record));
    match cid.prefix_i64() == times.cid_prefix {
        true => Edge::Rebuilt(cid, cbor::to_json(&record)),
        false => Edge::NotKept,
    }
}
