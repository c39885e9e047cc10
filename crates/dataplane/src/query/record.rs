//! `getRecord`: one record as its repository holds it, for kinds whose bytes are kept here.

use millrace_atproto::cid::Cid;
use millrace_atproto::syntax::AtUri;
use millrace_store::{Param, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Context, Question, lookup};
use crate::collection::Collection;
use crate::error::DataplaneError;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetRecord {
    /// The authority must be a DID: `getActors` resolves handles.
    pub uri: AtUri,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoredRecord {
    pub uri: String,
    pub cid: Cid,
    pub value: Box<RawValue>,
}

impl Question for GetRecord {
    const NAME: &'static str = "getRecord";
    type Answer = StoredRecord;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<StoredRecord, DataplaneError> {
        let not_found = || DataplaneError::NotFound(format!("record not found: {}", self.uri));
        let key = lookup::record_key(tx, &self.uri)?.ok_or_else(not_found)?;
        let by_actor = [Param::Int(key.actor)];
        let by_key = [Param::Int(key.actor), Param::Int(key.rkey)];
        let row =
            |row: &millrace_store::Row<'_>| Ok((row.get::<Vec<u8>>(0)?, row.get::<String>(1)?));
        let found = match Collection::from_code(key.collection) {
            Some(Collection::Post) => tx.query_opt(
                "SELECT cid, record FROM post WHERE actor_id = $1 AND rkey = $2",
                &by_key,
                row,
            )?,
            Some(Collection::Profile)
                if self.uri.rkey.as_ref().is_some_and(|key| key.as_str() == "self") =>
            {
                tx.query_opt("SELECT cid, record FROM profile WHERE actor_id = $1", &by_actor, row)?
            }
            Some(Collection::Like) => {
                return super::edges::like(tx, &key, &self.uri)?.ok_or_else(not_found);
            }
            Some(Collection::Follow) => {
                return super::edges::follow(tx, &key, &self.uri)?.ok_or_else(not_found);
            }
            _ => None,
        };
        let (cid, json) = found.ok_or_else(not_found)?;
        Ok(StoredRecord {
            uri: self.uri.to_string(),
            cid: lookup::cid(&cid)?,
            value: lookup::raw(json)?,
        })
    }
}
