//! Lines of feeds against the posts and reposts they stand for. That each post has its line is seen
//! with the post, in `posts.rs`.
//!
//! A post stands in the feed of whoever reposted it once, by the first of its reposts. Which of two
//! that came together is the first was decided when they came, so either may stand there.

use millrace_store::{Param, StoreError, Tx};

use super::inverse::params;
use super::naming::{Subject, beyond};
use super::{Check, Finding, Slice};
use crate::apply::feed::{self, Heads, Line, Standing};
use crate::apply::{Key, repost};
use crate::collection::Collection;
use crate::repair::Mend;

pub(super) struct Items;

impl Check for Items {
    fn name(&self) -> &'static str {
        "feed_items"
    }

    fn table(&self) -> &'static str {
        "feed_item"
    }

    fn width(&self) -> usize {
        4
    }

    fn look(&self, tx: &mut Tx, after: &[i64], limit: i64) -> Result<Slice, StoreError> {
        let [post, repost] = [Collection::Post, Collection::Repost].map(Collection::code);
        let sql = format!(
            "SELECT s.actor_id, s.sort_at_us, s.rkey, s.collection,
                CAST(CASE WHEN p.sort_at_us = s.sort_at_us THEN 1
                    WHEN r.subject_actor = s.post_actor AND r.subject_rkey = s.post_rkey
                        AND r.subject_collection = {post} AND s.flags = 0 AND s.root_actor IS NULL
                        AND s.sort_at_us = CASE WHEN r.created_at_us < r.indexed_at_us
                            THEN r.created_at_us ELSE r.indexed_at_us END THEN 1
                    ELSE 0 END AS BIGINT)
             FROM (SELECT * FROM feed_item {}) AS s
             LEFT JOIN post AS p ON s.collection = {post} AND p.actor_id = s.actor_id AND p.rkey = s.rkey
             LEFT JOIN repost AS r ON s.collection = {repost} AND r.actor_id = s.actor_id AND r.rkey = s.rkey
             ORDER BY s.actor_id, s.sort_at_us, s.rkey, s.collection",
            beyond(&["actor_id", "sort_at_us", "rkey", "collection"], "")
        );
        let mut slice = Slice::default();
        tx.for_each(&sql, &params(after, limit), |row| {
            slice.rows += 1;
            let line: Line = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?];
            if !row.get::<bool>(4)? {
                let [actor, _, rkey, collection] = line;
                slice.findings.push(Finding {
                    check: "feed_items",
                    subject: Subject::Record { actor, collection, rkey },
                    expected: "no line in a feed".to_owned(),
                    found: "one that stands for nothing".to_owned(),
                    mend: Mend::FeedItem(line),
                });
            }
            slice.last = Some(line.to_vec());
            Ok(())
        })?;
        Ok(slice)
    }
}

/// Removes lines. What they should have stood for puts its own.
pub(crate) fn remove(tx: &mut Tx, lines: &[Line]) -> Result<(), StoreError> {
    let mut heads = Heads::default();
    feed::remove(tx, lines.iter().copied(), &mut heads)?;
    heads.write(tx)
}

/// Everything that one account reposted: each post by the lowest of its record keys.
pub(super) struct Reposts;

/// The reposts of the pair `s`: who reposted what.
const PAIR: &str = "t.subject_actor = s.subject_actor AND t.subject_rkey = s.subject_rkey
    AND t.subject_collection = s.subject_collection AND t.actor_id = s.actor_id";

