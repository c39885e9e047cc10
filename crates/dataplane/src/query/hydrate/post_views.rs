//! Posts as they are answered: with what the viewer is to them, and with the gates and blocks that
//! stand around them.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashMapExt, HashSet};
use millrace_store::{StoreError, Tx};

use super::PostKey;
use super::between::{self, Pair};
use super::bookmarks::Kept;
use super::counts::Counted;
use super::gates::Gates;
use super::names::NameIds;
use super::posts::{PostRow, Posts};
use super::viewer::Viewer;
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::flags;
use crate::model::{Post, PostViewer, Record};
use crate::names::Names;
use crate::query::lookup;

/// What stands between posts, and between them and the viewer.
#[derive(Debug, Default)]
pub(super) struct Around {
    blocked: HashSet<Pair>,
    likes: HashMap<PostKey, i64>,
    reposts: HashMap<PostKey, i64>,
    /// Threads by their first post.
    pub muted: HashSet<PostKey>,
    /// Those of the posts shown that somebody keeps.
    pub kept: HashMap<PostKey, Kept>,
    pub closed: HashMap<PostKey, bool>,
}

impl Around {
    /// Blocks between the authors of posts and of what they refer to; the viewer's likes and
    /// reposts of the posts shown.
    pub(super) fn load(
        tx: &mut Tx,
        counted: &mut Counted,
        viewer: Option<&Viewer>,
        posts: &Posts,
    ) -> Result<Self, StoreError> {
        let pairs = posts.rows.values().flat_map(|row| {
            let refs = [row.parent.map(|parent| parent.0), row.root.map(|root| root.0)];
            let others = refs.into_iter().chain([posts.embedded_author(row)]).flatten();
            others.map(|other| (row.key.0, other)).collect::<Vec<_>>()
        });
        let blocked = between::blocked(tx, counted, pairs)?;
        let Some(viewer) = viewer else { return Ok(Self { blocked, ..Self::default() }) };
        // Where nobody is counted the viewer is not among them.
        let shown = || posts.shown.iter().filter_map(|key| posts.rows.get(key));
        let liked = shown().filter(|row| row.likes() > 0).map(|row| row.key);
        let reposted = shown().filter(|row| row.reposts() > 0).map(|row| row.key);
        let likes = viewer.first_edges(tx, Collection::Like, Collection::Post, liked)?;
        let reposts = viewer.first_edges(tx, Collection::Repost, Collection::Post, reposted)?;
        Ok(Self { blocked, likes, reposts, ..Self::default() })
    }

    pub(super) fn name(&self, viewer: Option<&Viewer>, ids: &mut NameIds) {
        let edges = self.likes.values().chain(self.reposts.values());
        if let Some(viewer) = viewer {
            edges.for_each(|rkey| ids.record(viewer.id, *rkey));
        }
    }

    fn blocks(&self, row: &PostRow, other: Option<i64>) -> bool {
        other.is_some_and(|other| self.blocked.contains(&(row.key.0, other)))
    }
}

impl Posts {
    pub(super) fn name(&self, ids: &mut NameIds) {
        for row in self.rows.values() {
            let keys = [Some(row.key), row.root, row.parent, row.quote];
            ids.records(keys.iter().flatten());
        }
    }

    /// The threads the posts shown belong to.
    pub(super) fn threads(&self) -> Vec<PostKey> {
        let rows = self.shown.iter().filter_map(|key| self.rows.get(key));
        let threads: BTreeSet<PostKey> = rows.map(PostRow::thread).collect();
        threads.into_iter().collect()
    }

    pub(super) fn present(
        mut self,
        viewer: Option<&Viewer>,
        gates: &Gates,
        around: &Around,
        names: &Names,
    ) -> Result<HashMap<PostKey, Post>, DataplaneError> {
        let rows = std::mem::take(&mut self.rows);
        let mut posts = HashMap::with_capacity(rows.len());
        for (key, row) in rows {
            let viewer = viewer.filter(|_| self.shown.contains(&key));
            let viewer = viewer.map(|viewer| around.viewer(viewer, &row, gates, names));
            let quote_blocked = around.blocks(&row, self.embedded_author(&row));
            let viewer = viewer.transpose()?;
            let post = Post { viewer, quote_blocked, ..row.present(gates, around, names)? };
            posts.insert(key, post);
        }
        Ok(posts)
    }
}

impl Around {
    fn viewer(
        &self,
        viewer: &Viewer,
        row: &PostRow,
        gates: &Gates,
        names: &Names,
    ) -> Result<PostViewer, StoreError> {
        let uri = |edges: &HashMap<PostKey, i64>, collection: Collection| {
            let rkey = edges.get(&row.key);
            rkey.map(|rkey| names.uri(viewer.id, collection.code(), *rkey)).transpose()
        };
        Ok(PostViewer {
            like: uri(&self.likes, Collection::Like)?,
            repost: uri(&self.reposts, Collection::Repost)?,
            bookmarked: self.kept.get(&row.key).is_some_and(|kept| kept.by_viewer),
            thread_muted: self.muted.contains(&row.thread()),
            reply_disabled: self.closed.get(&row.thread()).copied(),
            embedding_disabled: gates.forbids_quotes(row.key) && row.key.0 != viewer.id,
        })
    }
}

impl PostRow {
    fn present(
        self,
        gates: &Gates,
        around: &Around,
        names: &Names,
    ) -> Result<Post, DataplaneError> {
        let uri = |key: PostKey| names.uri(key.0, Collection::Post.code(), key.1);
        let own = uri(self.key)?;
        let [like_count, reply_count, repost_count, quote_count] = self.counts;
        Ok(Post {
            author: names.did(self.key.0)?.clone(),
            sort_at_us: self.sort_at_us,
            like_count,
            reply_count,
            repost_count,
            quote_count,
            bookmark_count: around.kept.get(&self.key).map_or(0, |kept| kept.count),
            reply_parent: self.parent.map(uri).transpose()?,
            reply_root: self.root.map(uri).transpose()?,
            quoted: self.quote.map(uri).transpose()?,
            invalid_reply_root: self.flags & flags::INVALID_ROOT != 0,
            violates_threadgate: self.flags & flags::VIOLATES_THREADGATE != 0,
            violates_postgate: self.flags & flags::VIOLATES_POSTGATE != 0,
            hidden_by_root: self.root.is_some_and(|root| gates.hides(root, &own)),
            quote_detached: self.quote.is_some_and(|quoted| gates.detaches(quoted, &own)),
            parent_blocked: around.blocks(&self, self.parent.map(|parent| parent.0)),
            root_blocked: around.blocks(&self, self.root.map(|root| root.0)),
            quote_blocked: false,
            viewer: None,
            uri: own,
            record: Record {
                cid: lookup::cid(&self.cid)?,
                value: lookup::raw(self.record)?,
                indexed_at_us: self.indexed_at_us,
            },
        })
    }
}
