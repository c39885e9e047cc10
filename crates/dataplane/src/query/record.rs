//! `getRecord`: one record as its repository holds it, if it is there and its bytes are kept here.

use millrace_atproto::cid::Cid;
use millrace_atproto::syntax::AtUri;
use millrace_store::{Param, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::edges::{self, Edge};
use super::lookup::{self, RecordKeyIds};
use super::{Context, Question, taken_down};
use crate::collection::Collection;
use crate::error::DataplaneError;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetRecord {
    /// The authority must be a DID: `getActors` resolves handles.
    pub uri: AtUri,
}

/// A record that is there.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundRecord {
    pub uri: String,
    /// Absent when its bytes are not kept here: its PDS has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<KeptRecord>,
    /// The record is taken down here; whether its account is says `getActors`.
    #[serde(default)]
    pub taken_down: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeptRecord {
    pub cid: Cid,
    pub value: Box<RawValue>,
}

impl Question for GetRecord {
    const NAME: &'static str = "getRecord";
    type Answer = FoundRecord;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<FoundRecord, DataplaneError> {
        let uri = self.uri.to_string();
        let not_found = || DataplaneError::NotFound(format!("record not found: {uri}"));
        let key = lookup::record_key(tx, &self.uri)?.ok_or_else(not_found)?;
        let collection = Collection::from_code(key.collection).ok_or_else(not_found)?;
        let kept = match whole(tx, collection, &key, &self.uri)? {
            Some((cid, json)) => Some((lookup::cid(&cid)?, json)),
            None => match edges::edge(tx, collection, &key)? {
                Edge::Unknown => return Err(not_found()),
                Edge::NotKept => None,
                Edge::Rebuilt(cid, json) => Some((cid, json)),
            },
        };
        let kept = match kept {
            Some((cid, json)) => Some(KeptRecord { cid, value: lookup::raw(json)? }),
            None => None,
        };
        let taken_down = taken_down::is_record(tx, &self.uri)?;
        Ok(FoundRecord { uri, kept, taken_down })
    }
}

/// CID and JSON of a record of a kind that is kept whole.
fn whole(
    tx: &mut Tx,
    collection: Collection,
    key: &RecordKeyIds,
    uri: &AtUri,
) -> Result<Option<(Vec<u8>, String)>, StoreError> {
    let by_actor = [Param::Int(key.actor)];
    let by_key = [Param::Int(key.actor), Param::Int(key.rkey)];
    let by_collection = [by_key[0], by_key[1], Param::Int(key.collection)];
    let is_self = uri.rkey.as_ref().is_some_and(|key| key.as_str() == "self");
    let (sql, params): (_, &[Param<'_>]) = match collection {
        Collection::Post => {
            ("SELECT cid, record FROM post WHERE actor_id = $1 AND rkey = $2", &by_key)
        }
        Collection::Profile if !is_self => return Ok(None),
        Collection::Profile => ("SELECT cid, record FROM profile WHERE actor_id = $1", &by_actor),
        _ => (
            "SELECT cid, record FROM document WHERE actor_id = $1 AND rkey = $2 AND collection = $3",
            &by_collection,
        ),
    };
    tx.query_opt(sql, params, |row| Ok((row.get(0)?, row.get(1)?)))
}
