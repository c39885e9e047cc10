//! `getAuthorFeed`: the posts of one account, newest first, by filter.

use millrace_atproto::syntax::AtIdentifier;
use millrace_store::{Param, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cursor::TimeKey;
use super::hydrate::Hydrate;
use super::hydrating::Skeleton;
use super::{Context, Question, lookup, page_limit, reposts};
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::flags;
use crate::model::FeedItem;

/// Largest page.
pub const LIMIT_MAX: u32 = 100;

/// Which of an author's posts are wanted; the lexicon's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthorFilter {
    #[default]
    PostsWithReplies,
    PostsNoReplies,
    PostsWithMedia,
    PostsAndAuthorThreads,
    PostsWithVideo,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetAuthorFeed {
    pub actor: AtIdentifier,
    #[serde(default)]
    pub filter: AuthorFilter,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A page of feed items; no cursor on the last one.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedPage {
    pub items: Vec<FeedItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Question for GetAuthorFeed {
    const NAME: &'static str = "getAuthorFeed";
    type Answer = FeedPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<FeedPage, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        let before = TimeKey::parse(self.cursor.as_deref())?;
        let actor = lookup::known_actor(tx, &self.actor)?.ok_or_else(|| {
            DataplaneError::NotFound(format!("profile not found: {}", self.actor))
        })?;
        // One statement serves every filter: posts with (flags & mask) = expected, those of the
        // author's own threads where these are let through, and reposts or none.
        let (mask, expected, own_threads, reposts) = match self.filter {
            AuthorFilter::PostsWithReplies => (0, 0, false, true),
            AuthorFilter::PostsNoReplies => (flags::REPLY, 0, false, true),
            AuthorFilter::PostsAndAuthorThreads => (flags::REPLY, 0, true, true),
            AuthorFilter::PostsWithMedia => (flags::IMAGES, flags::IMAGES, false, false),
            AuthorFilter::PostsWithVideo => (flags::VIDEO, flags::VIDEO, false, false),
        };
        let rows = tx.query(
            "SELECT sort_at_us, rkey, collection, post_actor, post_rkey FROM feed_item
             WHERE actor_id = $1 AND sort_at_us <= $2
               AND (sort_at_us, rkey, actor_id * 64 + collection) < ($2, $3, $8)
               AND ((collection = $9 AND ((flags & $4) = $5 OR ($6 = 1 AND root_actor = $1)))
                    OR (collection <> $9 AND $10 = 1))
             ORDER BY sort_at_us DESC, rkey DESC, collection DESC LIMIT $7",
            &[
                Param::Int(actor),
                Param::Int(before.time_us),
                Param::Int(before.key),
                Param::Int(mask),
                Param::Int(expected),
                Param::Bool(own_threads),
                Param::Int(limit + 1),
                Param::Int(before.actor),
                Param::Int(Collection::Post.code()),
                Param::Bool(reposts),
            ],
            |row| {
                Ok(ItemRow {
                    actor,
                    sort_at_us: row.get(0)?,
                    rkey: row.get(1)?,
                    collection: row.get(2)?,
                    post_actor: row.get(3)?,
                    post_rkey: row.get(4)?,
                })
            },
        )?;
        page(tx, rows, limit)
    }
}

impl Skeleton for GetAuthorFeed {
    const HYDRATED: &'static str = "getAuthorFeedHydrated";

    fn name(answer: &Self::Answer, wanted: &mut Hydrate) -> Result<(), DataplaneError> {
        wanted.add_feed(&answer.items)
    }
}

/// A row of `feed_item`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ItemRow {
    pub actor: i64,
    pub sort_at_us: i64,
    pub rkey: i64,
    pub collection: i64,
    pub post_actor: i64,
    pub post_rkey: i64,
}

impl ItemRow {
    /// What a cursor says of the row. Codes of collections with feed items are below 64.
    pub(crate) fn position(&self) -> (i64, i64, i64) {
        (self.sort_at_us, self.rkey, self.actor * 64 + self.collection)
    }

    fn is_repost(&self) -> bool {
        self.collection == Collection::Repost.code()
    }
}

/// Turns up to `limit + 1` rows, newest first, into a page; the extra row proves a next page.
pub(crate) fn page(
    tx: &mut Tx,
    mut rows: Vec<ItemRow>,
    limit: i64,
) -> Result<FeedPage, DataplaneError> {
    let cursor = TimeKey::next(&mut rows, limit, ItemRow::position);
    named(tx, rows, cursor)
}

/// A page of exactly these rows.
pub(crate) fn named(
    tx: &mut Tx,
    rows: Vec<ItemRow>,
    cursor: Option<String>,
) -> Result<FeedPage, DataplaneError> {
    let names = lookup::Names::of(
        tx,
        rows.iter().flat_map(|row| [row.actor, row.post_actor]),
        rows.iter().flat_map(|row| [row.rkey, row.post_rkey]),
    )?;
    let reposts: Vec<(i64, i64)> =
        rows.iter().filter(|row| row.is_repost()).map(|row| (row.actor, row.rkey)).collect();
    let cids = reposts::cids(tx, &reposts)?;
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        let repost = match row.is_repost() {
            true => Some(names.uri(row.actor, row.collection, row.rkey)?),
            false => None,
        };
        items.push(FeedItem {
            uri: names.uri(row.post_actor, Collection::Post.code(), row.post_rkey)?,
            repost_cid: cids.get(&(row.actor, row.rkey)).filter(|_| row.is_repost()).copied(),
            repost,
            sort_at_us: row.sort_at_us,
        });
    }
    Ok(FeedPage { items, cursor })
}
