//! `getListFeed`: the posts and replies of the accounts on a list, newest first. Who is behind a
//! block of the list's author, either way, is left out.

use millrace_atproto::syntax::AtUri;
use millrace_store::{Param, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::author_feed::{FeedPage, ItemRow, named};
use super::blocks::blocked_with;
use super::cursor::TimeKey;
use super::hydrate::Hydrate;
use super::hydrating::Skeleton;
use super::newest_items::{Kinds, newest};
use super::{Context, Question, lookup, page_limit};
use crate::collection::Collection;
use crate::error::DataplaneError;

/// Largest page.
pub const LIMIT_MAX: u32 = 100;
/// Accounts on the list that are looked at.
pub const MEMBERS_MAX: i64 = 10_000;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetListFeed {
    pub list: AtUri,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Question for GetListFeed {
    const NAME: &'static str = "getListFeed";
    type Answer = FeedPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<FeedPage, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        let before = TimeKey::parse(self.cursor.as_deref())?;
        let list = lookup::record_key(tx, &self.list)?
            .filter(|list| list.collection == Collection::List.code());
        let Some(list) = list else {
            return Ok(FeedPage { items: Vec::new(), cursor: None });
        };
        let members: Vec<i64> = tx.query(
            "SELECT DISTINCT subject_actor FROM list_item_by_list
             WHERE actor_id = $1 AND list_rkey = $2 ORDER BY subject_actor LIMIT $3",
            &[Param::Int(list.actor), Param::Int(list.rkey), Param::Int(MEMBERS_MAX)],
            |row| row.get(0),
        )?;
        let mut rows = newest(tx, &members, before, limit + 1, Kinds::Posts)?;
        let cursor = TimeKey::next(&mut rows, limit, ItemRow::position);
        let authors: Vec<i64> = rows.iter().map(|row| row.actor).collect();
        let blocked = blocked_with(tx, list.actor, &authors)?;
        rows.retain(|row| !blocked.contains(&row.actor));
        named(tx, rows, cursor)
    }
}

impl Skeleton for GetListFeed {
    const HYDRATED: &'static str = "getListFeedHydrated";

    fn name(answer: &Self::Answer, wanted: &mut Hydrate) -> Result<(), DataplaneError> {
        wanted.add_feed(&answer.items)
    }
}
