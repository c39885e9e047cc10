//! The dictionary: integer ids of DIDs and of record keys that are no TID.
//!
//! What must stay true: an id means the same text for ever, in every domain and after every
//! rebuild, so nothing is ever changed or removed here; ids are given in a transaction of their own
//! *before* the batch that uses them; the cache learns an id only after that transaction committed.
//!
//! Other domains attach this one and join `dictionary.actor` and `dictionary.record_key` in SQL.

mod cache;
pub(crate) mod known;
mod lookup;

use std::sync::Arc;

use foldhash::HashSet;
use millrace_atproto::{Did, RecordKey};
use millrace_runtime::clock::SharedClock;
use millrace_runtime::metrics::Registry;

pub use lookup::{actor_dids, actor_ids, did, find_actor, find_actors, find_rkey, rkey};

use crate::{ActorId, Domain, Migration, RkeyId, Store, StoreConfig, StoreError, Tx};
use cache::Cache;

/// Schema of the dictionary.
pub const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    name: "actors and record keys",
    sql: include_str!("../migrations/dictionary/0001_dictionary.sql"),
    compatible_back_to: 1,
}];

/// Texts looked up or given ids in one transaction.
const BATCH_MAX: usize = 10_000;

/// Ids of DIDs and record keys. Cheap to clone; clones share one cache.
#[derive(Debug, Clone)]
pub struct Dictionary {
    store: Store,
    actors: Cache,
    keys: Cache,
}

/// The two dictionaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Actor,
    RecordKey,
}

impl Dictionary {
    /// Opens [`Domain::Dictionary`]. Open it before any domain that attaches it.
    pub async fn open(
        config: &StoreConfig,
        clock: &SharedClock,
        registry: &Registry,
    ) -> Result<Dictionary, StoreError> {
        let store =
            Store::open(config, Domain::Dictionary, MIGRATIONS, &[], clock, registry).await?;
        // Actors are asked for with every entry, other record keys with few.
        let keys_bytes = config.dictionary_cache_bytes / 8;
        let actors_bytes = config.dictionary_cache_bytes - keys_bytes;
        let (actors, keys) = (Cache::new(actors_bytes), Cache::new(keys_bytes));
        for (name, bytes, cache) in
            [("actor-ids", actors_bytes, &actors), ("record-key-ids", keys_bytes, &keys)]
        {
            registry.caches().add(name, bytes, cache.hits(), Arc::new(cache.clone()));
        }
        Ok(Dictionary { store, actors, keys })
    }

    /// The ids of `dids`, in their order; those never seen get one. Commits before it returns.
    pub async fn actor_ids(&self, dids: &[Did]) -> Result<Vec<ActorId>, StoreError> {
        let texts: Vec<&str> = dids.iter().map(Did::as_str).collect();
        let ids = self.ids(Kind::Actor, &texts).await?;
        Ok(ids.into_iter().map(ActorId).collect())
    }

    /// The ids of `keys`, in their order; those never seen get one. TIDs cost nothing.
    pub async fn rkey_ids(&self, keys: &[RecordKey]) -> Result<Vec<RkeyId>, StoreError> {
        let named: Vec<&str> = keys
            .iter()
            .filter(|key| RkeyId::of_tid(key).is_none())
            .map(RecordKey::as_str)
            .collect();
        let mut ids = self.ids(Kind::RecordKey, &named).await?.into_iter().map(RkeyId);
        let both = keys.iter().map(|key| RkeyId::of_tid(key).or_else(|| ids.next()));
        Ok(both.map(|id| id.expect("invariant: one id for each text")).collect())
    }

    /// The ids of `dids`, in their order, without giving new ones.
    pub async fn find_actors(&self, dids: &[Did]) -> Result<Vec<Option<ActorId>>, StoreError> {
        let texts: Vec<&str> = dids.iter().map(Did::as_str).collect();
        let (mut found, missing) = self.actors.ids(&texts);
        for batch in missing.chunks(BATCH_MAX) {
            let batch = batch.to_vec();
            let read = self.store.read(move |tx| Kind::Actor.find(tx, &batch)).await?;
            self.actors.learn(read, &mut found);
        }
        Ok(texts.iter().map(|text| found.get(*text).copied().map(ActorId)).collect())
    }

    /// The DIDs of `ids`, in their order; `None` for an id that was never given.
    pub async fn dids(&self, ids: &[ActorId]) -> Result<Vec<Option<Did>>, StoreError> {
        let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
        let texts = self.texts(Kind::Actor, &ids).await?;
        texts.into_iter().map(|text| text.map(|text| parse_did(&text)).transpose()).collect()
    }

    /// The record keys of `ids`, in their order; `None` for an id that was never given.
    pub async fn rkeys(&self, ids: &[RkeyId]) -> Result<Vec<Option<RecordKey>>, StoreError> {
        let named: Vec<i64> = ids.iter().filter(|id| id.tid().is_none()).map(|id| id.0).collect();
        let mut texts = self.texts(Kind::RecordKey, &named).await?.into_iter();
        ids.iter()
            .map(|id| match id.tid() {
                Some(tid) => Ok(Some(RecordKey::from(tid))),
                None => texts.next().flatten().map(|text| parse_rkey(&text)).transpose(),
            })
            .collect()
    }

