//! The thread somebody wrote on their own: from its root down, each post the oldest answer of the
//! root's author to the one before. A cycle is no thread.

use foldhash::HashSet;
use millrace_store::{Param, StoreError, Tx};

use super::thread::Key;

/// Posts of such a thread that are followed.
const POSTS_MAX: usize = 1_000;

/// The author's answer stands among the oldest replies to a post; later ones are not searched.
/// The limit is the replies looked at.
const ANSWER: &str = "SELECT min(r.rkey) FROM (
        SELECT actor_id, rkey, root_actor, root_rkey FROM post WHERE parent_actor = $1 AND parent_rkey = $2
        ORDER BY sort_at_us, rkey LIMIT 5000) AS r
    WHERE r.actor_id = $3 AND r.root_actor = $3 AND r.root_rkey = $4";

/// The posts of the thread that begins with `root`; none if its author did not answer it.
pub(super) fn posts(tx: &mut Tx, root: Key) -> Result<Vec<Key>, StoreError> {
    let mut posts = vec![root];
    let mut seen = HashSet::from_iter([root]);
    let mut last = root;
    while posts.len() < POSTS_MAX {
        let params =
            [Param::Int(last.0), Param::Int(last.1), Param::Int(root.0), Param::Int(root.1)];
        let answer: Option<i64> = tx.query_one(ANSWER, &params, |row| row.get(0))?;
        let Some(rkey) = answer else { break };
        last = (root.0, rkey);
        if !seen.insert(last) {
            return Ok(Vec::new());
        }
        posts.push(last);
    }
    if posts.len() == 1 {
        posts.clear();
    }
    Ok(posts)
}
