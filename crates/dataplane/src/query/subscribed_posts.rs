//! The posts that subscriptions tell of. A post that is told of for another reason, because it answers or mentions,
//! is not told of twice; a reply that its thread's gate did not allow, not at all.
//!
//! A page looks at the accounts that brought something last, one after the other, until the others cannot have
//! anything newer than what it has: of thousands that is about as many as it has lines.

use std::cmp::Reverse;

use foldhash::HashMap;
use millrace_store::{Param, Row, StoreError, Tx};

use super::cursor::TimeKey;
use super::muted_threads::{self, ROOT};
use super::newest_items::{Kinds, heads};
use super::notification_row::NotificationRow;
use super::notifications::UNREAD_MAX;
use super::subscribed::Subscription;
use super::thread::Key;
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::flags;
use crate::reason::Reason;

/// Subscriptions whose unread posts are counted together.
const COUNTED_TOGETHER: usize = 100;

/// A post that is told of, with the root of its thread.
#[derive(Debug, Clone, Copy)]
pub(super) struct Post {
    pub sort_at_us: i64,
    pub author: i64,
    pub rkey: i64,
    pub root: Option<Key>,
}

impl Post {
    /// As a cursor has it.
    fn position(&self) -> (i64, i64, i64) {
        (self.sort_at_us, self.rkey, self.author * 64 + Collection::Post.code())
    }
}

/// The posts of subscriptions that are told of: of which account, after when, posts since when, replies since when,
/// and to whom. Where these are parameters, the newest are found without looking at the others.
fn told(from: &str, [subject, after_us, posts_us, replies_us, viewer]: [&str; 5]) -> String {
    let (post, reply, refused) =
        (Collection::Post.code(), flags::REPLY, flags::VIOLATES_THREADGATE);
    format!(
        "SELECT i.sort_at_us, i.actor_id, i.rkey, {ROOT}
         FROM {from} feed_item AS i CROSS JOIN post AS p
         WHERE i.actor_id = {subject} AND i.collection = {post} AND i.sort_at_us > {after_us}
           AND p.actor_id = i.actor_id AND p.rkey = i.rkey
           AND i.sort_at_us > CASE WHEN (p.flags & {reply}) = 0 THEN {posts_us} ELSE {replies_us} END
           AND (p.flags & {refused}) = 0
           AND NOT EXISTS (SELECT 1 FROM notification AS n WHERE n.author = i.actor_id
             AND n.rkey = i.rkey AND n.collection = i.collection AND n.actor_id = {viewer})"
    )
}

fn post(row: &Row<'_>) -> Result<Post, StoreError> {
    Ok(Post {
        sort_at_us: row.get(0)?,
        author: row.get(1)?,
        rkey: row.get(2)?,
        root: muted_threads::root(row, 3)?,
    })
}

/// The `wanted` newest posts before a cursor, newest first; `subscriptions` are as [`subscribed`] gives them.
///
/// [`subscribed`]: super::subscribed
pub(super) fn newest(
    tx: &mut Tx,
    viewer: i64,
    mut subscriptions: Vec<Subscription>,
    before: TimeKey,
    wanted: i64,
) -> Result<Vec<Post>, DataplaneError> {
    if before != TimeKey::START {
        set_heads(tx, &mut subscriptions, before)?;
    }
    let sql = format!(
        "{} AND i.sort_at_us <= $6
           AND (i.sort_at_us, i.rkey, i.actor_id * 64 + i.collection) < ($6, $7, $8)
         ORDER BY i.sort_at_us DESC, i.rkey DESC LIMIT $9",
        told("", ["$1", "$2", "$3", "$4", "$5"])
    );
    let size = usize::try_from(wanted).unwrap_or(usize::MAX);
    let mut posts: Vec<Post> = Vec::new();
    for subscription in &subscriptions {
        // What is as old as the last one may still stand before it.
        let floor_us = match posts.get(size - 1) {
            Some(last) => last.sort_at_us - 1,
            None => i64::MIN,
        };
        if subscription.head_us <= floor_us {
            break;
        }
        let of_it = params(subscription, viewer, floor_us);
        let page = [before.time_us, before.key, before.actor, wanted].map(Param::Int);
        posts.extend(tx.query(&sql, &[&of_it[..], &page[..]].concat(), post)?);
        // Never more at once than two pages.
        posts.sort_unstable_by_key(|post| Reverse(post.position()));
        posts.truncate(size);
    }
    Ok(posts)
}

