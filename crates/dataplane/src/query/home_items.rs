//! `getHomeItems`: lines of feeds, each with what its place in somebody's home depends on. Asked by whoever
//! makes homes: of items that have just come, of accounts just followed, of everybody an account follows, or
//! of nobody in particular, for who follows nobody yet.

use std::collections::BTreeSet;

use foldhash::HashMap;
use millrace_atproto::syntax::{AtUri, Did};
use millrace_store::{Param, Row, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::author_feed::ItemRow;
use super::cursor::TimeKey;
use super::hydrate::PostKey;
use super::limited_post::{self, LimitedPost};
use super::newest_items::{Kinds, newest, newest_of_followed};
use super::timeline::FOLLOWS_MAX;
use super::{Context, Question, lookup, page_limit};
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::flags;
use crate::ranking::PopularPost;
use crate::written::Written;

/// Largest answer; also most items or accounts one question may name.
pub const LIMIT_MAX: u32 = 1_000;

/// Which items.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum HomeItemsOf {
    /// These posts and reposts, as far as they stand in feeds here, in no order.
    Items(Vec<AtUri>),
    /// The newest of these accounts together.
    Authors(Vec<Did>),
    /// The newest of whom this account follows, and its own.
    Followed(Did),
    /// Posts that many care for, the best first; those in one of these languages before all others.
    Popular(Vec<String>),
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetHomeItems {
    pub of: HomeItemsOf,
    pub limit: u32,
}

/// Of `authors`, `followed`: the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HomeItems {
    pub items: Vec<HomeItem>,
}

/// A post or a repost as a line of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HomeItem {
    /// The post shown.
    pub post: String,
    /// The repost that brings it, where it is no post of its own account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repost: Option<String>,
    pub sort_at_us: i64,
    pub is_reply: bool,
    /// For its author alone.
    #[serde(default)]
    pub is_private: bool,
    /// Primary subtags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    pub likes: i64,
    pub replies: i64,
    pub reposts: i64,
    pub quotes: i64,
}

impl Question for GetHomeItems {
    const NAME: &'static str = "getHomeItems";
    type Answer = HomeItems;

    fn answer(self, tx: &mut Tx, cx: &Context) -> Result<HomeItems, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        let limited = limited(tx, &self.of, limit)?;
        let rows = match &self.of {
            HomeItemsOf::Items(uris) => {
                bounded("items", uris.len())?;
                of_items(tx, uris)?
            }
            HomeItemsOf::Authors(authors) => {
                bounded("authors", authors.len())?;
                let authors = lookup::actor_ids(tx, authors)?;
                newest(tx, &authors, TimeKey::START, limit, Kinds::All)?
            }
            HomeItemsOf::Followed(actor) => match lookup::actor_id(tx, actor)? {
                Some(actor) => of_followed(tx, actor, limit)?,
                None => Vec::new(),
            },
            HomeItemsOf::Popular(languages) => {
                bounded("languages", languages.len())?;
                let ranked = cx.rankings.now();
                of_posts(tx, &chosen(&ranked.posts, languages, limit))?
            }
        };
        let mut described = described(tx, &rows)?;
        if !limited.is_empty() {
            described.items.extend(limited);
            described.items.sort_by_key(|item| std::cmp::Reverse(item.sort_at_us));
            described.items.truncate(usize::try_from(limit).unwrap_or_default());
        }
        Ok(described)
    }
}

/// Posts that are not public: of whom everybody may see them who asks for homes that show these accounts.
fn limited(tx: &mut Tx, of: &HomeItemsOf, limit: i64) -> Result<Vec<HomeItem>, DataplaneError> {
    let posts = match of {
        HomeItemsOf::Items(uris) => limited_post::named(tx, uris)?,
        HomeItemsOf::Popular(_) => Vec::new(),
        HomeItemsOf::Authors(authors) => limited_of(tx, authors, limit)?,
        HomeItemsOf::Followed(actor) => {
            let mut posts = limited_post::newest(tx, actor, true, limit)?;
            if let Some(id) = lookup::actor_id(tx, actor)? {
                let authors = limited_post::followed_authors(tx, id, FOLLOWS_MAX)?;
                posts.extend(limited_of(tx, &authors, limit)?);
            }
            posts
        }
    };
    Ok(posts.iter().map(limited_post::home_item).collect())
}

