//! Between names and the store's integer ids, within one snapshot.

use millrace_atproto::cid::Cid;
use millrace_atproto::syntax::{AtIdentifier, AtUri, Did, RecordKey, Tid};
use millrace_store::RkeyId;
use millrace_store::{Param, Tx};
use serde_json::value::RawValue;

use super::actors::ActorStanding;
use super::hydrate::PostKey;
use crate::collection::Collection;
use crate::error::DataplaneError;
pub(crate) use crate::names::Names;

/// A record's key as integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RecordKeyIds {
    pub actor: i64,
    pub collection: i64,
    pub rkey: i64,
}

/// The id of a DID that was ever seen here.
pub(crate) fn actor_id(tx: &mut Tx, did: &Did) -> Result<Option<i64>, DataplaneError> {
    Ok(tx.query_opt(
        "SELECT id FROM dictionary.actor WHERE did = $1",
        &[Param::Text(did.as_str())],
        |row| row.get(0),
    )?)
}

/// The ids of those of `dids` that were ever seen here.
pub(crate) fn actor_ids(tx: &mut Tx, dids: &[Did]) -> Result<Vec<i64>, DataplaneError> {
    let mut ids = Vec::with_capacity(dids.len());
    for did in dids {
        ids.extend(actor_id(tx, did)?);
    }
    Ok(ids)
}

/// The id of an account that is known here: it has had events of its own.
pub(crate) fn known_actor(
    tx: &mut Tx,
    actor: &AtIdentifier,
) -> Result<Option<i64>, DataplaneError> {
    let found = match actor {
        AtIdentifier::Did(did) => tx.query_opt(
            "SELECT a.actor_id FROM dictionary.actor AS d CROSS JOIN actor AS a WHERE d.did = $1 AND a.actor_id = d.id",
            &[Param::Text(did.as_str())],
            |row| row.get(0),
        )?,
        // Two accounts may have claimed a handle in turn: the one verified last has it.
        AtIdentifier::Handle(handle) => tx.query_opt(
            "SELECT actor_id FROM actor WHERE handle = $1 ORDER BY handle_at_us DESC, actor_id LIMIT 1",
            &[Param::Text(handle.as_str())],
            |row| row.get(0),
        )?,
    };
    Ok(found)
}

/// What is known of the account a name means.
pub(crate) fn standing(
    tx: &mut Tx,
    asked: &AtIdentifier,
) -> Result<Option<ActorStanding>, DataplaneError> {
    let Some(id) = known_actor(tx, asked)? else { return Ok(None) };
    let row = tx.query_opt(
        "SELECT d.did, a.handle, a.active, a.status FROM actor AS a CROSS JOIN dictionary.actor AS d
         WHERE a.actor_id = $1 AND d.id = a.actor_id",
        &[Param::Int(id)],
        |row| Ok((row.get::<String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    )?;
    row.map(|(text, handle, active, status)| {
        Ok(ActorStanding { asked: asked.clone(), did: did(&text)?, handle, active, status })
    })
    .transpose()
}

/// The revision up to which an account's repository is applied.
pub(crate) fn repo_rev(tx: &mut Tx, did: &Did) -> Result<Option<Tid>, DataplaneError> {
    let rev: Option<i64> = tx.query_opt(
        "SELECT a.repo_rev FROM dictionary.actor AS d CROSS JOIN actor AS a WHERE d.did = $1 AND a.actor_id = d.id",
        &[Param::Text(did.as_str())],
        |row| row.get(0),
    )?;
    Ok(rev.and_then(|rev| u64::try_from(rev).ok()).map(Tid::from_u64))
}

/// The ids of a record's URI, if its parts were ever seen; the authority must be a DID.
pub(crate) fn record_key(tx: &mut Tx, uri: &AtUri) -> Result<Option<RecordKeyIds>, DataplaneError> {
    let (AtIdentifier::Did(did), Some(collection), Some(rkey)) =
        (&uri.authority, &uri.collection, &uri.rkey)
    else {
        return Err(DataplaneError::InvalidRequest(format!(
            "not the URI of a record by DID: {uri}"
        )));
    };
    let Some(actor) = actor_id(tx, did)? else { return Ok(None) };
    let collection = match Collection::from_nsid(collection.as_str()) {
        Some(collection) => Some(collection.code()),
        None => side_table_id(tx, collection.as_str())?,
    };
    let rkey = rkey_id(tx, rkey)?;
    Ok(collection.zip(rkey).map(|(collection, rkey)| RecordKeyIds { actor, collection, rkey }))
}

/// The keys of those of `uris` that can be posts known here, in order.
pub(crate) fn post_keys(tx: &mut Tx, uris: &[AtUri]) -> Result<Vec<PostKey>, DataplaneError> {
    let mut keys = Vec::with_capacity(uris.len());
    for uri in uris {
        let key = record_key(tx, uri)?.filter(|key| key.collection == Collection::Post.code());
        keys.extend(key.map(|key| (key.actor, key.rkey)));
    }
    Ok(keys)
}

/// A record key's integer: a TID by itself, any other through the side table.
pub(crate) fn rkey_id(tx: &mut Tx, rkey: &RecordKey) -> Result<Option<i64>, DataplaneError> {
    match RkeyId::of_tid(rkey) {
        Some(id) => Ok(Some(id.0)),
        None => side_table_id(tx, rkey.as_str()),
    }
}

fn side_table_id(tx: &mut Tx, key: &str) -> Result<Option<i64>, DataplaneError> {
    Ok(tx.query_opt(
        "SELECT id FROM dictionary.record_key WHERE key = $1",
        &[Param::Text(key)],
        |row| row.get(0),
    )?)
}

/// A stored DID; it was valid when it was stored.
pub(crate) fn did(text: &str) -> Result<Did, DataplaneError> {
    Did::parse(text).map_err(|error| DataplaneError::Internal(format!("stored DID: {error}")))
}

/// A stored CID; it was valid when it was stored.
pub(crate) fn cid(bytes: &[u8]) -> Result<Cid, DataplaneError> {
    Cid::from_bytes(bytes).map_err(|error| DataplaneError::Internal(format!("stored CID: {error}")))
}

/// Stored record JSON; it was made by us.
pub(crate) fn raw(json: String) -> Result<Box<RawValue>, DataplaneError> {
    RawValue::from_string(json)
        .map_err(|error| DataplaneError::Internal(format!("stored record: {error}")))
}
