//! Looking things up inside a transaction of a domain that attaches the dictionary. One statement
//! each; where many rows are wanted, join `dictionary.actor` in the query instead.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashMapExt};
use millrace_atproto::{Did, RecordKey};

use super::{parse_did, parse_rkey};
use crate::{ActorId, RkeyId, StoreError, Tx};

/// The actor's id, if it has one.
pub fn find_actor(tx: &mut Tx, did: &Did) -> Result<Option<ActorId>, StoreError> {
    tx.query_opt("SELECT id FROM dictionary.actor WHERE did = $1", &[did.into()], |row| row.get(0))
}

/// The actors' ids, in order.
pub fn find_actors(tx: &mut Tx, dids: &[Did]) -> Result<Vec<Option<ActorId>>, StoreError> {
    let texts: Vec<String> = dids.iter().map(ToString::to_string).collect();
    let found: Vec<(String, ActorId)> = tx.query(
        "SELECT a.did, a.id FROM {text_list:$1} AS t CROSS JOIN dictionary.actor AS a
         WHERE a.did = t.value",
        &[(&texts).into()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let found: HashMap<String, ActorId> = found.into_iter().collect();
    Ok(texts.iter().map(|text| found.get(text).copied()).collect())
}

/// The ids of those of `dids` that have one: only where it is attached, and every row committed.
pub fn actor_ids<'a>(
    tx: &mut Tx,
    dids: impl IntoIterator<Item = &'a Did>,
) -> Result<HashMap<&'a Did, i64>, StoreError> {
    let (mut found, mut missing) = (HashMap::new(), BTreeMap::new());
    for did in dids {
        match tx.known.id(did) {
            Some(id) => _ = found.insert(did, id),
            None => _ = missing.insert(did.as_str(), did),
        }
    }
    if missing.is_empty() {
        return Ok(found);
    }
    let texts: Vec<String> = missing.keys().map(|text| (*text).to_owned()).collect();
    let rows: Vec<(String, i64)> = tx.query(
        "SELECT d.did, d.id FROM {text_list:$1} AS t CROSS JOIN dictionary.actor AS d WHERE d.did = t.value",
        &[(&texts).into()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    for (text, id) in rows {
        if let Some(did) = missing.get(text.as_str()) {
            found.insert(did, id);
            tx.known.learn(id, (*did).clone());
        }
    }
    Ok(found)
}

/// The DIDs of those of `ids` (each once) that were ever given: only where it is attached, and every row committed.
pub fn actor_dids(tx: &mut Tx, ids: &[i64]) -> Result<HashMap<i64, Did>, StoreError> {
    let (mut found, mut missing) = (HashMap::with_capacity(ids.len()), Vec::new());
    for id in ids {
        match tx.known.did(*id) {
            Some(did) => _ = found.insert(*id, did.clone()),
            None => missing.push(*id),
        }
    }
    if missing.is_empty() {
        return Ok(found);
    }
    let rows: Vec<(i64, String)> = tx.query(
        "SELECT d.id, d.did FROM {id_list:$1} AS ids CROSS JOIN dictionary.actor AS d WHERE d.id = ids.id",
        &[(&missing).into()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    for (id, text) in rows {
        let did = parse_did(&text)?;
        tx.known.learn(id, did.clone());
        found.insert(id, did);
    }
    Ok(found)
}

/// The actor's DID, if the id was ever given.
pub fn did(tx: &mut Tx, id: ActorId) -> Result<Option<Did>, StoreError> {
    let sql = "SELECT did FROM dictionary.actor WHERE id = $1";
    let text = tx.query_opt(sql, &[id.into()], |row| row.get::<String>(0))?;
    text.map(|text| parse_did(&text)).transpose()
}

/// The key's id, if it has one.
pub fn find_rkey(tx: &mut Tx, key: &RecordKey) -> Result<Option<RkeyId>, StoreError> {
    if let Some(id) = RkeyId::of_tid(key) {
        return Ok(Some(id));
    }
    tx.query_opt("SELECT id FROM dictionary.record_key WHERE key = $1", &[key.into()], |row| {
        row.get(0)
    })
}

/// The record key, if the id is a TID or was ever given.
pub fn rkey(tx: &mut Tx, id: RkeyId) -> Result<Option<RecordKey>, StoreError> {
    if let Some(tid) = id.tid() {
        return Ok(Some(RecordKey::from(tid)));
    }
    let sql = "SELECT key FROM dictionary.record_key WHERE id = $1";
    let text = tx.query_opt(sql, &[id.into()], |row| row.get::<String>(0))?;
    text.map(|text| parse_rkey(&text)).transpose()
}
