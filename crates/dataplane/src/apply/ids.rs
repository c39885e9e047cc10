//! The integer ids of a batch's names, allocated before its transaction.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashMapExt};
use millrace_atproto::syntax::{AtIdentifier, AtUri, Did, RecordKey};
use millrace_store::dictionary::{self, Dictionary};
use millrace_store::{RkeyId, Row, StoreError, Tx};

use super::Key;
use crate::collection::Collection;

/// A record as the subject of another: actor, collection code, record key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Subject {
    pub actor: i64,
    pub collection: i64,
    pub rkey: i64,
}

impl Subject {
    /// The columns a subject is stored in.
    pub(crate) const COLUMNS: &'static [&'static str] =
        &["subject_actor", "subject_collection", "subject_rkey"];

    /// The values of [`Self::COLUMNS`].
    pub(crate) fn values(self) -> Vec<i64> {
        vec![self.actor, self.collection, self.rkey]
    }

    /// Reads [`Self::COLUMNS`] from the one at `first` on.
    pub(crate) fn read(row: &Row<'_>, first: usize) -> Result<Self, StoreError> {
        Ok(Self {
            actor: row.get(first)?,
            collection: row.get(first + 1)?,
            rkey: row.get(first + 2)?,
        })
    }

    /// The key of a post; `None` for records of other collections.
    pub(crate) fn post(self) -> Option<Key> {
        (self.collection == Collection::Post.code()).then_some((self.actor, self.rkey))
    }
}

/// A record another record names, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SubjectName {
    pub did: Did,
    /// The collection's NSID.
    pub collection: String,
    pub rkey: RecordKey,
}

impl SubjectName {
    /// The record of a URI; `None` when its authority is a handle or it names no record.
    pub(crate) fn of(uri: &AtUri) -> Option<Self> {
        let (AtIdentifier::Did(did), Some(collection), Some(rkey)) =
            (&uri.authority, &uri.collection, &uri.rkey)
        else {
            return None;
        };
        Some(Self {
            did: did.clone(),
            collection: collection.as_str().to_owned(),
            rkey: rkey.clone(),
        })
    }
}

/// The record key of an account's only profile.
const SELF: &str = "self";

/// The record key `self`.
pub(crate) fn self_rkey() -> RecordKey {
    RecordKey::parse(SELF).expect("invariant: self is a record key")
}

/// Names met while decoding a batch.
#[derive(Debug)]
pub(crate) struct Names {
    dids: BTreeSet<Did>,
    /// Record keys that are no TIDs, and NSIDs of collections without a code.
    keys: BTreeSet<RecordKey>,
}

impl Default for Names {
    fn default() -> Self {
        Self { dids: BTreeSet::new(), keys: BTreeSet::from([self_rkey()]) }
    }
}

impl Names {
    pub(crate) fn actor(&mut self, did: &Did) {
        if !self.dids.contains(did) {
            self.dids.insert(did.clone());
        }
    }

    pub(crate) fn rkey(&mut self, rkey: &RecordKey) {
        if RkeyId::of_tid(rkey).is_none() && !self.keys.contains(rkey) {
            self.keys.insert(rkey.clone());
        }
    }

    pub(crate) fn subject(&mut self, subject: &SubjectName) {
        self.actor(&subject.did);
        self.rkey(&subject.rkey);
        if Collection::from_nsid(&subject.collection).is_none()
            && let Ok(key) = RecordKey::parse(&subject.collection)
        {
            self.rkey(&key);
        }
    }

    /// Allocates what the dictionary does not know yet.
    pub(crate) async fn allocate(self, dictionary: &Dictionary) -> Result<Ids, StoreError> {
        let dids: Vec<Did> = self.dids.into_iter().collect();
        let keys: Vec<RecordKey> = self.keys.into_iter().collect();
        let actor_ids = dictionary.actor_ids(&dids).await?;
        let key_ids = dictionary.rkey_ids(&keys).await?;
        Ok(Ids {
            actors: dids.into_iter().zip(actor_ids.into_iter().map(|id| id.0)).collect(),
            keys: keys
                .into_iter()
                .map(|key| key.as_str().to_owned())
                .zip(key_ids.into_iter().map(|id| id.0))
                .collect(),
        })
    }
}

impl Names {
    /// The ids that the dictionary has given already, without giving new ones.
    pub(crate) fn find(&self, tx: &mut Tx) -> Result<Ids, StoreError> {
        let dids: Vec<Did> = self.dids.iter().cloned().collect();
        let found = dictionary::find_actors(tx, &dids)?;
        let actors = dids.into_iter().zip(found).filter_map(|(did, id)| Some((did, id?.0)));
        let mut ids = Ids { actors: actors.collect(), keys: HashMap::new() };
        for key in &self.keys {
            if let Some(id) = dictionary::find_rkey(tx, key)? {
                ids.keys.insert(key.as_str().to_owned(), id.0);
            }
        }
        Ok(ids)
    }
}

/// The ids of every name of a batch.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    actors: HashMap<Did, i64>,
    keys: HashMap<String, i64>,
}

impl Ids {
    pub(crate) fn actor(&self, did: &Did) -> i64 {
        *self.actors.get(did).expect("invariant: every DID of the batch was allocated")
    }

    pub(crate) fn rkey(&self, rkey: &RecordKey) -> i64 {
        RkeyId::of_tid(rkey).map_or_else(|| self.key(rkey.as_str()), |id| id.0)
    }

    pub(crate) fn subject(&self, name: &SubjectName) -> Subject {
        let collection = Collection::from_nsid(&name.collection);
        Subject {
            actor: self.actor(&name.did),
            collection: collection.map_or_else(|| self.key(&name.collection), Collection::code),
            rkey: self.rkey(&name.rkey),
        }
    }

    /// Whether every one of `names` has its id here.
    pub(crate) fn know(&self, names: &Names) -> bool {
        names.dids.iter().all(|did| self.actors.contains_key(did))
            && names.keys.iter().all(|key| self.keys.contains_key(key.as_str()))
    }

    /// The id of the record key `self`.
    pub(crate) fn self_key(&self) -> i64 {
        self.key(SELF)
    }

    fn key(&self, text: &str) -> i64 {
        *self.keys.get(text).expect("invariant: every record key of the batch was allocated")
    }
}
