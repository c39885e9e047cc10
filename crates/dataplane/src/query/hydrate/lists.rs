//! Lists with how many accounts are on them, and what the viewer is to each.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashSet};
use millrace_store::{Param, StoreError, Tx};

use super::PostKey;
use super::documents::{self, Counts, Documents, RecordBytes};
use super::names::NameIds;
use super::viewer::Viewer;
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::model::{List, ListViewer};
use crate::names::Names;

#[derive(Debug, Default)]
pub(super) struct Lists {
    rows: Documents,
    counts: HashMap<PostKey, Counts>,
    /// What the viewer is to each, also to those that do not exist.
    relations: HashMap<PostKey, Relation>,
    muted: HashSet<PostKey>,
}

/// Record keys of the viewer's block of a list, and of the item that puts them on it.
#[derive(Debug, Clone, Copy)]
struct Relation {
    block: Option<i64>,
    item: Option<i64>,
}

const RELATIONS: &str = "SELECT k.actor, k.rkey,
      (SELECT min(b.rkey) FROM list_block AS b
       WHERE b.actor_id = k.viewer AND b.list_actor = k.actor AND b.list_rkey = k.rkey),
      (SELECT min(i.rkey) FROM list_item_by_list AS i
       WHERE i.actor_id = k.actor AND i.list_rkey = k.rkey AND i.subject_actor = k.viewer)
    FROM {rows:actor BIGINT, rkey BIGINT, viewer BIGINT} AS k";

impl Lists {
    pub(super) fn load(
        tx: &mut Tx,
        viewer: Option<&Viewer>,
        keys: &BTreeSet<PostKey>,
        bytes: &mut RecordBytes,
    ) -> Result<Self, StoreError> {
        let rows = documents::load(tx, Collection::List, keys, bytes)?;
        let counts = documents::counts(tx, Collection::List, rows.keys().copied())?;
        let (relations, muted) = match viewer {
            Some(viewer) => {
                (relations(tx, viewer.id, keys)?, viewer.muted_lists.iter().copied().collect())
            }
            None => Default::default(),
        };
        Ok(Self { rows, counts, relations, muted })
    }

    /// Whether the viewer is on a list, which need not exist itself.
    pub(super) fn has_viewer(&self, key: PostKey) -> bool {
        self.relations.get(&key).is_some_and(|relation| relation.item.is_some())
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = PostKey> {
        self.rows.keys().copied()
    }

    pub(super) fn name(&self, viewer: Option<&Viewer>, ids: &mut NameIds) {
        ids.records(self.rows.keys());
        for (key, relation) in &self.relations {
            if let Some((viewer, block)) = viewer.zip(relation.block) {
                ids.record(viewer.id, block);
            }
            if let Some(item) = relation.item {
                ids.record(key.0, item);
            }
        }
    }

    pub(super) fn present(
        self,
        viewer: Option<&Viewer>,
        names: &Names,
    ) -> Result<Vec<List>, DataplaneError> {
        let mut lists = Vec::with_capacity(self.rows.len());
        for (key, row) in self.rows {
            let relation = self.relations.get(&key);
            let viewer = viewer.map(|viewer| {
                let block = relation.and_then(|relation| relation.block);
                let item = relation.and_then(|relation| relation.item);
                let block =
                    block.map(|rkey| names.uri(viewer.id, Collection::ListBlock.code(), rkey));
                let item = item.map(|rkey| names.uri(key.0, Collection::ListItem.code(), rkey));
                Ok::<_, StoreError>(ListViewer {
                    muted: self.muted.contains(&key),
                    blocked: block.transpose()?,
                    in_list: item.transpose()?,
                })
            });
            lists.push(List {
                uri: names.uri(key.0, Collection::List.code(), key.1)?,
                creator: names.did(key.0)?.clone(),
                sort_at_us: row.sort_at_us,
                items_count: self.counts.get(&key).map_or(0, |counts| counts.items),
                viewer: viewer.transpose()?,
                record: row.into_record()?,
            });
        }
        Ok(lists)
    }
}

fn relations(
    tx: &mut Tx,
    viewer: i64,
    keys: &BTreeSet<PostKey>,
) -> Result<HashMap<PostKey, Relation>, StoreError> {
    let rows = tx.query_many(
        RELATIONS,
        keys.iter().map(|key| [key.0, key.1, viewer].map(Param::Int)),
        |row| {
            let relation = Relation { block: row.get(2)?, item: row.get(3)? };
            Ok(((row.get(0)?, row.get(1)?), relation))
        },
    )?;
    Ok(rows.into_iter().collect())
}