fn limited_of(tx: &mut Tx, authors: &[Did], limit: i64) -> Result<Vec<LimitedPost>, StoreError> {
    let mut posts = Vec::new();
    for author in authors {
        posts.extend(limited_post::newest(tx, author, false, limit)?);
    }
    posts.sort_unstable_by_key(|post| std::cmp::Reverse(post.created_at_us));
    posts.truncate(usize::try_from(limit).unwrap_or_default());
    Ok(posts)
}

fn bounded(what: &str, count: usize) -> Result<(), DataplaneError> {
    if count <= LIMIT_MAX as usize {
        return Ok(());
    }
    Err(DataplaneError::InvalidRequest(format!("at most {LIMIT_MAX} {what}, not {count}")))
}

/// Everything in one list, newest first.
fn of_followed(tx: &mut Tx, actor: i64, limit: i64) -> Result<Vec<ItemRow>, DataplaneError> {
    let mut rows = newest_of_followed(tx, actor, FOLLOWS_MAX, TimeKey::START, limit)?;
    rows.extend(newest(tx, &[actor], TimeKey::START, limit, Kinds::All)?);
    rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.position()));
    rows.truncate(usize::try_from(limit).unwrap_or_default());
    Ok(rows)
}

/// The posts and reposts that stand in the feeds of who made them.
fn of_items(tx: &mut Tx, uris: &[AtUri]) -> Result<Vec<ItemRow>, DataplaneError> {
    const REPOSTS: &str = "SELECT f.sort_at_us, f.rkey, f.collection, f.post_actor, f.post_rkey, f.actor_id
        FROM {rows:actor BIGINT, rkey BIGINT, collection BIGINT} AS k
        CROSS JOIN repost AS r CROSS JOIN feed_item AS f
        WHERE r.actor_id = k.actor AND r.rkey = k.rkey AND f.actor_id = r.actor_id
          AND f.sort_at_us = CASE WHEN r.created_at_us < r.indexed_at_us THEN r.created_at_us ELSE r.indexed_at_us END
          AND f.rkey = r.rkey AND f.collection = k.collection";
    let keys = lookup::record_keys(tx, uris)?;
    let keys_in = |collection: Collection| -> BTreeSet<PostKey> {
        let of_kind = keys.iter().flatten().filter(|key| key.collection == collection.code());
        of_kind.map(|key| (key.actor, key.rkey)).collect()
    };
    let posts: Vec<PostKey> = keys_in(Collection::Post).into_iter().collect();
    let reposts = keys_in(Collection::Repost);
    let mut rows = of_posts(tx, &posts)?;
    let repost = Collection::Repost.code();
    let keys = reposts.iter().map(|key| [key.0, key.1, repost].map(Param::Int));
    rows.extend(tx.query_many(REPOSTS, keys, item_row)?);
    Ok(rows)
}

/// These posts as lines of their authors' feeds, in order.
fn of_posts(tx: &mut Tx, keys: &[PostKey]) -> Result<Vec<ItemRow>, StoreError> {
    const POSTS: &str = "SELECT p.sort_at_us, p.rkey, k.collection, p.actor_id, p.rkey, p.actor_id
        FROM {rows:actor BIGINT, rkey BIGINT, collection BIGINT} AS k CROSS JOIN post AS p
        WHERE p.actor_id = k.actor AND p.rkey = k.rkey";
    let post = Collection::Post.code();
    let rows = keys.iter().map(|key| [key.0, key.1, post].map(Param::Int));
    let found = tx.query_many(POSTS, rows, item_row)?;
    let found: HashMap<PostKey, ItemRow> =
        found.into_iter().map(|row| ((row.post_actor, row.post_rkey), row)).collect();
    Ok(keys.iter().filter_map(|key| found.get(key).cloned()).collect())
}