impl Check for Reposts {
    fn name(&self) -> &'static str {
        "feed_reposts"
    }

    fn table(&self) -> &'static str {
        "repost"
    }

    fn width(&self) -> usize {
        2
    }

    fn look(&self, tx: &mut Tx, after: &[i64], limit: i64) -> Result<Slice, StoreError> {
        let repost = Collection::Repost.code();
        let rows = "repost_by_subject AS t CROSS JOIN repost AS r";
        let own = "r.actor_id = t.actor_id AND r.rkey = t.rkey";
        let lines = format!(
            "{rows} CROSS JOIN feed_item AS f WHERE {PAIR} AND {own} AND f.actor_id = t.actor_id
               AND f.sort_at_us = t.sort_at_us AND f.rkey = t.rkey AND f.collection = {repost}"
        );
        let sql = format!(
            "SELECT s.actor_id, s.rkey, s.subject_actor, s.subject_rkey, s.lowest,
                CASE WHEN s.lowest = 1 THEN (SELECT min(r.indexed_at_us) FROM {rows} WHERE {PAIR} AND {own}) END,
                CASE WHEN s.lowest = 1 THEN (SELECT max(r.indexed_at_us) FROM {lines}) END,
                CASE WHEN s.lowest = 1 THEN (SELECT count(*) FROM {lines}) END
             FROM (SELECT s.actor_id, s.rkey, s.subject_actor, s.subject_rkey, s.subject_collection,
                    CAST(CASE WHEN s.subject_collection = {post} AND NOT EXISTS
                        (SELECT 1 FROM repost_by_subject AS t WHERE {PAIR} AND t.rkey < s.rkey)
                        THEN 1 ELSE 0 END AS BIGINT) AS lowest
                FROM (SELECT * FROM repost {beyond}) AS s) AS s
             ORDER BY s.actor_id, s.rkey",
            post = Collection::Post.code(),
            beyond = beyond(&["actor_id", "rkey"], ""),
        );
        let mut slice = Slice::default();
        tx.for_each(&sql, &params(after, limit), |row| {
            slice.rows += 1;
            let key: Key = (row.get(0)?, row.get(1)?);
            slice.last = Some(vec![key.0, key.1]);
            if !row.get::<bool>(4)? {
                return Ok(());
            }
            let post: Key = (row.get(2)?, row.get(3)?);
            let (first, standing): (Option<i64>, Option<i64>) = (row.get(5)?, row.get(6)?);
            let count: Option<i64> = row.get(7)?;
            if count != Some(1) || first != standing {
                slice.findings.push(Finding {
                    check: "feed_reposts",
                    subject: Subject::record(key.0, Collection::Repost, key.1),
                    expected: "one line for the first repost of the post".to_owned(),
                    found: match count {
                        Some(1) => "one for a later repost".to_owned(),
                        Some(0) | None => "none".to_owned(),
                        Some(count) => format!("{count} lines"),
                    },
                    mend: Mend::RepostFeed { actor: key.0, post },
                });
            }
            Ok(())
        })?;
        Ok(slice)
    }
}

/// Writes the line of each pair of an account and a post it reposted.
pub(crate) fn mend_reposts(tx: &mut Tx, pairs: &[(i64, Key)]) -> Result<(), StoreError> {
    let [post, repost] = [Collection::Post, Collection::Repost].map(Collection::code);
    let rows = || pairs.iter().map(|(actor, post)| [*actor, post.0, post.1].map(Param::Int));
    let typed = "{rows:actor BIGINT, post_actor BIGINT, post_rkey BIGINT}";
    let pair = format!(
        "t.subject_actor = k.post_actor AND t.subject_rkey = k.post_rkey
           AND t.subject_collection = {post} AND t.actor_id = k.actor"
    );
    let mut heads = Heads::default();
    let standing: Vec<Line> = tx.query_many(
        &format!(
            "SELECT t.actor_id, t.sort_at_us, t.rkey
             FROM {typed} AS k CROSS JOIN repost_by_subject AS t WHERE {pair}"
        ),
        rows(),
        |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, repost]),
    )?;
    feed::remove(tx, standing, &mut heads)?;
    let first: Vec<feed::Item> = tx.query_many(
        &format!(
            "SELECT r.actor_id, r.rkey, r.created_at_us, r.indexed_at_us, r.subject_actor, r.subject_rkey
             FROM {typed} AS k CROSS JOIN repost AS r
             WHERE r.actor_id = k.actor AND r.rkey =
                (SELECT q.rkey FROM repost_by_subject AS t CROSS JOIN repost AS q
                 WHERE {pair} AND q.actor_id = t.actor_id AND q.rkey = t.rkey
                 ORDER BY q.indexed_at_us, q.rkey LIMIT 1)"
        ),
        rows(),
        |row| {
            let at_us = row.get::<i64>(2)?.min(row.get(3)?);
            Ok(repost::line((row.get(0)?, row.get(1)?), at_us, (row.get(4)?, row.get(5)?)))
        },
    )?;
    feed::insert(tx, first, Standing::Impossible, &mut heads)?;
    heads.write(tx)
}
