//! Between names and the store's integer ids, within one snapshot.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};
use millrace_atproto::cid::Cid;
use millrace_atproto::syntax::{AtIdentifier, AtUri, Did, Nsid, RecordKey, Tid};
use millrace_store::{Param, RkeyId, StoreError, Tx, dictionary};
use serde_json::value::RawValue;

use super::actors::ActorStanding;
use super::hydrate::PostKey;
use super::taken_down;
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
    Ok(dictionary::actor_ids(tx, [did])?.get(did).copied())
}

/// The ids of those of `dids` that were ever seen here, in order.
pub(crate) fn actor_ids(tx: &mut Tx, dids: &[Did]) -> Result<Vec<i64>, DataplaneError> {
    let known = dictionary::actor_ids(tx, dids)?;
    Ok(dids.iter().filter_map(|did| known.get(did).copied()).collect())
}

/// The ids a dictionary has for some texts.
fn ids_of<'a>(
    tx: &mut Tx,
    sql: &'static str,
    texts: impl Iterator<Item = &'a str>,
) -> Result<HashMap<String, i64>, DataplaneError> {
    let texts: BTreeSet<&str> = texts.collect();
    if texts.is_empty() {
        return Ok(HashMap::new());
    }
    let texts: Vec<String> = texts.into_iter().map(str::to_owned).collect();
    let found = tx.query(sql, &[Param::Texts(&texts)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(found.into_iter().collect())
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

/// Those of `ids` that a statement finds: they are its `$1`, and `more` the parameters that follow.
pub(crate) fn some_of(
    tx: &mut Tx,
    sql: &str,
    ids: impl Iterator<Item = i64>,
    more: &[Param<'_>],
) -> Result<HashSet<i64>, StoreError> {
    let ids: Vec<i64> = ids.collect::<BTreeSet<i64>>().into_iter().collect();
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let params: Vec<Param<'_>> =
        [Param::Ids(&ids)].into_iter().chain(more.iter().copied()).collect();
    Ok(tx.query(sql, &params, |row| row.get(0))?.into_iter().collect())
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
    let Some((text, handle, active, status)) = row else { return Ok(None) };
    let did = did(&text)?;
    let taken_down = taken_down::is_account(tx, &did)?;
    Ok(Some(ActorStanding { asked: asked.clone(), did, handle, active, status, taken_down }))
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

/// The ids of records' URIs, in order; `None` where a part was never seen. The authorities must
/// be DIDs.
pub(crate) fn record_keys(
    tx: &mut Tx,
    uris: &[AtUri],
) -> Result<Vec<Option<RecordKeyIds>>, DataplaneError> {
    const SQL: &str = "SELECT t.value, k.id FROM {text_list:$1} AS t
        CROSS JOIN dictionary.record_key AS k WHERE k.key = t.value";
    let mut names = Vec::with_capacity(uris.len());
    for uri in uris {
        let name = uri.as_record().ok_or_else(|| {
            DataplaneError::InvalidRequest(format!("not the URI of a record by DID: {uri}"))
        })?;
        names.push(name);
    }
    let actors = dictionary::actor_ids(tx, names.iter().map(|name| name.0))?;
    let rkeys = names.iter().filter(|name| RkeyId::of_tid(name.2).is_none());
    let nsids = names.iter().filter(|name| Collection::from_nsid(name.1.as_str()).is_none());
    let texts = rkeys.map(|name| name.2.as_str()).chain(nsids.map(|name| name.1.as_str()));
    let side_table = ids_of(tx, SQL, texts)?;
    let key = |(did, collection, rkey): &(&Did, &Nsid, &RecordKey)| {
        let collection = match Collection::from_nsid(collection.as_str()) {
            Some(collection) => Some(collection.code()),
            None => side_table.get(collection.as_str()).copied(),
        };
        let rkey = match RkeyId::of_tid(rkey) {
            Some(id) => Some(id.0),
            None => side_table.get(rkey.as_str()).copied(),
        };
        let actor = *actors.get(did)?;
        Some(RecordKeyIds { actor, collection: collection?, rkey: rkey? })
    };
    Ok(names.iter().map(key).collect())
}

/// The keys of those of `uris` that can be records of `collection` known here, in order.
pub(crate) fn keys_in(
    tx: &mut Tx,
    collection: Collection,
    uris: &[AtUri],
) -> Result<Vec<PostKey>, DataplaneError> {
    let keys = record_keys(tx, uris)?.into_iter().flatten();
    let of_kind = keys.filter(|key| key.collection == collection.code());
    Ok(of_kind.map(|key| (key.actor, key.rkey)).collect())
}

/// The keys of those of `uris` that can be posts known here, in order.
pub(crate) fn post_keys(tx: &mut Tx, uris: &[AtUri]) -> Result<Vec<PostKey>, DataplaneError> {
    keys_in(tx, Collection::Post, uris)
}

/// A record key's integer: a TID by itself, any other through the side table.
pub(crate) fn rkey_id(tx: &mut Tx, rkey: &RecordKey) -> Result<Option<i64>, DataplaneError> {
    match RkeyId::of_tid(rkey) {
        Some(id) => Ok(Some(id.0)),
        None => side_table_id(tx, rkey.as_str()),
    }
}

/// The id of a text that is no TID and was ever a record key or a collection here.
pub(crate) fn side_table_id(tx: &mut Tx, key: &str) -> Result<Option<i64>, DataplaneError> {
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
