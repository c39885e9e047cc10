//! `listNotifications`, `getUnreadCount`, `updateSeen`: what an account is told.
//!
//! A notification about a post that is gone is not shown: the subject is looked up at read.

use millrace_atproto::syntax::Did;
use millrace_store::{Param, Tx};
use serde::{Deserialize, Serialize};

use super::cursor::TimeKey;
use super::{Context, OwnCommand, Question, lookup, page_limit};
use crate::error::DataplaneError;
use crate::model::Notification;
use crate::reason::Reason;

/// Largest page.
pub const LIMIT_MAX: u32 = 100;
/// Unread notifications are counted up to here; clients show "30+" long before.
pub const UNREAD_MAX: i64 = 10_000;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListNotifications {
    pub actor: Did,
    /// Only these reasons; empty means all.
    #[serde(default)]
    pub reasons: Vec<String>,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotificationPage {
    pub notifications: Vec<Notification>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The account's seen mark, if it ever set one.
    pub seen_at_us: Option<i64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetUnreadCount {
    pub actor: Did,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnreadCount {
    pub count: i64,
}

/// Moves an account's seen mark to where it says, back or forth.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateSeen {
    pub actor: Did,
    pub seen_at_us: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Seen {}

/// The subject of a notification must still be there when it is a post of this network.
const SHOWN: &str = "(n.subject_collection IS NULL OR n.subject_collection <> $2 OR EXISTS
    (SELECT 1 FROM post AS p WHERE p.actor_id = n.subject_actor AND p.rkey = n.subject_rkey))";

struct Row {
    sort_at_us: i64,
    author: i64,
    rkey: i64,
    collection: i64,
    reason: i64,
    subject: Option<(i64, i64, i64)>,
    cid: Vec<u8>,
    record: String,
}

impl Question for ListNotifications {
    const NAME: &'static str = "listNotifications";
    type Answer = NotificationPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<NotificationPage, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        let before = TimeKey::parse(self.cursor.as_deref())?;
        let reasons = wanted(&self.reasons);
        let seen_at_us = seen_at_us(tx, &self.actor)?;
        let mut page = NotificationPage { notifications: Vec::new(), cursor: None, seen_at_us };
        let Some(actor) = lookup::actor_id(tx, &self.actor)? else { return Ok(page) };
        let sql = format!(
            "SELECT n.sort_at_us, n.author, n.rkey, n.collection, n.reason,
                    n.subject_actor, n.subject_collection, n.subject_rkey, n.cid, n.record
             FROM notification AS n
             WHERE n.actor_id = $1 AND {SHOWN} AND n.reason IN (SELECT ids.id FROM {{id_list:$3}} AS ids)
               AND n.sort_at_us <= $4 AND (n.sort_at_us, n.rkey, n.author * 64 + n.collection) < ($4, $5, $6)
             ORDER BY n.sort_at_us DESC, n.rkey DESC, n.author * 64 + n.collection DESC LIMIT $7"
        );
        let mut rows = tx.query(
            &sql,
            &[
                Param::Int(actor),
                Param::Int(crate::collection::Collection::Post.code()),
                Param::Ids(&reasons),
                Param::Int(before.time_us),
                Param::Int(before.key),
                Param::Int(before.actor),
                Param::Int(limit + 1),
            ],
            row,
        )?;
        page.cursor = TimeKey::next(&mut rows, limit, |row| {
            (row.sort_at_us, row.rkey, row.author * 64 + row.collection)
        });
        page.notifications = named(tx, rows)?;
        Ok(page)
    }
}

impl Question for GetUnreadCount {
    const NAME: &'static str = "getUnreadCount";
    type Answer = UnreadCount;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<UnreadCount, DataplaneError> {
        let Some(actor) = lookup::actor_id(tx, &self.actor)? else {
            return Ok(UnreadCount { count: 0 });
        };
        let seen_at_us = seen_at_us(tx, &self.actor)?.unwrap_or(i64::MIN);
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 AS one FROM notification AS n
             WHERE n.actor_id = $1 AND {SHOWN} AND n.sort_at_us > $3 LIMIT $4) AS unread"
        );
        let post = crate::collection::Collection::Post.code();
        let params =
            [Param::Int(actor), Param::Int(post), Param::Int(seen_at_us), Param::Int(UNREAD_MAX)];
        Ok(UnreadCount { count: tx.query_one(&sql, &params, |row| row.get(0))? })
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

fn wanted(reasons: &[String]) -> Vec<i64> {
    if reasons.is_empty() {
        return Reason::ALL.iter().map(|reason| reason.code()).collect();
    }
    reasons.iter().filter_map(|name| Reason::from_name(name)).map(Reason::code).collect()
}

fn seen_at_us(tx: &mut Tx, did: &Did) -> Result<Option<i64>, DataplaneError> {
    Ok(tx.query_opt(
        "SELECT seen_at_us FROM own.notification_seen WHERE did = $1",
        &[Param::Text(did.as_str())],
        |row| row.get(0),
    )?)
}

fn row(row: &millrace_store::Row<'_>) -> Result<Row, millrace_store::StoreError> {
    let subject_actor: Option<i64> = row.get(5)?;
    let subject_collection: Option<i64> = row.get(6)?;
    let subject_rkey: Option<i64> = row.get(7)?;
    Ok(Row {
        sort_at_us: row.get(0)?,
        author: row.get(1)?,
        rkey: row.get(2)?,
        collection: row.get(3)?,
        reason: row.get(4)?,
        subject: subject_actor
            .zip(subject_collection)
            .zip(subject_rkey)
            .map(|((a, c), r)| (a, c, r)),
        cid: row.get(8)?,
        record: row.get(9)?,
    })
}

fn named(tx: &mut Tx, rows: Vec<Row>) -> Result<Vec<Notification>, DataplaneError> {
    let subjects = || rows.iter().filter_map(|row| row.subject);
    let names = lookup::Names::of(
        tx,
        rows.iter().map(|row| row.author).chain(subjects().map(|s| s.0)),
        rows.iter().map(|row| row.rkey).chain(subjects().flat_map(|s| [s.1, s.2])),
    )?;
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        let reason = Reason::from_code(row.reason).ok_or_else(|| {
            DataplaneError::Internal(format!("unknown notification reason {}", row.reason))
        })?;
        let reason_subject =
            row.subject.map(|(actor, collection, rkey)| names.uri(actor, collection, rkey));
        shown.push(Notification {
            uri: names.uri(row.author, row.collection, row.rkey)?,
            cid: lookup::cid(&row.cid)?,
            author: names.did(row.author)?.clone(),
            reason: reason.name().to_owned(),
            reason_subject: reason_subject.transpose()?,
            record: lookup::raw(row.record)?,
            sort_at_us: row.sort_at_us,
        });
    }
    Ok(shown)
}