fn item_row(row: &Row<'_>) -> Result<ItemRow, StoreError> {
    Ok(ItemRow {
        sort_at_us: row.get(0)?,
        rkey: row.get(1)?,
        collection: row.get(2)?,
        post_actor: row.get(3)?,
        post_rkey: row.get(4)?,
        actor: row.get(5)?,
    })
}

/// Those in one of the languages first, each group the best first.
fn chosen(posts: &[PopularPost], languages: &[String], limit: i64) -> Vec<PostKey> {
    let speaks = |post: &&PopularPost| {
        languages.is_empty() || post.languages.iter().any(|one| languages.contains(one))
    };
    let (first, then): (Vec<_>, Vec<_>) = posts.iter().partition(speaks);
    let limit = usize::try_from(limit).unwrap_or_default();
    first.into_iter().chain(then).take(limit).map(|post| post.key).collect()
}

/// What is known of a post.
#[derive(Default)]
struct Details {
    is_reply: bool,
    written: Written,
    /// Likes, replies, reposts, quotes.
    counts: [i64; 4],
}

/// The rows by name, with what is known of their posts.
fn described(tx: &mut Tx, rows: &[ItemRow]) -> Result<HomeItems, DataplaneError> {
    let mut details = details(tx, rows.iter().map(|row| (row.post_actor, row.post_rkey)))?;
    let names = lookup::Names::of(
        tx,
        rows.iter().flat_map(|row| [row.actor, row.post_actor]),
        rows.iter().flat_map(|row| [row.rkey, row.post_rkey]),
    )?;
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        // Of a post that is not here yet nothing is known.
        let found = details.get_mut(&(row.post_actor, row.post_rkey));
        let (is_reply, counts) =
            found.as_ref().map_or((false, [0; 4]), |of| (of.is_reply, of.counts));
        let (languages, tags) = found.map_or_else(Default::default, |of| {
            (of.written.languages.clone(), of.written.tags.clone())
        });
        let is_repost = row.collection == Collection::Repost.code();
        let repost = match is_repost {
            true => Some(names.uri(row.actor, row.collection, row.rkey)?),
            false => None,
        };
        let [likes, replies, reposts, quotes] = counts;
        items.push(HomeItem {
            post: names.uri(row.post_actor, Collection::Post.code(), row.post_rkey)?,
            repost,
            sort_at_us: row.sort_at_us,
            is_reply: is_reply && !is_repost,
            is_private: false,
            languages,
            tags,
            likes,
            replies,
            reposts,
            quotes,
        });
    }
    Ok(HomeItems { items })
}

fn details(
    tx: &mut Tx,
    keys: impl Iterator<Item = PostKey>,
) -> Result<HashMap<PostKey, Details>, StoreError> {
    const SQL: &str = "SELECT p.actor_id, p.rkey, p.flags, p.record, c.likes, c.replies, c.reposts, c.quotes
        FROM {rows:actor BIGINT, rkey BIGINT, collection BIGINT} AS k CROSS JOIN post AS p
        LEFT JOIN record_count AS c ON c.actor_id = p.actor_id AND c.rkey = p.rkey AND c.collection = k.collection
        WHERE p.actor_id = k.actor AND p.rkey = k.rkey";
    let keys: BTreeSet<PostKey> = keys.collect();
    let post = Collection::Post.code();
    let found =
        tx.query_many(SQL, keys.iter().map(|key| [key.0, key.1, post].map(Param::Int)), |row| {
            let count =
                |column| Ok::<i64, StoreError>(row.get::<Option<i64>>(column)?.unwrap_or(0));
            let details = Details {
                is_reply: row.get::<i64>(2)? & flags::REPLY != 0,
                written: Written::of(row.text(3)?),
                counts: [count(4)?, count(5)?, count(6)?, count(7)?],
            };
            Ok(((row.get(0)?, row.get(1)?), details))
        })?;
    Ok(found.into_iter().collect())
}
