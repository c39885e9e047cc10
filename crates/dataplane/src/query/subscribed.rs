//! What accounts posted to whose activity another is subscribed: notifications that are stored nowhere,
//! but found in the authors' feeds when they are asked for, so that a subscription costs nothing
//! when somebody posts and ends with the moment it is given up.
//!
//! A subscription counts while its subject lets it: who follows them, or whom they follow too, or
//! nobody (`app.bsky.notification.declaration`). A post that is told of for another reason, because
//! it answers or mentions, is not told of twice; a reply that its thread's gate did not allow, not at all.

use std::cmp::Reverse;

use foldhash::HashMap;
use millrace_atproto::syntax::Did;
use millrace_store::{Param, StoreError, Tx};
use serde::Deserialize;

use super::cursor::TimeKey;
use super::lookup;
use super::muted_threads::{self, ROOT};
use super::notification_row::NotificationRow;
use super::subscription::SUBSCRIPTIONS_MAX;
use super::thread::Key;
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::flags;
use crate::reason::Reason;

/// A subscription that counts.
#[derive(Debug)]
pub(super) struct Subscription {
    subject: i64,
    /// Of what is told, and since when; never where it is not.
    posts_since_us: Option<i64>,
    replies_since_us: Option<i64>,
}

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

/// Whoever follows may be told, unless an account says otherwise.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Declaration {
    allow_subscriptions: String,
}

fn allows(declaration: Option<&str>, is_mutual: bool) -> bool {
    let said = declaration.and_then(|json| serde_json::from_str::<Declaration>(json).ok());
    match said.as_ref().map(|said| said.allow_subscriptions.as_str()) {
        Some("none") => false,
        Some("mutuals") => is_mutual,
        _ => true,
    }
}

const SUBSCRIPTIONS: &str = "SELECT d.id, s.posts_since_us, s.replies_since_us, o.record,
        CAST(CASE WHEN EXISTS (SELECT 1 FROM follow_by_subject AS b
            WHERE b.subject_actor = $2 AND b.actor_id = d.id) THEN 1 ELSE 0 END AS BIGINT)
    FROM own.activity_subscription AS s CROSS JOIN dictionary.actor AS d CROSS JOIN feed_head AS h
    LEFT JOIN document AS o ON o.actor_id = d.id AND o.collection = $3 AND o.rkey = $4
    WHERE s.did = $1 AND d.did = s.subject AND h.actor_id = d.id AND h.sort_at_us > $5
      AND (h.sort_at_us > s.posts_since_us OR h.sort_at_us > s.replies_since_us)
      AND EXISTS (SELECT 1 FROM follow_by_subject AS f WHERE f.subject_actor = d.id AND f.actor_id = $2)
    LIMIT $6";

/// The subscriptions of an account that count, to those who brought anything after a time.
pub(super) fn subscriptions(
    tx: &mut Tx,
    (did, id): (&Did, i64),
    after_us: i64,
) -> Result<Vec<Subscription>, DataplaneError> {
    // Without the key nobody has declared anything.
    let declared_at = lookup::side_table_id(tx, "self")?.unwrap_or(i64::MIN);
    let params = [
        Param::from(did),
        Param::Int(id),
        Param::Int(Collection::NotificationDeclaration.code()),
        Param::Int(declared_at),
        Param::Int(after_us),
        Param::Int(SUBSCRIPTIONS_MAX),
    ];
    let found = tx.query(SUBSCRIPTIONS, &params, |row| {
        let declaration: Option<String> = row.get(3)?;
        let subscription = Subscription {
            subject: row.get(0)?,
            posts_since_us: row.get(1)?,
            replies_since_us: row.get(2)?,
        };
        Ok(allows(declaration.as_deref(), row.get(4)?).then_some(subscription))
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// The `wanted` newest posts before a cursor and after a time, newest first.
pub(super) fn newest(
    tx: &mut Tx,
    viewer: i64,
    subscriptions: &[Subscription],
    (before, after_us): (TimeKey, i64),
    wanted: i64,
) -> Result<Vec<Post>, StoreError> {
    let (post, reply, refused) =
        (Collection::Post.code(), flags::REPLY, flags::VIOLATES_THREADGATE);
    let sql = format!(
        "SELECT i.sort_at_us, i.actor_id, i.rkey, {ROOT}
         FROM feed_item AS i CROSS JOIN post AS p
         WHERE i.actor_id = $1 AND i.collection = {post} AND p.actor_id = i.actor_id AND p.rkey = i.rkey
           AND i.sort_at_us > $2 AND i.sort_at_us <= $3
           AND (i.sort_at_us, i.rkey, i.actor_id * 64 + i.collection) < ($3, $4, $5)
           AND i.sort_at_us > CASE WHEN (p.flags & {reply}) = 0 THEN $6 ELSE $7 END
           AND (p.flags & {refused}) = 0
           AND NOT EXISTS (SELECT 1 FROM notification AS n WHERE n.author = i.actor_id
             AND n.rkey = i.rkey AND n.collection = i.collection AND n.actor_id = $8)
         ORDER BY i.sort_at_us DESC, i.rkey DESC LIMIT $9"
    );
    let mut posts: Vec<Post> = Vec::new();
    for subscription in subscriptions {
        let params = [
            subscription.subject,
            after_us,
            before.time_us,
            before.key,
            before.actor,
            subscription.posts_since_us.unwrap_or(i64::MAX),
            subscription.replies_since_us.unwrap_or(i64::MAX),
            viewer,
            wanted,
        ];
        tx.for_each(&sql, &params.map(Param::Int), |row| {
            posts.push(Post {
                sort_at_us: row.get(0)?,
                author: row.get(1)?,
                rkey: row.get(2)?,
                root: muted_threads::root(row, 3)?,
            });
            Ok(())
        })?;
        // Never more at once than two pages.
        posts.sort_unstable_by_key(|post| Reverse(post.position()));
        posts.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn followers_are_told_unless_it_is_declared_otherwise() {
        let check = |declaration: Option<&str>, follower: bool, mutual: bool| {
            assert_eq!(allows(declaration, false), follower, "{declaration:?}");
            assert_eq!(allows(declaration, true), mutual, "{declaration:?}");
        };
        check(None, true, true);
        check(Some(r#"{"allowSubscriptions":"followers"}"#), true, true);
        check(Some(r#"{"allowSubscriptions":"mutuals"}"#), false, true);
        check(Some(r#"{"allowSubscriptions":"none"}"#), false, false);
        check(Some(r#"{"allowSubscriptions":"somebody"}"#), true, true);
        check(Some(r#"{"allowSubscriptions":7}"#), true, true);
        check(Some("x"), true, true);
    }
}
