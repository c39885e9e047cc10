//! `applySeen`: what a reader has seen, in the lines of their home. The marks stand in `own.feed_seen`, which the
//! data-plane writes; the columns here follow from them, and may be made from them again.

use millrace_atproto::syntax::{AtUri, Did};
use millrace_store::{Param, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Question;
use crate::client::Local;
use crate::error::FeedsError;
use crate::model::ItemKey;
use crate::names::Wanted;

/// Marks that are looked at, the latest.
const MARKS_MAX: i64 = 2_000;

/// Brings the lines of `actor`'s home up to its marks.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApplySeen {
    pub actor: Did,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unread {
    /// Lines of the home that were not seen.
    pub unread: i64,
}

/// A mark: an item, where it stood, and when it was seen.
struct Mark {
    item: String,
    position: Option<i64>,
    seen_at_us: i64,
}

/// The latest of an account, and up to when it has seen everything, and when it said so.
struct Marks {
    items: Vec<Mark>,
    up_to: Option<(i64, i64)>,
}

impl Question for ApplySeen {
    const NAME: &'static str = "applySeen";
    type Answer = Unread;

    async fn answer(self, local: &Local) -> Result<Unread, FeedsError> {
        let Some(user) =
            local.deps.dictionary.find_actors(std::slice::from_ref(&self.actor)).await?[0]
        else {
            return Ok(Unread { unread: 0 });
        };
        let did = self.actor.clone();
        let marks: Result<Marks, StoreError> =
            local.deps.store.read(move |tx| marks(tx, &did)).await;
        let Marks { items: marks, up_to } = marks?;
        let items = marks.iter().filter_map(|mark| AtUri::parse(&mark.item).ok());
        let mut wanted = Wanted::default();
        items.for_each(|uri| wanted.uri(&uri));
        let ids = wanted.resolve(&local.deps.dictionary).await?;
        let seen: Vec<(ItemKey, Option<i64>, i64)> = marks
            .iter()
            .filter_map(|mark| {
                let item = ids.item(&AtUri::parse(&mark.item).ok()?)?;
                Some((item, mark.position, mark.seen_at_us))
            })
            .collect();
        let user = user.0;
        let written: Result<i64, StoreError> =
            local.deps.store.write(move |tx| write(tx, user, &seen, up_to)).await;
        local.deps.sessions.changed(user).await;
        Ok(Unread { unread: written? })
    }
}

fn marks(tx: &mut Tx, did: &Did) -> Result<Marks, StoreError> {
    let items = tx.query(
        "SELECT item, position, seen_at_us FROM own.feed_seen WHERE did = $1 ORDER BY seen_at_us DESC LIMIT $2",
        &[Param::from(did), Param::Int(MARKS_MAX)],
        |row| Ok(Mark { item: row.get(0)?, position: row.get(1)?, seen_at_us: row.get(2)? }),
    )?;
    let up_to = tx.query_opt(
        "SELECT up_to_us, seen_at_us FROM own.feed_seen_up_to WHERE did = $1",
        &[Param::from(did)],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(Marks { items, up_to })
}

/// Whether there are marks that the lines of a home do not show yet.
pub(crate) fn has_newer(tx: &mut Tx, user: i64, did: &Did) -> Result<bool, StoreError> {
    tx.query_one(
        "SELECT CAST(CASE WHEN EXISTS (SELECT 1 FROM feed_state AS s WHERE s.user_id = $1 AND (
             EXISTS (SELECT 1 FROM own.feed_seen AS m WHERE m.did = $2 AND m.seen_at_us > s.marked_at_us)
             OR EXISTS (SELECT 1 FROM own.feed_seen_up_to AS u WHERE u.did = $2 AND u.seen_at_us > s.marked_at_us)))
           THEN 1 ELSE 0 END AS BIGINT)",
        &[Param::Int(user), Param::from(did)],
        |row| row.get(0),
    )
}

/// Marks lines as read; how many are not.
fn write(
    tx: &mut Tx,
    user: i64,
    seen: &[(ItemKey, Option<i64>, i64)],
    up_to: Option<(i64, i64)>,
) -> Result<i64, StoreError> {
    tx.execute_many(
        "UPDATE user_feeds SET is_read = 1, read_at_us = k.seen_at_us, rank_position = k.position
         FROM {rows:reader BIGINT, actor BIGINT, rkey BIGINT, collection BIGINT, seen_at_us BIGINT,
            position BIGINT} AS k
         WHERE user_feeds.user_id = k.reader AND user_feeds.item_actor = k.actor
           AND user_feeds.item_rkey = k.rkey AND user_feeds.item_collection = k.collection
           AND user_feeds.is_read = 0",
        seen.iter().map(|(item, position, seen_at_us)| {
            [
                Param::Int(user),
                Param::Int(item.actor),
                Param::Int(item.rkey),
                Param::Int(item.collection),
                Param::Int(*seen_at_us),
                Param::from(*position),
            ]
        }),
    )?;
    if let Some((up_to_us, seen_at_us)) = up_to {
        tx.execute(
            "UPDATE user_feeds SET is_read = 1, read_at_us = $3
             WHERE user_id = $1 AND sort_at_us <= $2 AND is_read = 0",
            &[user, up_to_us, seen_at_us].map(Param::Int),
        )?;
    }
    let latest_us =
        seen.iter().map(|one| one.2).chain(up_to.map(|one| one.1)).max().unwrap_or_default();
    tx.execute(
        "UPDATE feed_state SET marked_at_us = $2 WHERE user_id = $1 AND marked_at_us < $2",
        &[user, latest_us].map(Param::Int),
    )?;
    tx.query_one(
        "SELECT count(*) FROM user_feeds WHERE user_id = $1 AND is_read = 0",
        &[Param::Int(user)],
        |row| row.get(0),
    )
}
