//! `listNotifications`, `getUnreadCount`, `updateSeen`: what an account is told.
//!
//! A notification about a record that is gone is not shown: the subject is looked up at read. It is
//! counted until it is seen, as other services of the network do. Of threads that the account
//! mutes nothing is told from then on. What it does not want to be told of ([`preferences`]) is
//! neither listed nor counted; what is taken down here is not counted. Among what is stored stands what is not:
//! posts of accounts to which it is [`subscribed`].
//!
//! [`preferences`]: super::preferences

use std::cmp::Reverse;

use millrace_atproto::syntax::Did;
use millrace_store::{Param, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cursor::TimeKey;
use super::muted_threads::{self, MutedThreads, ROOT};
use super::notification_row::{COLUMNS, NotificationRow, named, notification_row};
use super::preferences::Wanted;
use super::subscribed::{self, Reader};
use super::{Context, OwnCommand, Question, lookup, page_limit, subscribed_posts, taken_down};
use crate::apply::ids::Subject;
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::model::Notification;
use crate::reason::Reason;

/// Largest page.
pub const LIMIT_MAX: u32 = 100;
/// Unread notifications are counted up to here; clients show "30+" long before.
pub const UNREAD_MAX: i64 = 10_000;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListNotifications {
    pub actor: Did,
    /// Only these reasons; empty means all.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// Only what accounts did that the actor follows; unset: as the actor prefers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<bool>,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationPage {
    pub notifications: Vec<Notification>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The account's seen mark, if it ever set one.
    pub seen_at_us: Option<i64>,
    /// Only what accounts did that the actor follows was looked at.
    #[serde(default)]
    pub priority: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetUnreadCount {
    pub actor: Did,
    /// Only what accounts did that the actor follows; unset: as the actor prefers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnreadCount {
    pub count: i64,
}

/// Moves an account's seen mark to where it says, back or forth.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateSeen {
    pub actor: Did,
    pub seen_at_us: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Seen {}

/// What is read of each notification `n`: of the account `$1`, for the reasons `$2`, and for the
/// reasons `$3` of whom it follows. With it come the root of the thread its subject `p` is in, and
/// whether its own record is gone and still told of.
pub(super) fn notifications(columns: &str) -> String {
    let [post, verification] = [Collection::Post, Collection::Verification].map(Collection::code);
    format!(
        "SELECT {columns}, {ROOT}, CAST(CASE WHEN n.collection = {verification} AND NOT EXISTS
            (SELECT 1 FROM verification AS v WHERE v.actor_id = n.author AND v.rkey = n.rkey)
            THEN 1 ELSE 0 END AS BIGINT)
         FROM notification AS n LEFT JOIN post AS p
            ON n.subject_collection = {post} AND p.actor_id = n.subject_actor AND p.rkey = n.subject_rkey
         WHERE n.actor_id = $1
           AND (n.reason IN (SELECT a.id FROM {{id_list:$2}} AS a)
             OR (n.reason IN (SELECT b.id FROM {{id_list:$3}} AS b)
               AND EXISTS (SELECT 1 FROM follow_by_subject AS f
                 WHERE f.subject_actor = n.author AND f.actor_id = n.actor_id)))"
    )
}

/// The subject, if there is one, is still there.
pub(super) fn subject_is_there() -> String {
    let [profile, repost] = [Collection::Profile, Collection::Repost].map(Collection::code);
    format!(
        "(n.subject_collection IS NULL OR p.actor_id IS NOT NULL
            OR (n.subject_collection = {repost} AND EXISTS (SELECT 1 FROM repost AS s
                WHERE s.actor_id = n.subject_actor AND s.rkey = n.subject_rkey))
            OR (n.subject_collection = {profile} AND EXISTS (SELECT 1 FROM profile AS s
                WHERE s.actor_id = n.subject_actor))
            OR EXISTS (SELECT 1 FROM document AS s WHERE s.actor_id = n.subject_actor
                AND s.collection = n.subject_collection AND s.rkey = n.subject_rkey))"
    )
}

impl Question for ListNotifications {
    const NAME: &'static str = "listNotifications";
    type Answer = NotificationPage;

