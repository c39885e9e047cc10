//! What the viewer is to accounts: follows, blocks and mutes, each direct or by list. Nobody is
//! anything to themselves, whatever their records say.

use foldhash::HashMap;
use millrace_store::{Param, StoreError, Tx};

use super::PostKey;
use super::between;
use super::counts::Counted;
use super::names::NameIds;
use super::viewer::Viewer;
use crate::collection::Collection;
use crate::model::ActorViewer;
use crate::names::Names;

/// The relation of a viewer to an account, as keys.
#[derive(Debug, Clone, Default)]
pub(super) struct Relation {
    pub following: Option<i64>,
    pub followed_by: Option<i64>,
    blocking: Option<i64>,
    blocked_by: Option<i64>,
    blocking_by_list: Option<PostKey>,
    blocked_by_list: Option<PostKey>,
    mute: Option<Mute>,
    muted_by_list: Option<PostKey>,
}

/// A mute of an account, whole or of some of its posts.
#[derive(Debug, Clone, Copy)]
struct Mute {
    only_reposts: bool,
    only_quoteposts: bool,
}

/// Relations by account; accounts the viewer has nothing to do with have no item.
#[derive(Debug, Default)]
pub(super) struct Relations(HashMap<i64, Relation>);

/// Where many records join two accounts, the first counts: a stranger may write very many.
const FOLLOWING: &str = "SELECT ids.id, (SELECT min(s.rkey) FROM follow_by_subject AS s
        WHERE s.subject_actor = ids.id AND s.actor_id = $2)
    FROM {id_list:$1} AS ids";

const FOLLOWED_BY: &str = "SELECT ids.id, (SELECT min(s.rkey) FROM follow_by_subject AS s
        WHERE s.subject_actor = $2 AND s.actor_id = ids.id)
    FROM {id_list:$1} AS ids";

/// Whether anybody blocks the viewer: most need not be looked up beside everybody.
const IS_BLOCKED: &str = "SELECT CAST(CASE WHEN EXISTS (SELECT 1 FROM block_by_subject WHERE subject_actor = $1) THEN 1 ELSE 0 END AS BIGINT)";

const MUTES: &str = "SELECT ids.id, m.only_reposts, m.only_quoteposts
    FROM {id_list:$1} AS ids CROSS JOIN dictionary.actor AS d CROSS JOIN own.actor_mute AS m
    WHERE d.id = ids.id AND m.did = $2 AND m.subject = d.did";

const ON_MUTED_LIST: &str =
    "SELECT ids.id FROM {id_list:$1} AS ids CROSS JOIN list_item_by_list AS i
    WHERE i.actor_id = $2 AND i.list_rkey = $3 AND i.subject_actor = ids.id
      AND EXISTS (SELECT 1 FROM document AS d
          WHERE d.actor_id = $2 AND d.collection = $4 AND d.rkey = $3 AND d.purpose = 1)
      AND EXISTS (SELECT 1 FROM actor AS a WHERE a.actor_id = $2 AND a.active = 1)";

impl Relations {
    /// Everything `viewer` has to do with `ids`.
    pub(super) fn load(
        tx: &mut Tx,
        counted: &mut Counted,
        viewer: &Viewer,
        ids: &[i64],
    ) -> Result<Self, StoreError> {
        let mut relations = Self::edges(tx, counted, viewer.id, ids)?;
        if viewer.mutes_actors {
            tx.for_each(MUTES, &[Param::Ids(ids), Param::from(&viewer.did)], |row| {
                let mute = Mute { only_reposts: row.get(1)?, only_quoteposts: row.get(2)? };
                relations.of_mut(row.get(0)?).mute = Some(mute);
                Ok(())
            })?;
        }
        for list in &viewer.muted_lists {
            let [owner, rkey, kind] = [list.0, list.1, Collection::List.code()].map(Param::Int);
            let on_list: Vec<i64> =
                tx.query(ON_MUTED_LIST, &[Param::Ids(ids), owner, rkey, kind], |row| row.get(0))?;
            for id in on_list {
                relations.of_mut(id).muted_by_list.get_or_insert(*list);
            }
        }
        relations.0.remove(&viewer.id);
        Ok(relations)
    }

