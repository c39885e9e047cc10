//! `app.bsky.feed.repost`: an [edge](super::edge) that adds to its subject's reposts and puts the
//! post into the feed of whoever reposted it. The subject's author is told of it.

use std::collections::BTreeSet;

use millrace_store::{Param, Row, StoreError, Tx};

use super::change::Target;
use super::edge::{self, Applied, EdgeKind};
use super::feed::{self, Heads, Standing};
use super::ids::Subject;
use super::{Effects, Key, Op, notify};
use crate::collection::Collection;
use crate::reason::Reason;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repost;

impl EdgeKind for Repost {
    const COLLECTION: Collection = Collection::Repost;
    const TABLE: &'static str = "repost";
    const BY_TARGET: &'static str = "repost_by_subject";
    const COLUMNS: &'static [&'static str] = Subject::COLUMNS;
    type Target = Subject;

    fn values(subject: Subject) -> Vec<i64> {
        subject.values()
    }

    fn read(row: &Row<'_>, first: usize) -> Result<Subject, StoreError> {
        Subject::read(row, first)
    }

    fn named(subject: Subject, _: i64) -> Target {
        Target::Record(subject)
    }
}

pub(crate) fn apply(
    tx: &mut Tx,
    ops: &[Op<edge::Fields<Subject>>],
    effects: &mut Effects,
) -> Result<(), StoreError> {
    if ops.is_empty() {
        return Ok(());
    }
    let applied = edge::apply::<Repost>(tx, ops, effects)?;
    for ((subject, _), change) in &applied.pairs {
        effects.counters.record(*subject).reposts += change;
    }
    feed_items(tx, &applied, &mut effects.heads)?;
    notify::send(tx, &applied.notices(Reason::Repost, Reason::RepostViaRepost))
}

/// A post stands in an account's feed once, by the first of its reposts that is left.
fn feed_items(
    tx: &mut Tx,
    applied: &Applied<'_, Repost>,
    heads: &mut Heads,
) -> Result<(), StoreError> {
    let removed = applied.decision.removed.iter();
    let lines =
        removed.map(|row| [row.key.0, row.sort_at_us(), row.key.1, Collection::Repost.code()]);
    feed::remove(tx, lines, heads)?;
    let begun = applied.told();
    let mut items: Vec<Item> =
        begun.map(|(row, _)| (row.key, row.sort_at_us(), row.target)).collect();
    items.extend(left(tx, applied)?);
    let lines =
        items.into_iter().filter_map(|(key, at_us, target)| Some(line(key, at_us, target.post()?)));
    feed::insert(tx, lines, Standing::Stays, heads)
}

/// The line of a repost.
pub(crate) fn line(key: Key, sort_at_us: i64, post: Key) -> feed::Item {
    let collection = Collection::Repost;
    feed::Item { key, collection, sort_at_us, post, flags: 0, root_actor: None }
}

/// A repost's key, its time and what it reposts.
type Item = (Key, i64, Subject);

/// The repost of each pair that lost one and still has others which stands in the feed, or shall: the
/// first.
fn left(tx: &mut Tx, applied: &Applied<'_, Repost>) -> Result<Vec<Item>, StoreError> {
    let pairs: BTreeSet<(Subject, i64)> =
        applied.decision.removed.iter().map(|row| (row.target, row.key.0)).collect();
    let stay = pairs.into_iter().filter(|pair| !applied.pairs.contains_key(pair));
    let found = tx.query_many(
        "SELECT k.actor, k.collection, k.rkey, k.author, (SELECT t.rkey
             FROM repost_by_subject AS t CROSS JOIN repost AS r
             WHERE t.subject_actor = k.actor AND t.subject_rkey = k.rkey AND t.subject_collection = k.collection
               AND t.actor_id = k.author AND r.actor_id = t.actor_id AND r.rkey = t.rkey
             ORDER BY (SELECT count(*) FROM feed_item AS f WHERE f.actor_id = t.actor_id
                 AND f.sort_at_us = t.sort_at_us AND f.rkey = t.rkey AND f.collection = 5) DESC,
               r.indexed_at_us, r.rkey LIMIT 1)
         FROM {rows:actor BIGINT, rkey BIGINT, collection BIGINT, author BIGINT} AS k",
        stay.map(|(target, author)| {
            [target.actor, target.rkey, target.collection, author].map(Param::Int)
        }),
        |row| {
            let target = Subject::read(row, 0)?;
            Ok((target, row.get::<i64>(3)?, row.get::<Option<i64>>(4)?))
        },
    )?;
    let mut items = Vec::with_capacity(found.len());
    for (target, author, rkey) in found {
        let Some(rkey) = rkey else { continue };
        let at_us = tx.query_opt(
            "SELECT created_at_us, indexed_at_us FROM repost WHERE actor_id = $1 AND rkey = $2",
            &[Param::Int(author), Param::Int(rkey)],
            |row| Ok(row.get::<i64>(0)?.min(row.get::<i64>(1)?)),
        )?;
        items.extend(at_us.map(|at_us| ((author, rkey), at_us, target)));
    }
    Ok(items)
}
