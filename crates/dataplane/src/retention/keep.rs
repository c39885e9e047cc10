//! What stays however old it is: everything of accounts of interest, and what readers take part in.

use std::sync::Arc;

use foldhash::HashSet;
use millrace_store::{Param, StoreError, Tx};

use crate::apply::Key;
use crate::apply::post::PostRow;
use crate::collection::Collection;
use crate::interest::{self, Kept};
use crate::names::Names;

/// Threads remembered; they take 16 bytes each.
const THREADS_MAX: usize = 2_000_000;

/// A bookmark of the post `k`, under its names.
const KEPT: &str = "EXISTS (SELECT 1 FROM dictionary.actor AS d CROSS JOIN own.bookmark_count AS b
    WHERE d.id = k.actor AND b.subject_did = d.did AND b.subject_rkey = k.name)";

/// Shared by a sweep's steps.
#[derive(Clone)]
pub(super) struct Keep {
    kept: Arc<Kept>,
    /// Roots of the threads in which readers have written.
    threads: Arc<HashSet<Key>>,
    since_us: i64,
}

impl Keep {
    pub(super) fn load(tx: &mut Tx, since_us: i64) -> Result<Self, StoreError> {
        let kept = interest::kept(tx, since_us)?;
        let threads = tx.query(
            "SELECT DISTINCT p.root_actor, p.root_rkey
             FROM own.reader AS r CROSS JOIN dictionary.actor AS d CROSS JOIN post AS p
             WHERE r.last_us > $1 AND d.did = r.did AND p.actor_id = d.id AND p.root_actor IS NOT NULL
             LIMIT $2",
            &[Param::Int(since_us), Param::Int(THREADS_MAX as i64)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let threads = Arc::new(threads.into_iter().collect());
        Ok(Self { kept: Arc::new(kept), threads, since_us })
    }

    pub(super) fn since_us(&self) -> i64 {
        self.since_us
    }

    pub(super) fn too_many_threads(&self) -> bool {
        self.threads.len() >= THREADS_MAX
    }

    /// Whether nothing of this account goes.
    pub(super) fn is_of_interest(&self, actor: i64) -> bool {
        self.kept.of_interest.contains(&actor)
    }

    /// Whether the post stays by what its row says.
    pub(super) fn by_row(&self, row: &PostRow) -> bool {
        let root = row.root.unwrap_or(row.key);
        let points_at = [row.root, row.parent, row.quote];
        self.threads.contains(&root)
            || points_at.into_iter().flatten().any(|key| self.kept.readers.contains(&key.0))
    }

    /// Those of `posts` that a reader likes, reposts, answers or quotes, or is told of; and those
    /// that anybody has a bookmark of.
    pub(super) fn taken_part_in(
        &self,
        tx: &mut Tx,
        posts: &[Key],
    ) -> Result<HashSet<Key>, StoreError> {
        let code = Collection::Post.code();
        let by = |table: &str, post: &str, who: &str| {
            format!(
                "EXISTS (SELECT 1 FROM {table} AS t CROSS JOIN dictionary.actor AS d CROSS JOIN own.reader AS r
                 WHERE {post} AND d.id = t.{who} AND r.did = d.did AND r.last_us > {})",
                self.since_us
            )
        };
        let subject = format!(
            "t.subject_actor = k.actor AND t.subject_rkey = k.rkey AND t.subject_collection = {code}"
        );
        let exists = [
            by("like_by_subject", &subject, "actor_id"),
            by("repost_by_subject", &subject, "actor_id"),
            by("post", "t.parent_actor = k.actor AND t.parent_rkey = k.rkey", "actor_id"),
            by("post", "t.quote_actor = k.actor AND t.quote_rkey = k.rkey", "actor_id"),
            by(
                "notification",
                &format!("t.author = k.actor AND t.rkey = k.rkey AND t.collection = {code}"),
                "actor_id",
            ),
            KEPT.to_owned(),
        ];
        let sql = format!(
            "SELECT k.actor, k.rkey FROM {{rows:actor BIGINT, rkey BIGINT, name TEXT}} AS k WHERE {}",
            exists.join(" OR ")
        );
        let names = Names::of(tx, [], posts.iter().map(|key| key.1))?;
        let mut rows = Vec::with_capacity(posts.len());
        for key in posts {
            rows.push((key, names.rkey(key.1)?));
        }
        let found = tx.query_many(
            &sql,
            rows.iter()
                .map(|(key, name)| [Param::Int(key.0), Param::Int(key.1), Param::from(name)]),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        Ok(found.into_iter().collect())
    }
}
