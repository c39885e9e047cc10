//! Who asks: the viewer by DID, as their own tables name them, and by id, as the network's do.

use foldhash::HashMap;
use millrace_atproto::syntax::{AtUri, Did};
use millrace_store::{Param, StoreError, Tx};

use super::PostKey;
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::names::Names;
use crate::query::lookup;
use crate::query::mute::LIST_MUTES_MAX;

/// The id of an account that was never seen here; no row has it.
const NEVER_SEEN: i64 = -1;

pub(super) struct Viewer {
    pub did: Did,
    pub id: i64,
    /// Keys of the lists they mute, the first muted one first.
    pub muted_lists: Vec<PostKey>,
    /// Whether they mute any account; most mute nobody, and need not be looked up beside everybody.
    pub mutes_actors: bool,
    mutes_threads: bool,
}

impl Viewer {
    pub(super) fn of(tx: &mut Tx, did: Option<&Did>) -> Result<Option<Self>, DataplaneError> {
        let Some(did) = did else { return Ok(None) };
        let id = lookup::actor_id(tx, did)?.unwrap_or(NEVER_SEEN);
        let muted_lists = muted_lists(tx, did)?;
        let (mutes_actors, mutes_threads) =
            tx.query_one(MUTES_ANY, &[Param::from(did)], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Some(Self { did: did.clone(), id, muted_lists, mutes_actors, mutes_threads }))
    }

    /// The first record of `collection`'s kind by which the viewer likes or reposts each subject.
    pub(super) fn first_edges(
        &self,
        tx: &mut Tx,
        edge: Collection,
        subjects: Collection,
        keys: impl IntoIterator<Item = PostKey>,
    ) -> Result<HashMap<PostKey, i64>, StoreError> {
        let sql = match edge {
            Collection::Repost => REPOSTS,
            _ => LIKES,
        };
        let rows = tx.query_many(
            sql,
            keys.into_iter().map(|key| [key.0, key.1, subjects.code(), self.id].map(Param::Int)),
            |row| Ok(((row.get(0)?, row.get(1)?), row.get::<Option<i64>>(2)?)),
        )?;
        Ok(rows.into_iter().filter_map(|(key, rkey)| Some((key, rkey?))).collect())
    }

    /// Those of `roots` whose threads the viewer mutes.
    pub(super) fn muted_threads(
        &self,
        tx: &mut Tx,
        roots: &[PostKey],
        names: &Names,
    ) -> Result<Vec<PostKey>, StoreError> {
        if !self.mutes_threads {
            return Ok(Vec::new());
        }
        let mut rows = Vec::with_capacity(roots.len());
        for root in roots {
            rows.push((names.did(root.0)?, names.rkey(root.1)?, *root));
        }
        tx.query_many(
            "SELECT k.actor, k.rkey
             FROM {rows:viewer TEXT, root TEXT, root_rkey TEXT, actor BIGINT, rkey BIGINT} AS k
             CROSS JOIN own.thread_mute AS m
             WHERE m.did = k.viewer AND m.root_did = k.root AND m.root_rkey = k.root_rkey",
            rows.iter().map(|(did, text, root)| {
                let [actor, rkey] = [root.0, root.1].map(Param::Int);
                [Param::from(&self.did), Param::from(*did), Param::from(text), actor, rkey]
            }),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }
}

const MUTES_ANY: &str =
    "SELECT CAST(CASE WHEN EXISTS (SELECT 1 FROM own.actor_mute WHERE did = $1) THEN 1 ELSE 0 END AS BIGINT),
        CAST(CASE WHEN EXISTS (SELECT 1 FROM own.thread_mute WHERE did = $1) THEN 1 ELSE 0 END AS BIGINT)";

const LIKES: &str = "SELECT k.actor, k.rkey, (SELECT min(s.rkey) FROM like_by_subject AS s
        WHERE s.subject_actor = k.actor AND s.subject_rkey = k.rkey AND s.subject_collection = k.collection
          AND s.actor_id = k.viewer)
    FROM {rows:actor BIGINT, rkey BIGINT, collection BIGINT, viewer BIGINT} AS k";

const REPOSTS: &str = "SELECT k.actor, k.rkey, (SELECT min(s.rkey) FROM repost_by_subject AS s
        WHERE s.subject_actor = k.actor AND s.subject_rkey = k.rkey AND s.subject_collection = k.collection
          AND s.actor_id = k.viewer)
    FROM {rows:actor BIGINT, rkey BIGINT, collection BIGINT, viewer BIGINT} AS k";

/// The keys of the lists an account mutes, as far as they were ever seen here.
pub(crate) fn muted_lists(tx: &mut Tx, did: &Did) -> Result<Vec<PostKey>, DataplaneError> {
    let uris: Vec<String> = tx.query(
        "SELECT list_did, list_rkey FROM own.list_mute WHERE did = $1
         ORDER BY created_at_us, list_did, list_rkey LIMIT $2",
        &[Param::from(did), Param::Int(LIST_MUTES_MAX)],
        |row| {
            let (owner, rkey) = (row.text(0)?, row.text(1)?);
            Ok(format!("at://{owner}/{}/{rkey}", Collection::List.nsid()))
        },
    )?;
    let uris: Vec<AtUri> = uris.iter().filter_map(|uri| AtUri::parse(uri).ok()).collect();
    lookup::keys_in(tx, Collection::List, &uris)
}
