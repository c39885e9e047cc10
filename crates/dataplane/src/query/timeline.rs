//! `getTimeline`: what the accounts an actor follows brought, and the actor's own posts, newest
//! first, read by pull.
//!
//! The follows are read once, then the newest item of each, which says how far back the page can
//! reach at most; then a clustered range per followed account, never more of it than a page. Own
//! items take the places the followed accounts leave, and at most [`OWN_MAX`] of theirs.

use millrace_atproto::syntax::Did;
use millrace_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::author_feed::{FeedPage, ItemRow, named, page};
use super::cursor::TimeKey;
use super::hydrate::Hydrate;
use super::hydrating::Skeleton;
use super::newest_items::{Kinds, newest, newest_of_followed};
use super::{Context, Question, lookup, page_limit};
use crate::error::DataplaneError;

/// Largest page.
pub const LIMIT_MAX: u32 = 100;
/// Followed accounts that are looked at, the latest follows first.
pub const FOLLOWS_MAX: i64 = 10_000;
/// Own items of a page that followed accounts could fill by themselves.
const OWN_MAX: usize = 10;

pub(crate) fn default_limit() -> u32 {
    50
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
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
        let followed = newest_of_followed(tx, actor, FOLLOWS_MAX, before, limit + 1)?;
        let own = newest(tx, &[actor], before, limit + 1, Kinds::All)?;
        let merged = merged(followed, own, limit);
        if merged.rows.len() as i64 <= limit && merged.own_left_out {
            let next = merged.rows.last().map(|last| TimeKey::of(last.position()).pack());
            return named(tx, merged.rows, next);
        }
        page(tx, merged.rows, limit)
    }
}

impl Skeleton for GetTimeline {
    const HYDRATED: &'static str = "getTimelineHydrated";

    fn name(answer: &Self::Answer, wanted: &mut Hydrate) -> Result<(), DataplaneError> {
        wanted.add_feed(&answer.items)
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Merged {
    rows: Vec<ItemRow>,
    /// There were more own items than were let in.
    own_left_out: bool,
}

/// Both lists in one, newest first; each has up to one row more than a page holds.
fn merged(followed: Vec<ItemRow>, mut own: Vec<ItemRow>, limit: i64) -> Merged {
    let limit = usize::try_from(limit).unwrap_or_default();
    let own_max = limit.min(OWN_MAX).max(limit.saturating_sub(followed.len()));
    let own_left_out = own.len() > own_max;
    own.truncate(own_max);
    let mut rows = followed;
    rows.extend(own);
    rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.position()));
    Merged { rows, own_left_out }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRIEND: i64 = 1;
    const SELF: i64 = 2;

    fn rows(actor: i64, times: impl IntoIterator<Item = i64>) -> Vec<ItemRow> {
        let row = |at| ItemRow {
            actor,
            sort_at_us: at,
            rkey: at,
            collection: 1,
            post_actor: actor,
            post_rkey: at,
        };
        let mut rows: Vec<ItemRow> = times.into_iter().map(row).collect();
        rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.position()));
        rows
    }

    #[track_caller]
    fn check(
        followed: impl IntoIterator<Item = i64>,
        own: impl IntoIterator<Item = i64>,
        expected: &[(i64, i64)],
        left_out: bool,
    ) {
        let merged = merged(rows(FRIEND, followed), rows(SELF, own), 20);
        let found: Vec<_> = merged.rows.iter().map(|row| (row.actor, row.sort_at_us)).collect();
        assert_eq!((found.as_slice(), merged.own_left_out), (expected, left_out));
    }

    #[test]
    fn own_items_stand_between_those_of_others() {
        check([1, 4], [2, 3], &[(FRIEND, 4), (SELF, 3), (SELF, 2), (FRIEND, 1)], false);
        check([], [], &[], false);
    }

    #[test]
    fn own_items_fill_what_others_leave() {
        let expected: Vec<_> = (5..=21).rev().map(|at| (SELF, at)).collect();
        check(
            [1, 2, 3],
            1..=21,
            &[expected, vec![(FRIEND, 3), (FRIEND, 2), (FRIEND, 1)]].concat(),
            true,
        );
    }

    #[test]
    fn own_items_do_not_crowd_others_out() {
        let own: Vec<_> = (191..=200).rev().map(|at| (SELF, at)).collect();
        let others: Vec<_> = (80..=100).rev().map(|at| (FRIEND, at)).collect();
        check(80..=100, 180..=200, &[own, others].concat(), true);
    }
}
