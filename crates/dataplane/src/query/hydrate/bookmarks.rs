//! How many accounts keep a post, and whether the viewer does. Bookmarks are owned and name posts by
//! DID and record key; where nobody keeps any, nothing is looked up.

use foldhash::{HashMap, HashMapExt};
use millrace_store::{Param, StoreError, Tx};

use super::PostKey;
use super::posts::Posts;
use super::viewer::Viewer;
use crate::names::Names;

/// The bookmarks of a post.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kept {
    pub count: i64,
    pub by_viewer: bool,
}

const ANY: &str =
    "SELECT CAST(CASE WHEN EXISTS (SELECT 1 FROM own.bookmark_count) THEN 1 ELSE 0 END AS BIGINT)";

/// Where nobody is counted the viewer is not among them.
const KEPT: &str = "SELECT k.actor, k.rkey, c.bookmarks,
        CAST(CASE WHEN EXISTS (SELECT 1 FROM own.bookmark AS b WHERE b.did = k.viewer
            AND b.subject_did = k.subject AND b.subject_rkey = k.subject_rkey) THEN 1 ELSE 0 END AS BIGINT)
    FROM {rows:viewer TEXT, subject TEXT, subject_rkey TEXT, actor BIGINT, rkey BIGINT} AS k
    CROSS JOIN own.bookmark_count AS c
    WHERE c.subject_did = k.subject AND c.subject_rkey = k.subject_rkey";

/// Of the posts shown, those that somebody keeps.
pub(super) fn kept(
    tx: &mut Tx,
    viewer: Option<&Viewer>,
    posts: &Posts,
    names: &Names,
) -> Result<HashMap<PostKey, Kept>, StoreError> {
    if posts.rows.is_empty() || !tx.query_one(ANY, &[], |row| row.get::<bool>(0))? {
        return Ok(HashMap::new());
    }
    // No account has an empty DID.
    let viewer = viewer.map_or("", |viewer| viewer.did.as_str());
    let shown = posts.shown.iter().filter(|key| posts.rows.contains_key(key));
    let mut rows = Vec::with_capacity(posts.shown.len());
    for key in shown {
        rows.push((names.did(key.0)?, names.rkey(key.1)?, *key));
    }
    let found = tx.query_many(
        KEPT,
        rows.iter().map(|(did, text, key)| {
            let [actor, rkey] = [key.0, key.1].map(Param::Int);
            [Param::Text(viewer), Param::from(*did), Param::from(text), actor, rkey]
        }),
        |row| {
            let kept = Kept { count: row.get(2)?, by_viewer: row.get(3)? };
            Ok(((row.get(0)?, row.get(1)?), kept))
        },
    )?;
    Ok(found.into_iter().collect())
}
