//! Feed generators and labelers with their likes.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashMapExt};
use millrace_store::{StoreError, Tx};

use super::PostKey;
use super::documents::{self, Counts, Documents, RecordBytes};
use super::names::NameIds;
use super::viewer::Viewer;
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::model::Service;
use crate::names::Names;

/// Services of one kind.
pub(super) struct Services {
    collection: Collection,
    rows: Documents,
    counts: HashMap<PostKey, Counts>,
    /// Record keys of the viewer's likes.
    likes: HashMap<PostKey, i64>,
}

impl Services {
    pub(super) fn load(
        tx: &mut Tx,
        viewer: Option<&Viewer>,
        collection: Collection,
        keys: &BTreeSet<PostKey>,
        bytes: &mut RecordBytes,
    ) -> Result<Self, StoreError> {
        let rows = documents::load(tx, collection, keys, bytes)?;
        let counts = documents::counts(tx, collection, rows.keys().copied())?;
        let likes = match viewer {
            Some(viewer) => {
                viewer.first_edges(tx, Collection::Like, collection, rows.keys().copied())?
            }
            None => HashMap::new(),
        };
        Ok(Self { collection, rows, counts, likes })
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = PostKey> {
        self.rows.keys().copied()
    }

    pub(super) fn name(&self, viewer: Option<&Viewer>, ids: &mut NameIds) {
        ids.records(self.rows.keys());
        if let Some(viewer) = viewer {
            self.likes.values().for_each(|rkey| ids.record(viewer.id, *rkey));
        }
    }

    pub(super) fn present(
        self,
        viewer: Option<&Viewer>,
        names: &Names,
    ) -> Result<Vec<Service>, DataplaneError> {
        let mut services = Vec::with_capacity(self.rows.len());
        for (key, row) in self.rows {
            let like = viewer.zip(self.likes.get(&key));
            let like =
                like.map(|(viewer, rkey)| names.uri(viewer.id, Collection::Like.code(), *rkey));
            services.push(Service {
                uri: names.uri(key.0, self.collection.code(), key.1)?,
                creator: names.did(key.0)?.clone(),
                sort_at_us: row.sort_at_us,
                like_count: self.counts.get(&key).map_or(0, |counts| counts.likes),
                viewer_like: like.transpose()?,
                record: row.into_record()?,
            });
        }
        Ok(services)
    }
}
