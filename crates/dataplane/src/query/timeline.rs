//! `getTimeline`: what the accounts an actor follows brought, newest first, read by pull.
//!
//! The follows are read once, then their items within a window of time that widens until the
//! page is full: a clustered range per followed account, never a scan of their history.

use millrace_atproto::syntax::Did;
use millrace_store::{Param, Tx};
use serde::{Deserialize, Serialize};

use super::author_feed::{FeedPage, ItemRow, page};
use super::cursor::TimeKey;
use super::{Context, Question, lookup, page_limit};
use crate::error::DataplaneError;

/// Largest page.
pub const LIMIT_MAX: u32 = 100;
/// Followed accounts that are looked at, the latest follows first.
pub const FOLLOWS_MAX: i64 = 10_000;
/// The first window; each next one reaches eight times as far back.
const WINDOW_US: i64 = 6 * 3_600 * 1_000_000;
const WINDOW_GROWTH: i64 = 8;

pub(crate) fn default_limit() -> u32 {
    50
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetTimeline {
    pub actor: Did,
    #[serde(default = "default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Question for GetTimeline {
    const NAME: &'static str = "getTimeline";
    type Answer = FeedPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<FeedPage, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        let before = TimeKey::parse(self.cursor.as_deref())?;
        let Some(actor) = lookup::actor_id(tx, &self.actor)? else {
            return Ok(FeedPage { items: Vec::new(), cursor: None });
        };
        let mut sources = followed(tx, actor)?;
        sources.push(actor);
        sources.sort_unstable();
        sources.dedup();
        let rows = newest(tx, &sources, before, limit + 1)?;
        page(tx, rows, limit)
    }
}

fn followed(tx: &mut Tx, actor: i64) -> Result<Vec<i64>, DataplaneError> {
    Ok(tx.query(
        "SELECT subject_actor FROM follow WHERE actor_id = $1 ORDER BY rkey DESC LIMIT $2",
        &[Param::Int(actor), Param::Int(FOLLOWS_MAX)],
        |row| row.get(0),
    )?)
}

fn newest(
    tx: &mut Tx,
    sources: &[i64],
    before: TimeKey,
    wanted: i64,
) -> Result<Vec<ItemRow>, DataplaneError> {
    // The window starts at the newest item there is before the cursor, not at the cursor: an
    // idle network would otherwise widen it for nothing.
    let newest_at_us: Option<i64> = tx.query_one(
        "SELECT max(i.sort_at_us) FROM {id_list:$1} AS ids CROSS JOIN feed_item AS i
         WHERE i.actor_id = ids.id AND i.sort_at_us =
             (SELECT max(n.sort_at_us) FROM feed_item AS n WHERE n.actor_id = ids.id AND n.sort_at_us <= $2)",
        &[Param::Ids(sources), Param::Int(before.time_us)],
        |row| row.get(0),
    )?;
    let Some(newest_at_us) = newest_at_us else { return Ok(Vec::new()) };
    let mut window_us = WINDOW_US;
    loop {
        let from_us = newest_at_us.saturating_sub(window_us);
        let rows = in_window(tx, sources, before, from_us, wanted)?;
        if rows.len() as i64 >= wanted || from_us <= 0 {
            return Ok(rows);
        }
        window_us = window_us.saturating_mul(WINDOW_GROWTH);
    }
}

fn in_window(
    tx: &mut Tx,
    sources: &[i64],
    before: TimeKey,
    from_us: i64,
    wanted: i64,
) -> Result<Vec<ItemRow>, DataplaneError> {
    // A window that reaches back to the epoch has no lower bound: nothing older is lost.
    let from_us = if from_us <= 0 { i64::MIN } else { from_us };
    Ok(tx.query(
        "SELECT i.sort_at_us, i.rkey, i.collection, i.post_actor, i.post_rkey, i.actor_id
         FROM {id_list:$1} AS ids CROSS JOIN feed_item AS i
         WHERE i.actor_id = ids.id AND i.sort_at_us >= $2 AND i.sort_at_us <= $3
           AND (i.sort_at_us, i.rkey, i.actor_id) < ($3, $4, $5)
         ORDER BY i.sort_at_us DESC, i.rkey DESC, i.actor_id DESC LIMIT $6",
        &[
            Param::Ids(sources),
            Param::Int(from_us),
            Param::Int(before.time_us),
            Param::Int(before.key),
            Param::Int(before.actor),
            Param::Int(wanted),
        ],
        |row| {
            Ok(ItemRow {
                sort_at_us: row.get(0)?,
                rkey: row.get(1)?,
                collection: row.get(2)?,
                post_actor: row.get(3)?,
                post_rkey: row.get(4)?,
                actor: row.get(5)?,
            })
        },
    )?)
}
