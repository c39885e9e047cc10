//! `getTimeline`: what the accounts an actor follows brought, newest first, read by pull.
//!
//! The follows are read once, then the newest item of each, which says how far back the page can
//! reach at most; then a clustered range per followed account, never more of it than a page.

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

/// Where a source's items are before a cursor: `n` is its `feed_item`, `$2` to `$4` the cursor.
const BEFORE: &str = "n.actor_id = ids.id AND n.sort_at_us <= $2
    AND (n.sort_at_us, n.rkey, n.actor_id * 64 + n.collection) < ($2, $3, $4)";

/// The `wanted` newest items of all sources before the cursor.
fn newest(
    tx: &mut Tx,
    sources: &[i64],
    before: TimeKey,
    wanted: i64,
) -> Result<Vec<ItemRow>, DataplaneError> {
    let mut heads = heads(tx, sources, before)?;
    heads.sort_unstable_by(|left, right| right.cmp(left));
    // With that many sources, no item older than the last of their newest ones is on the page.
    let floor_us = match heads.get((wanted - 1) as usize) {
        Some((head_us, _)) => *head_us,
        None => i64::MIN,
    };
    heads.retain(|(head_us, _)| *head_us >= floor_us);
    let sources: Vec<i64> = heads.into_iter().map(|(_, source)| source).collect();
    since(tx, &sources, before, floor_us, wanted)
}

/// The time of each source's newest item before the cursor, with the source.
fn heads(tx: &mut Tx, sources: &[i64], before: TimeKey) -> Result<Vec<(i64, i64)>, DataplaneError> {
    let sql = format!(
        "SELECT ids.id, (SELECT n.sort_at_us FROM feed_item AS n WHERE {BEFORE}
            ORDER BY n.sort_at_us DESC, n.rkey DESC LIMIT 1)
         FROM {{id_list:$1}} AS ids"
    );
    let params = [
        Param::Ids(sources),
        Param::Int(before.time_us),
        Param::Int(before.key),
        Param::Int(before.actor),
    ];
    let rows: Vec<(i64, Option<i64>)> =
        tx.query(&sql, &params, |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.into_iter().filter_map(|(source, head)| Some((head?, source))).collect())
}

/// The newest items not older than `floor_us`; of one source never more than a page is read.
fn since(
    tx: &mut Tx,
    sources: &[i64],
    before: TimeKey,
    floor_us: i64,
    wanted: i64,
) -> Result<Vec<ItemRow>, DataplaneError> {
    let own_floor = format!(
        "SELECT n.sort_at_us FROM feed_item AS n WHERE {BEFORE} AND n.sort_at_us >= $5
         ORDER BY n.sort_at_us DESC, n.rkey DESC LIMIT 1 OFFSET $6"
    );
    let sql = format!(
        "SELECT i.sort_at_us, i.rkey, i.collection, i.post_actor, i.post_rkey, i.actor_id
         FROM {{id_list:$1}} AS ids CROSS JOIN feed_item AS i
         WHERE i.actor_id = ids.id AND i.sort_at_us <= $2 AND i.sort_at_us >= COALESCE(({own_floor}), $5)
           AND (i.sort_at_us, i.rkey, i.actor_id * 64 + i.collection) < ($2, $3, $4)
         ORDER BY i.sort_at_us DESC, i.rkey DESC, i.actor_id * 64 + i.collection DESC LIMIT $6"
    );
    Ok(tx.query(
        &sql,
        &[
            Param::Ids(sources),
            Param::Int(before.time_us),
            Param::Int(before.key),
            Param::Int(before.actor),
            Param::Int(floor_us),
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