    /// The store below, for `status`, backup and closing.
    pub fn store(&self) -> &Store {
        &self.store
    }

    async fn ids(&self, kind: Kind, texts: &[&str]) -> Result<Vec<i64>, StoreError> {
        let cache = self.cache(kind);
        let (mut known, missing) = cache.ids(texts);
        for batch in missing.chunks(BATCH_MAX) {
            let asked = batch.to_vec();
            let found = self.store.read(move |tx| kind.find(tx, &asked)).await?;
            cache.learn(found, &mut known);
            let new: Vec<String> =
                batch.iter().filter(|text| !known.contains_key(*text)).cloned().collect();
            if !new.is_empty() {
                let given = self.store.write(move |tx| kind.allocate(tx, &new)).await?;
                millrace_runtime::crash::point("dictionary.after_commit");
                cache.learn(given, &mut known);
            }
        }
        let id_of = |text: &&str| known.get(*text).copied();
        let ids: Option<Vec<i64>> = texts.iter().map(id_of).collect();
        ids.ok_or_else(|| corrupt("an id was given and is not there"))
    }

    async fn texts(&self, kind: Kind, ids: &[i64]) -> Result<Vec<Option<String>>, StoreError> {
        let cache = self.cache(kind);
        let (mut known, missing) = cache.texts(ids);
        for batch in missing.chunks(BATCH_MAX) {
            let asked = batch.to_vec();
            let found = self.store.read(move |tx| kind.texts(tx, &asked)).await?;
            cache.learn_texts(found, &mut known);
        }
        Ok(ids.iter().map(|id| known.get(id).map(|text| text.to_string())).collect())
    }

    fn cache(&self, kind: Kind) -> &Cache {
        match kind {
            Kind::Actor => &self.actors,
            Kind::RecordKey => &self.keys,
        }
    }
}

impl Kind {
    const fn table(self) -> &'static str {
        match self {
            Kind::Actor => "actor",
            Kind::RecordKey => "record_key",
        }
    }

    const fn column(self) -> &'static str {
        match self {
            Kind::Actor => "did",
            Kind::RecordKey => "key",
        }
    }

    /// Ids count up from 1 for actors, down from -1 for record keys.
    const fn step(self) -> i64 {
        match self {
            Kind::Actor => 1,
            Kind::RecordKey => -1,
        }
    }

    fn find(self, tx: &mut Tx, texts: &[String]) -> Result<Vec<(String, i64)>, StoreError> {
        let (table, column) = (self.table(), self.column());
        tx.query(
            &format!(
                "SELECT d.{column}, d.id FROM {{text_list:$1}} AS t CROSS JOIN {table} AS d
                 WHERE d.{column} = t.value"
            ),
            &[texts.into()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    fn texts(self, tx: &mut Tx, ids: &[i64]) -> Result<Vec<(String, i64)>, StoreError> {
        let (table, column) = (self.table(), self.column());
        tx.query(
            &format!(
                "SELECT d.{column}, d.id FROM {{id_list:$1}} AS t CROSS JOIN {table} AS d
                 WHERE d.id = t.id"
            ),
            &[ids.into()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    /// Ids for `texts` (sorted, each once), giving new ones where there are none.
    fn allocate(self, tx: &mut Tx, texts: &[String]) -> Result<Vec<(String, i64)>, StoreError> {
        // Taking the row first keeps other processes out, so what is missing now stays missing.
        let mut last = tx.query_one(
            "UPDATE last_id SET id = id WHERE dictionary = $1 RETURNING id",
            &[self.table().into()],
            |row| row.get::<i64>(0),
        )?;
        let mut ids = self.find(tx, texts)?;
        let known: HashSet<String> = ids.iter().map(|(text, _)| text.clone()).collect();
        let mut given = Vec::new();
        for text in texts.iter().filter(|text| !known.contains(*text)) {
            last += self.step();
            given.push((text.clone(), last));
        }
        let (table, column) = (self.table(), self.column());
        tx.execute_many(
            &format!("INSERT INTO {table} ({column}, id) {{values:TEXT,BIGINT}}"),
            given.iter().map(|(text, id)| [text.into(), (*id).into()]),
        )?;
        tx.execute(
            "UPDATE last_id SET id = $2 WHERE dictionary = $1",
            &[table.into(), last.into()],
        )?;
        millrace_runtime::crash::point("dictionary.before_commit");
        ids.append(&mut given);
        Ok(ids)
    }
}

fn parse_did(text: &str) -> Result<Did, StoreError> {
    Did::parse(text).map_err(|error| corrupt(&format!("{text}: {error}")))
}

fn parse_rkey(text: &str) -> Result<RecordKey, StoreError> {
    RecordKey::parse(text).map_err(|error| corrupt(&format!("{text}: {error}")))
}

fn corrupt(reason: &str) -> StoreError {
    StoreError::Corrupt { domain: Domain::Dictionary, reason: reason.to_owned() }
}
