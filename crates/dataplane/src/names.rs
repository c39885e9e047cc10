//! From integer ids back to names: the DIDs and record keys behind the rows of an answer or of a
//! batch of facts, read together from the dictionary.

use foldhash::{HashMap, HashMapExt};
use millrace_atproto::syntax::Did;
use millrace_store::{Domain, Param, RkeyId, StoreError, Tx, dictionary};

use crate::collection::Collection;

/// The names behind ids, read together.
pub(crate) struct Names {
    dids: HashMap<i64, Did>,
    keys: HashMap<i64, String>,
}

impl Names {
    /// Reads the DIDs of `actors` and the texts of the side-table ids among `keys`, which may be
    /// record keys and collection codes.
    pub(crate) fn of(
        tx: &mut Tx,
        actors: impl IntoIterator<Item = i64>,
        keys: impl IntoIterator<Item = i64>,
    ) -> Result<Self, StoreError> {
        let actors = distinct(actors);
        let keys = distinct(keys.into_iter().filter(|key| *key < 0));
        let dids = dictionary::actor_dids(tx, &actors)?;
        let mut texts = HashMap::new();
        if !keys.is_empty() {
            texts.extend(tx.query(
                "SELECT k.id, k.key FROM {id_list:$1} AS ids CROSS JOIN dictionary.record_key AS k WHERE k.id = ids.id",
                &[Param::Ids(&keys)],
                |row| Ok((row.get::<i64>(0)?, row.get::<String>(1)?)),
            )?);
        }
        Ok(Self { dids, keys: texts })
    }

    pub(crate) fn did(&self, id: i64) -> Result<&Did, StoreError> {
        self.dids.get(&id).ok_or_else(|| missing(format!("actor id {id} is not in it")))
    }

    /// `at://<did>/<collection>/<record key>`.
    pub(crate) fn uri(&self, actor: i64, collection: i64, rkey: i64) -> Result<String, StoreError> {
        let did = self.did(actor)?;
        let collection = match Collection::from_code(collection) {
            Some(collection) => collection.nsid(),
            None => self.key(collection)?,
        };
        let tid = RkeyId(rkey).tid().map(|tid| tid.to_string());
        let rkey = match &tid {
            Some(tid) => tid,
            None => self.key(rkey)?,
        };
        Ok(["at://", did.as_str(), "/", collection, "/", rkey].concat())
    }

    /// The text of a record key.
    pub(crate) fn rkey(&self, rkey: i64) -> Result<String, StoreError> {
        match RkeyId(rkey).tid() {
            Some(tid) => Ok(tid.to_string()),
            None => Ok(self.key(rkey)?.to_owned()),
        }
    }

    fn key(&self, id: i64) -> Result<&str, StoreError> {
        let text = self.keys.get(&id).map(String::as_str);
        text.ok_or_else(|| missing(format!("record key id {id} is not in it")))
    }
}

fn distinct(ids: impl IntoIterator<Item = i64>) -> Vec<i64> {
    let mut ids: Vec<i64> = ids.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn missing(reason: String) -> StoreError {
    StoreError::Corrupt { domain: Domain::Dictionary, reason }
}
