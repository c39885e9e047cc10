//! Who likes or reposts a record: one page of either index, the latest first, each account once.

use millrace_store::{Param, Tx};

use super::cursor::TimeKey;
use super::lookup::RecordKeyIds;
use crate::error::DataplaneError;

/// Which index is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edges {
    Likes,
    Reposts,
}

/// A like or repost of the subject.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Edge {
    pub(crate) actor: i64,
    pub(crate) rkey: i64,
    pub(crate) sort_at_us: i64,
    pub(crate) created_at_us: i64,
    pub(crate) indexed_at_us: i64,
}

impl Edges {
    /// The table of the records and its inverse.
    fn tables(self) -> (&'static str, &'static str) {
        match self {
            Self::Likes => ("\"like\"", "like_by_subject"),
            Self::Reposts => ("repost", "repost_by_subject"),
        }
    }
}

/// The page is cut before the records themselves are looked up; an account that wrote several of
/// the same subject is there once, with the one that viewers are shown.
fn sql(edges: Edges) -> String {
    let (records, inverse) = edges.tables();
    format!(
        "SELECT s.actor_id, s.rkey, s.sort_at_us, r.created_at_us, r.indexed_at_us
         FROM (SELECT i.actor_id, i.rkey, i.sort_at_us FROM {inverse} AS i
               WHERE i.subject_actor = $1 AND i.subject_rkey = $2 AND i.subject_collection = $3
                 AND (i.sort_at_us, i.rkey, i.actor_id) < ($4, $5, $6)
                 AND NOT EXISTS (SELECT 1 FROM {inverse} AS e
                     WHERE e.subject_actor = i.subject_actor AND e.subject_rkey = i.subject_rkey
                       AND e.subject_collection = i.subject_collection AND e.actor_id = i.actor_id AND e.rkey < i.rkey)
               ORDER BY i.sort_at_us DESC, i.rkey DESC, i.actor_id DESC LIMIT $7) AS s
         CROSS JOIN {records} AS r
         WHERE r.actor_id = s.actor_id AND r.rkey = s.rkey
         ORDER BY s.sort_at_us DESC, s.rkey DESC, s.actor_id DESC"
    )
}

/// A page of the edges that point at `subject`, and the cursor of the next one.
pub(crate) fn page(
    tx: &mut Tx,
    edges: Edges,
    subject: &RecordKeyIds,
    before: TimeKey,
    limit: i64,
) -> Result<(Vec<Edge>, Option<String>), DataplaneError> {
    let mut rows = tx.query(
        &sql(edges),
        &[
            Param::Int(subject.actor),
            Param::Int(subject.rkey),
            Param::Int(subject.collection),
            Param::Int(before.time_us),
            Param::Int(before.key),
            Param::Int(before.actor),
            Param::Int(limit + 1),
        ],
        |row| {
            Ok(Edge {
                actor: row.get(0)?,
                rkey: row.get(1)?,
                sort_at_us: row.get(2)?,
                created_at_us: row.get(3)?,
                indexed_at_us: row.get(4)?,
            })
        },
    )?;
    let cursor = TimeKey::next(&mut rows, limit, |row| (row.sort_at_us, row.rkey, row.actor));
    Ok((rows, cursor))
}
