//! `getPushNews`: what happened around an account that its devices are told of: what it wants pushed, has not seen,
//! and may see.

use std::cmp::Reverse;

use foldhash::HashSet;
use millrace_atproto::syntax::Did;
use millrace_store::{Param, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cursor::TimeKey;
use super::muted_threads::MutedThreads;
use super::notification_row::{COLUMNS, NotificationRow, named, notification_row};
use super::notifications::{notifications, seen_at_us, subject_is_there};
use super::preferences::Wanted;
use super::subscribed::{self, Reader};
use super::{Context, Question, home_sources, lookup, page_limit, subscribed_posts, taken_down};
use crate::apply::ids::Subject;
use crate::error::DataplaneError;
use crate::reason::Reason;

/// Most of it that is told at once.
pub const LIMIT_MAX: u32 = 100;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetPushNews {
    pub actor: Did,
    /// Only what happened after that time.
    pub after_us: i64,
    pub limit: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PushNews {
    /// The newest first.
    pub news: Vec<PushedNotice>,
}

/// What a device is told of one notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PushedNotice {
    pub uri: String,
    pub reason: Reason,
    pub author: Did,
    /// The author's handle, if it has one that is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    pub sort_at_us: i64,
}

impl Question for GetPushNews {
    const NAME: &'static str = "getPushNews";
    type Answer = PushNews;

    fn answer(self, tx: &mut Tx, cx: &Context) -> Result<PushNews, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        let Some(actor) = lookup::actor_id(tx, &self.actor)? else {
            return Ok(PushNews { news: Vec::new() });
        };
        let after_us = seen_at_us(tx, &self.actor)?.unwrap_or(i64::MIN).max(self.after_us);
        let wanted = Wanted::pushed(tx, &self.actor)?;
        let mut rows = stored(tx, actor, &wanted, after_us, limit)?;
        if wanted.tells_of(Reason::SubscribedPost) {
            let reader = Reader { did: &self.actor, id: actor };
            let mut subscriptions = subscribed::subscriptions(tx, reader, cx.new_post, after_us)?;
            subscriptions.iter_mut().for_each(|one| one.begin_after(after_us));
            let start = TimeKey::START;
            let posts = subscribed_posts::newest(tx, actor, subscriptions, start, limit)?;
            rows.extend(subscribed_posts::rows(tx, &posts)?);
            rows.sort_unstable_by_key(|row| Reverse(row.position()));
            rows.truncate(usize::try_from(limit).unwrap_or_default());
        }
        let muted = MutedThreads::of(tx, &self.actor)?;
        let hidden: HashSet<i64> = match rows.is_empty() {
            true => HashSet::default(),
            false => home_sources::hidden(tx, actor, &self.actor)?.into_iter().collect(),
        };
        let down = match taken_down::any(tx)? {
            true => Some(taken_down::among(tx, rows.iter().map(record))?),
            false => None,
        };
        rows.retain(|row| {
            !row.gone
                && !muted.mutes(row.root, row.sort_at_us)
                && !hidden.contains(&row.author)
                && !down.as_ref().is_some_and(|down| down.hides(record(row)))
        });
        told(tx, rows)
    }
}

fn record(row: &NotificationRow) -> Subject {
    Subject { actor: row.author, collection: row.collection, rkey: row.rkey }
}

/// The newest of what is stored.
fn stored(
    tx: &mut Tx,
    actor: i64,
    wanted: &Wanted,
    after_us: i64,
    limit: i64,
) -> Result<Vec<NotificationRow>, DataplaneError> {
    let sql = format!(
        "{} AND {} AND n.sort_at_us > $4
         ORDER BY n.sort_at_us DESC, n.rkey DESC, n.author * 64 + n.collection DESC LIMIT $5",
        notifications(COLUMNS),
        subject_is_there()
    );
    let params = [
        Param::Int(actor),
        Param::Ids(&wanted.of_all),
        Param::Ids(&wanted.of_followed),
        Param::Int(after_us),
        Param::Int(limit),
    ];
    Ok(tx.query(&sql, &params, notification_row)?)
}

/// The rows with the handles of who did it, as far as their accounts are active.
fn told(tx: &mut Tx, rows: Vec<NotificationRow>) -> Result<PushNews, DataplaneError> {
    let found = tx.query_many(
        "SELECT d.did, a.handle FROM {rows:id BIGINT} AS k CROSS JOIN actor AS a
         CROSS JOIN dictionary.actor AS d WHERE a.actor_id = k.id AND a.active = 1 AND d.id = k.id",
        rows.iter().map(|row| [Param::Int(row.author)]),
        |row| Ok((row.get::<String>(0)?, row.get::<Option<String>>(1)?)),
    )?;
    let handles: foldhash::HashMap<String, Option<String>> = found.into_iter().collect();
    let mut news = Vec::with_capacity(rows.len());
    for one in named(tx, rows)? {
        let Some(handle) = handles.get(one.author.as_str()) else { continue };
        let Some(reason) = Reason::from_name(&one.reason) else { continue };
        news.push(PushedNotice {
            uri: one.uri,
            reason,
            author: one.author,
            handle: handle.clone(),
            sort_at_us: one.sort_at_us,
        });
    }
    Ok(PushNews { news })
}
