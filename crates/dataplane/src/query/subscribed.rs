//! To whose activity an account is subscribed, as far as it counts: notifications that are stored nowhere, but
//! found in the authors' feeds when they are asked for ([`subscribed_posts`]), so that a subscription costs
//! nothing when somebody posts and ends with the moment it is given up.
//!
//! A subscription counts while its subject lets it: who follows them, or whom they follow too, or
//! nobody (`app.bsky.notification.declaration`). Where `notifications.new_post` says so, each of the latest follows
//! counts as one to posts that begin threads, from the time of the follow on.
//!
//! [`subscribed_posts`]: super::subscribed_posts

use std::cmp::Reverse;

use foldhash::{HashMap, HashSet};
use millrace_atproto::syntax::Did;
use millrace_store::{Param, Row, StoreError, Tx};
use serde::Deserialize;

use super::subscription::SUBSCRIPTIONS_MAX;
use super::timeline::FOLLOWS_MAX;
use super::{home_sources, lookup};
use crate::collection::Collection;
use crate::config::NewPost;
use crate::error::DataplaneError;

/// Who is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    pub did: &'a Did,
    pub id: i64,
}

/// A subscription that counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subscription {
    pub subject: i64,
    /// When the subject brought its newest item, or a time after that.
    pub head_us: i64,
    /// Of what is told, and since when; never where it is not.
    pub posts_since_us: Option<i64>,
    pub replies_since_us: Option<i64>,
}

impl Subscription {
    /// Nothing up to that time is told of.
    pub(super) fn begin_after(&mut self, after_us: i64) {
        for since in [&mut self.posts_since_us, &mut self.replies_since_us] {
            *since = since.map(|since_us| since_us.max(after_us));
        }
    }

    /// Nothing up to then is told of.
    pub(super) fn since_us(&self) -> i64 {
        let since = [self.posts_since_us, self.replies_since_us];
        since.into_iter().flatten().min().unwrap_or(i64::MAX)
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

/// What the subject `h` of a subscription declared, and whether it follows back if that may matter.
const ALLOWED: &str = "o.record, CAST(CASE WHEN o.record IS NOT NULL AND EXISTS (SELECT 1
        FROM follow_by_subject AS b WHERE b.subject_actor = $1 AND b.actor_id = h.actor_id)
        THEN 1 ELSE 0 END AS BIGINT)";
const DECLARED: &str =
    "LEFT JOIN document AS o ON o.actor_id = h.actor_id AND o.collection = $2 AND o.rkey = $3";

/// The subscriptions of an account that count, to those who brought anything after a time; who brought something
/// last comes first.
pub(super) fn subscriptions(
    tx: &mut Tx,
    reader: Reader<'_>,
    new_post: NewPost,
    after_us: i64,
) -> Result<Vec<Subscription>, DataplaneError> {
    // Without the key nobody has declared anything.
    let declared_at = lookup::side_table_id(tx, "self")?.unwrap_or(i64::MIN);
    let declaration = Collection::NotificationDeclaration.code();
    let params = [reader.id, declaration, declared_at, after_us].map(Param::Int);
    let mut found = asked_for(tx, reader, &params)?;
    if new_post == NewPost::Followers {
        add_followed(tx, reader, &params, &mut found)?;
    }
    let mut found: Vec<Subscription> = found.into_values().collect();
    found.sort_unstable_by_key(|one| Reverse((one.head_us, one.subject)));
    Ok(found)
}

/// What the account asked for, by subject.
fn asked_for(
    tx: &mut Tx,
    reader: Reader<'_>,
    params: &[Param<'_>; 4],
) -> Result<HashMap<i64, Subscription>, StoreError> {
    let sql = format!(
        "SELECT h.actor_id, h.sort_at_us, s.posts_since_us, s.replies_since_us, {ALLOWED}
         FROM own.activity_subscription AS s CROSS JOIN dictionary.actor AS d CROSS JOIN feed_head AS h {DECLARED}
         WHERE s.did = $5 AND d.did = s.subject AND h.actor_id = d.id AND h.sort_at_us > $4
           AND (h.sort_at_us > s.posts_since_us OR h.sort_at_us > s.replies_since_us)
           AND EXISTS (SELECT 1 FROM follow_by_subject AS f
             WHERE f.subject_actor = d.id AND f.actor_id = $1)
         LIMIT $6"
    );
    let [actor, collection, rkey, after] = *params;
    let did = Param::from(reader.did);
    let params = [actor, collection, rkey, after, did, Param::Int(SUBSCRIPTIONS_MAX)];
    let found = tx.query(&sql, &params, subscription)?;
    Ok(found.into_iter().flatten().map(|one| (one.subject, one)).collect())
}

/// Whom it follows, besides, unless it mutes them or a block stands between: it did not ask for these.
fn add_followed(
    tx: &mut Tx,
    reader: Reader<'_>,
    params: &[Param<'_>; 4],
    found: &mut HashMap<i64, Subscription>,
) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT h.actor_id, h.sort_at_us, f.since_us, CAST(NULL AS BIGINT), {ALLOWED}
         FROM (SELECT subject_actor,
                CASE WHEN created_at_us < indexed_at_us THEN created_at_us ELSE indexed_at_us END AS since_us
              FROM follow WHERE actor_id = $1 AND subject_actor <> $1 ORDER BY rkey DESC LIMIT $5) AS f
         CROSS JOIN feed_head AS h {DECLARED}
         WHERE h.actor_id = f.subject_actor AND h.sort_at_us > $4 AND h.sort_at_us > f.since_us"
    );
    let [actor, collection, rkey, after] = *params;
    let params = [actor, collection, rkey, after, Param::Int(FOLLOWS_MAX)];
    let followed = tx.query(&sql, &params, subscription)?;
    let hidden: HashSet<i64> =
        home_sources::hidden(tx, reader.id, reader.did)?.into_iter().collect();
    let followed = followed.into_iter().flatten().filter(|one| !hidden.contains(&one.subject));
    for followed in followed {
        let known = found.entry(followed.subject).or_insert(followed);
        // Whoever follows twice does so since the first time; who asked for posts is told since the follow.
        let since = [known.posts_since_us, followed.posts_since_us];
        known.posts_since_us = since.into_iter().flatten().min();
    }
    Ok(())
}

/// Reads a subscription, if it counts.
fn subscription(row: &Row<'_>) -> Result<Option<Subscription>, StoreError> {
    let declaration: Option<String> = row.get(4)?;
    let subscription = Subscription {
        subject: row.get(0)?,
        head_us: row.get(1)?,
        posts_since_us: row.get(2)?,
        replies_since_us: row.get(3)?,
    };
    Ok(allows(declaration.as_deref(), row.get(5)?).then_some(subscription))
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