    fn answer(self, tx: &mut Tx, cx: &Context) -> Result<NotificationPage, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        let before = TimeKey::parse(self.cursor.as_deref())?;
        let wanted = Wanted::of(tx, &self.actor, &self.reasons, self.priority)?;
        let seen_at_us = seen_at_us(tx, &self.actor)?;
        let mut page = NotificationPage {
            notifications: Vec::new(),
            cursor: None,
            seen_at_us,
            priority: wanted.priority,
        };
        let Some(actor) = lookup::actor_id(tx, &self.actor)? else { return Ok(page) };
        let notifications = notifications(COLUMNS);
        let sql = format!(
            "{notifications} AND {}
               AND n.sort_at_us <= $4 AND (n.sort_at_us, n.rkey, n.author * 64 + n.collection) < ($4, $5, $6)
             ORDER BY n.sort_at_us DESC, n.rkey DESC, n.author * 64 + n.collection DESC LIMIT $7",
            subject_is_there()
        );
        let mut rows = tx.query(
            &sql,
            &[
                Param::Int(actor),
                Param::Ids(&wanted.of_all),
                Param::Ids(&wanted.of_followed),
                Param::Int(before.time_us),
                Param::Int(before.key),
                Param::Int(before.actor),
                Param::Int(limit + 1),
            ],
            notification_row,
        )?;
        if wanted.tells_of(Reason::SubscribedPost) {
            let reader = Reader { did: &self.actor, id: actor };
            let subscriptions = subscribed::subscriptions(tx, reader, cx.new_post, i64::MIN)?;
            let posts = subscribed_posts::newest(tx, actor, subscriptions, before, limit + 1)?;
            rows.extend(subscribed_posts::rows(tx, &posts)?);
            rows.sort_unstable_by_key(|row| Reverse(row.position()));
        }
        page.cursor = TimeKey::next(&mut rows, limit, NotificationRow::position);
        let muted = MutedThreads::of(tx, &self.actor)?;
        rows.retain(|row| !muted.mutes(row.root, row.sort_at_us));
        page.notifications = named(tx, rows)?;
        Ok(page)
    }
}

impl Question for GetUnreadCount {
    const NAME: &'static str = "getUnreadCount";
    type Answer = UnreadCount;

    fn answer(self, tx: &mut Tx, cx: &Context) -> Result<UnreadCount, DataplaneError> {
        let Some(actor) = lookup::actor_id(tx, &self.actor)? else {
            return Ok(UnreadCount { count: 0 });
        };
        let seen_at_us = seen_at_us(tx, &self.actor)?.unwrap_or(i64::MIN);
        let muted = MutedThreads::of(tx, &self.actor)?;
        let wanted = Wanted::of(tx, &self.actor, &[], self.priority)?;
        let sql = format!(
            "{} AND n.sort_at_us > $4 ORDER BY n.sort_at_us DESC LIMIT $5",
            notifications("n.sort_at_us, n.author, n.collection, n.rkey")
        );
        let params = [
            Param::Int(actor),
            Param::Ids(&wanted.of_all),
            Param::Ids(&wanted.of_followed),
            Param::Int(seen_at_us),
            Param::Int(UNREAD_MAX),
        ];
        let mut told: Vec<Subject> = Vec::new();
        tx.for_each(&sql, &params, |row| {
            let is_muted = muted.mutes(muted_threads::root(row, 4)?, row.get(0)?);
            if !is_muted && !row.get::<bool>(6)? {
                let (actor, collection, rkey) = (row.get(1)?, row.get(2)?, row.get(3)?);
                told.push(Subject { actor, collection, rkey });
            }
            Ok(())
        })?;
        if wanted.tells_of(Reason::SubscribedPost) {
            let reader = Reader { did: &self.actor, id: actor };
            let subscriptions = subscribed::subscriptions(tx, reader, cx.new_post, seen_at_us)?;
            let posts = subscribed_posts::since(tx, actor, &subscriptions, seen_at_us)?;
            let unmuted = posts.iter().filter(|post| !muted.mutes(post.root, post.sort_at_us));
            told.extend(unmuted.map(|post| taken_down::post((post.author, post.rkey))));
        }
        if taken_down::any(tx)? {
            let down = taken_down::among(tx, told.iter().copied())?;
            told.retain(|record| !down.hides(*record));
        }
        Ok(UnreadCount { count: (told.len() as i64).min(UNREAD_MAX) })
    }
}

impl OwnCommand for UpdateSeen {
    const NAME: &'static str = "updateSeen";
    type Answer = Seen;

    fn apply(self, tx: &mut Tx, _now_us: i64) -> Result<Seen, DataplaneError> {
        tx.execute(
            "INSERT INTO notification_seen (did, seen_at_us) VALUES ($1, $2)
             ON CONFLICT (did) DO UPDATE SET seen_at_us = excluded.seen_at_us",
            &[Param::Text(self.actor.as_str()), Param::Int(self.seen_at_us)],
        )?;
        Ok(Seen {})
    }
}

pub(super) fn seen_at_us(tx: &mut Tx, did: &Did) -> Result<Option<i64>, DataplaneError> {
    Ok(tx.query_opt(
        "SELECT seen_at_us FROM own.notification_seen WHERE did = $1",
        &[Param::Text(did.as_str())],
        |row| row.get(0),
    )?)
}
