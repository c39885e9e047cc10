//! Starter packs with how many came by them, and what they name.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashMapExt};
use millrace_atproto::datetime;
use millrace_atproto::syntax::AtUri;
use millrace_store::{Param, StoreError, Tx};
use serde::Deserialize;

use super::PostKey;
use super::documents::{self, Documents, RecordBytes};
use super::names::NameIds;
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::model::StarterPack;
use crate::names::Names;

/// Feeds a starter pack may name; further ones are not looked at.
const FEEDS_MAX: usize = 3;
const WEEK_US: i64 = 7 * 24 * 3_600 * 1_000_000;

pub(super) struct StarterPacks {
    rows: Documents,
    joined: HashMap<PostKey, Joined>,
}

/// How many accounts say they came by a starter pack, in all and by profiles made within a week.
#[derive(Debug, Clone, Copy, Default)]
struct Joined {
    all_time: i64,
    week: i64,
}

/// Counting ends at a hundred thousand.
const JOINED: &str = "SELECT k.actor, k.rkey, (SELECT count(*) FROM
        (SELECT 1 AS one FROM profile AS p
         WHERE p.joined_actor = k.actor AND p.joined_rkey = k.rkey LIMIT 100000) AS found)
    FROM {rows:actor BIGINT, rkey BIGINT} AS k";

/// A profile made within a week was also indexed within it; of those the latest thousand are read.
const JOINED_LATELY: &str = "SELECT p.record FROM profile AS p
    WHERE p.joined_actor = $1 AND p.joined_rkey = $2 AND p.indexed_at_us > $3
    ORDER BY p.indexed_at_us DESC LIMIT 1000";

/// `app.bsky.graph.starterpack`: the records it names.
#[derive(Deserialize)]
struct Named {
    list: String,
    #[serde(default)]
    feeds: Vec<Feed>,
}

#[derive(Deserialize)]
struct Feed {
    uri: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    created_at: Option<String>,
}

/// The starter packs by which these accounts say they came.
pub(super) fn joined_via(tx: &mut Tx, actors: &[i64]) -> Result<HashMap<i64, PostKey>, StoreError> {
    let rows = tx.query(
        "SELECT p.actor_id, p.joined_actor, p.joined_rkey FROM {id_list:$1} AS ids CROSS JOIN profile AS p
         WHERE p.actor_id = ids.id AND p.joined_actor IS NOT NULL",
        &[Param::Ids(actors)],
        |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))),
    )?;
    Ok(rows.into_iter().collect())
}

impl StarterPacks {
    pub(super) fn load(
        tx: &mut Tx,
        keys: &BTreeSet<PostKey>,
        bytes: &mut RecordBytes,
    ) -> Result<Self, StoreError> {
        let rows = documents::load(tx, Collection::StarterPack, keys, bytes)?;
        let counts: Vec<(PostKey, i64)> =
            tx.query_many(JOINED, rows.keys().map(|key| [key.0, key.1].map(Param::Int)), |row| {
                Ok(((row.get(0)?, row.get(1)?), row.get(2)?))
            })?;
        let mut joined = HashMap::new();
        for (key, all_time) in counts.into_iter().filter(|count| count.1 > 0) {
            joined.insert(key, Joined { all_time, week: joined_lately(tx, key)? });
        }
        Ok(Self { rows, joined })
    }

    /// What the packs at `keys` name: their lists and their feeds.
    pub(super) fn named(&self, keys: &BTreeSet<PostKey>) -> Vec<AtUri> {
        let packs = keys.iter().filter_map(|key| self.rows.get(key));
        let named = packs.filter_map(|row| serde_json::from_str::<Named>(&row.record).ok());
        let uris = named.flat_map(|named| {
            let feeds = named.feeds.into_iter().take(FEEDS_MAX).map(|feed| feed.uri);
            feeds.chain([named.list]).collect::<Vec<_>>()
        });
        uris.filter_map(|uri| AtUri::parse(&uri).ok())
            .filter(|uri| uri.as_record().is_some())
            .collect()
    }

    pub(super) fn creators(&self) -> impl Iterator<Item = i64> {
        self.rows.keys().map(|key| key.0)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = PostKey> {
        self.rows.keys().copied()
    }

    pub(super) fn name(&self, ids: &mut NameIds) {
        ids.records(self.rows.keys());
    }

    pub(super) fn present(self, names: &Names) -> Result<Vec<StarterPack>, DataplaneError> {
        let mut packs = Vec::with_capacity(self.rows.len());
        for (key, row) in self.rows {
            let joined = self.joined.get(&key).copied().unwrap_or_default();
            packs.push(StarterPack {
                uri: names.uri(key.0, Collection::StarterPack.code(), key.1)?,
                creator: names.did(key.0)?.clone(),
                sort_at_us: row.sort_at_us,
                joined_all_time_count: joined.all_time,
                joined_week_count: joined.week,
                record: row.into_record()?,
            });
        }
        Ok(packs)
    }
}

/// Profiles made within a week; one that does not say when was made when it was indexed.
fn joined_lately(tx: &mut Tx, pack: PostKey) -> Result<i64, StoreError> {
    let since_us = tx.now_us().saturating_sub(WEEK_US);
    let mut count = 0;
    tx.for_each(JOINED_LATELY, &[pack.0, pack.1, since_us].map(Param::Int), |row| {
        let made: Option<Made> = serde_json::from_str(row.text(0)?).ok();
        let made_at_us =
            made.and_then(|made| made.created_at).and_then(|at| datetime::epoch_us(&at));
        count += i64::from(made_at_us.is_none_or(|at| at > since_us));
        Ok(())
    })?;
    Ok(count)
}