/// What [`told`] has to know of a subscription.
fn params(subscription: &Subscription, viewer: i64, after_us: i64) -> [Param<'static>; 5] {
    let Subscription { subject, posts_since_us, replies_since_us, .. } = *subscription;
    [
        subject,
        subscription.since_us().max(after_us),
        posts_since_us.unwrap_or(i64::MAX),
        replies_since_us.unwrap_or(i64::MAX),
        viewer,
    ]
    .map(Param::Int)
}

/// Sets each head to the newest post before a cursor, and leaves out who has none.
fn set_heads(
    tx: &mut Tx,
    subscriptions: &mut Vec<Subscription>,
    before: TimeKey,
) -> Result<(), DataplaneError> {
    let subjects: Vec<i64> = subscriptions.iter().map(|one| one.subject).collect();
    let heads = heads(tx, &subjects, before, Kinds::Posts)?;
    let heads: HashMap<i64, i64> = heads.into_iter().map(|(head_us, id)| (id, head_us)).collect();
    subscriptions.retain_mut(|one| {
        let Some(head_us) = heads.get(&one.subject) else { return false };
        one.head_us = *head_us;
        *head_us > one.since_us()
    });
    subscriptions.sort_unstable_by_key(|one| Reverse((one.head_us, one.subject)));
    Ok(())
}

/// Posts after a time: all of them, or as many as are counted.
pub(super) fn since(
    tx: &mut Tx,
    viewer: i64,
    subscriptions: &[Subscription],
    after_us: i64,
) -> Result<Vec<Post>, StoreError> {
    let rows =
        "{rows:subject BIGINT, after_us BIGINT, posts_us BIGINT, replies_us BIGINT, viewer BIGINT}
         AS k CROSS JOIN";
    let of = ["k.subject", "k.after_us", "k.posts_us", "k.replies_us", "k.viewer"];
    let sql = format!("{} LIMIT {UNREAD_MAX}", told(rows, of));
    let mut posts: Vec<Post> = Vec::new();
    for some in subscriptions.chunks(COUNTED_TOGETHER) {
        if posts.len() as i64 >= UNREAD_MAX {
            break;
        }
        let some = some.iter().map(|one| params(one, viewer, after_us));
        posts.extend(tx.query_many(&sql, some, post)?);
    }
    Ok(posts)
}

/// The posts as notifications.
pub(super) fn rows(tx: &mut Tx, posts: &[Post]) -> Result<Vec<NotificationRow>, StoreError> {
    let found = tx.query_many(
        "SELECT p.actor_id, p.rkey, p.cid, p.record FROM {rows:actor BIGINT, rkey BIGINT} AS k
         CROSS JOIN post AS p WHERE p.actor_id = k.actor AND p.rkey = k.rkey",
        posts.iter().map(|post| [post.author, post.rkey].map(Param::Int)),
        |row| Ok(((row.get(0)?, row.get(1)?), (row.get(2)?, row.get(3)?))),
    )?;
    let mut records: HashMap<Key, (Vec<u8>, String)> = found.into_iter().collect();
    let rows = posts.iter().filter_map(|post| {
        let (cid, record) = records.remove(&(post.author, post.rkey))?;
        Some(NotificationRow {
            sort_at_us: post.sort_at_us,
            author: post.author,
            rkey: post.rkey,
            collection: Collection::Post.code(),
            reason: Reason::SubscribedPost.code(),
            subject: None,
            cid,
            record,
            root: post.root,
            gone: false,
        })
    });
    Ok(rows.collect())
}