    /// Follows and blocks alone.
    pub(super) fn edges(
        tx: &mut Tx,
        counted: &mut Counted,
        viewer: i64,
        ids: &[i64],
    ) -> Result<Self, StoreError> {
        counted.read(tx, ids.iter().copied().chain([viewer]))?;
        let own = counted.of(viewer);
        let mut relations = Self::default();
        if own.follows > 0 {
            relations.edge(tx, FOLLOWING, viewer, ids, |relation| &mut relation.following)?;
        }
        if own.followers > 0 {
            relations.edge(tx, FOLLOWED_BY, viewer, ids, |relation| &mut relation.followed_by)?;
        }
        let blocking = between::direct(tx, counted, ids.iter().map(|id| (viewer, *id)))?;
        for ((_, id), rkey) in blocking {
            relations.of_mut(id).blocking = Some(rkey);
        }
        if tx.query_one(IS_BLOCKED, &[Param::Int(viewer)], |row| row.get::<bool>(0))? {
            let blocked_by = between::direct(tx, counted, ids.iter().map(|id| (*id, viewer)))?;
            for ((id, _), rkey) in blocked_by {
                relations.of_mut(id).blocked_by = Some(rkey);
            }
        }
        let blocking = between::by_list(tx, counted, ids.iter().map(|id| (viewer, *id)))?;
        for ((_, id), list) in blocking {
            relations.of_mut(id).blocking_by_list = Some(list);
        }
        let blocked_by = between::by_list(tx, counted, ids.iter().map(|id| (*id, viewer)))?;
        for ((id, _), list) in blocked_by {
            relations.of_mut(id).blocked_by_list = Some(list);
        }
        relations.0.remove(&viewer);
        Ok(relations)
    }

    /// The records of one kind of edge, by account.
    fn edge(
        &mut self,
        tx: &mut Tx,
        sql: &str,
        viewer: i64,
        ids: &[i64],
        place: fn(&mut Relation) -> &mut Option<i64>,
    ) -> Result<(), StoreError> {
        tx.for_each(sql, &[Param::Ids(ids), Param::Int(viewer)], |row| {
            if let Some(rkey) = row.get::<Option<i64>>(1)? {
                *place(self.of_mut(row.get(0)?)) = Some(rkey);
            }
            Ok(())
        })
    }

    fn of_mut(&mut self, id: i64) -> &mut Relation {
        self.0.entry(id).or_default()
    }

    pub(super) fn of(&self, id: i64) -> Relation {
        self.0.get(&id).cloned().unwrap_or_default()
    }

    /// Keys of the lists by which anything is between.
    pub(super) fn lists(&self) -> impl Iterator<Item = PostKey> {
        self.0.values().flat_map(Relation::lists)
    }

    pub(super) fn name(&self, viewer: i64, ids: &mut NameIds) {
        for (id, relation) in &self.0 {
            for rkey in [relation.following, relation.blocking].into_iter().flatten() {
                ids.record(viewer, rkey);
            }
            for rkey in [relation.followed_by, relation.blocked_by].into_iter().flatten() {
                ids.record(*id, rkey);
            }
            relation.lists().for_each(|list| ids.record(list.0, list.1));
        }
    }

    pub(super) fn present(
        &self,
        viewer: i64,
        names: &Names,
    ) -> Result<HashMap<i64, ActorViewer>, StoreError> {
        self.0
            .iter()
            .map(|(id, relation)| Ok((*id, relation.present(viewer, *id, names)?)))
            .collect()
    }
}

impl Relation {
    fn lists(&self) -> impl Iterator<Item = PostKey> + use<> {
        [self.blocking_by_list, self.blocked_by_list, self.muted_by_list].into_iter().flatten()
    }

    fn present(&self, viewer: i64, other: i64, names: &Names) -> Result<ActorViewer, StoreError> {
        let uri = |actor: i64, collection: Collection, rkey: Option<i64>| {
            rkey.map(|rkey| names.uri(actor, collection.code(), rkey)).transpose()
        };
        let list = |key: Option<PostKey>| {
            key.map(|key| names.uri(key.0, Collection::List.code(), key.1)).transpose()
        };
        let only_reposts = self.mute.is_some_and(|mute| mute.only_reposts);
        let only_quoteposts = self.mute.is_some_and(|mute| mute.only_quoteposts);
        Ok(ActorViewer {
            following: uri(viewer, Collection::Follow, self.following)?,
            followed_by: uri(other, Collection::Follow, self.followed_by)?,
            blocking: uri(viewer, Collection::Block, self.blocking)?,
            blocked_by: uri(other, Collection::Block, self.blocked_by)?,
            blocking_by_list: list(self.blocking_by_list)?,
            blocked_by_list: list(self.blocked_by_list)?,
            muted: self.mute.is_some() && !only_reposts && !only_quoteposts,
            muted_only_reposts: only_reposts,
            muted_only_quoteposts: only_quoteposts,
            muted_by_list: list(self.muted_by_list)?,
            known_followers: None,
            activity_subscription: None,
        })
    }
}
