//! `getPostThread`: which posts make up a thread around an anchor, which of them the author of its
//! root likes, and, where it is asked for, that author's own thread down from the root.
//!
//! Ancestors are walked by key, descendants level by level; both are bounded, so a cycle or a
//! mined thread ends. The AppView hydrates the URIs and builds the tree.

use std::cmp::Reverse;

use foldhash::HashSet;
use millrace_atproto::syntax::AtUri;
use millrace_store::{Param, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hydrate::Hydrate;
use super::hydrating::Skeleton;
use super::{Context, Question, lookup, op_thread};
use crate::collection::Collection;
use crate::error::DataplaneError;

/// Deepest levels below the anchor and highest above it, as the lexicon bounds them.
pub const DEPTH_MAX: u32 = 1_000;
/// Most descendants in one answer, the nearest levels and newest replies first.
pub const DESCENDANTS_MAX: usize = 5_000;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetPostThread {
    pub uri: AtUri,
    /// Levels of replies below the anchor.
    #[serde(default = "default_below")]
    pub below: u32,
    /// Levels of parents above the anchor.
    #[serde(default = "default_above")]
    pub above: u32,
    /// Also bring the thread that the author of the root wrote on their own.
    #[serde(default)]
    pub op_thread: bool,
}

fn default_below() -> u32 {
    6
}

fn default_above() -> u32 {
    80
}

/// The URIs of a thread.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Thread {
    /// The anchor, then its ancestors, nearest first; the walk ends at a post not known here.
    pub ancestors: Vec<String>,
    /// Replies by level, newest first within a level.
    pub descendants: Vec<String>,
    /// Likes of posts of this thread by the author of its root.
    pub root_author_likes: Vec<RootAuthorLike>,
    /// The root and, downwards, each next post its author answered to; empty without any answer.
    pub op_thread: Vec<String>,
}

/// A post and the URI of its like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RootAuthorLike {
    pub uri: String,
    pub like: String,
}

/// A post: its author and record key.
pub(crate) type Key = (i64, i64);

impl Question for GetPostThread {
    const NAME: &'static str = "getPostThread";
    type Answer = Thread;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<Thread, DataplaneError> {
        if self.below > DEPTH_MAX || self.above > DEPTH_MAX {
            return Err(DataplaneError::InvalidRequest(format!(
                "depth must be at most {DEPTH_MAX}"
            )));
        }
        let not_found = || DataplaneError::NotFound(format!("post not found: {}", self.uri));
        let anchor =
            lookup::post_keys(tx, std::slice::from_ref(&self.uri))?.pop().ok_or_else(not_found)?;
        let ancestors = ancestors(tx, anchor, self.above)?;
        if ancestors.is_empty() {
            return Err(not_found());
        }
        let descendants = descendants(tx, anchor, self.below)?;
        let root = root(tx, anchor)?;
        let likes = likes(tx, root.0, ancestors.iter().chain(&descendants))?;
        let op_thread = match self.op_thread {
            true => op_thread::posts(tx, root)?,
            false => Vec::new(),
        };
        let keys = || ancestors.iter().chain(&descendants).chain(&op_thread);
        let names = lookup::Names::of(
            tx,
            keys().map(|key| key.0).chain([root.0]),
            keys().map(|key| key.1).chain(likes.iter().map(|like| like.1)),
        )?;
        let uri = |key: &Key| names.uri(key.0, Collection::Post.code(), key.1);
        let uris = |keys: &[Key]| keys.iter().map(uri).collect::<Result<Vec<_>, StoreError>>();
        let root_author_like = |(post, rkey): &(Key, i64)| {
            let like = names.uri(root.0, Collection::Like.code(), *rkey)?;
            Ok(RootAuthorLike { uri: uri(post)?, like })
        };
        Ok(Thread {
            ancestors: uris(&ancestors)?,
            descendants: uris(&descendants)?,
            op_thread: uris(&op_thread)?,
            root_author_likes: likes
                .iter()
                .map(root_author_like)
                .collect::<Result<_, StoreError>>()?,
        })
    }
}

impl Skeleton for GetPostThread {
    const HYDRATED: &'static str = "getPostThreadHydrated";

    fn name(answer: &Self::Answer, wanted: &mut Hydrate) -> Result<(), DataplaneError> {
        wanted.add_posts(answer.ancestors.iter().chain(&answer.descendants))
    }
}

/// The post that a post's thread begins with: itself, unless it answers one.
fn root(tx: &mut Tx, post: Key) -> Result<Key, StoreError> {
    let root = tx.query_opt(
        "SELECT root_actor, root_rkey FROM post WHERE actor_id = $1 AND rkey = $2",
        &[Param::Int(post.0), Param::Int(post.1)],
        |row| Ok(row.get::<Option<i64>>(0)?.zip(row.get::<Option<i64>>(1)?)),
    )?;
    Ok(root.flatten().unwrap_or(post))
}

/// Of `posts` those that `liker` likes, with the record key of the like.
fn likes<'a>(
    tx: &mut Tx,
    liker: i64,
    posts: impl Iterator<Item = &'a Key>,
) -> Result<Vec<(Key, i64)>, StoreError> {
    let post = Collection::Post.code();
    let found = tx.query_many(
        "SELECT k.actor, k.rkey, (SELECT min(s.rkey) FROM like_by_subject AS s
             WHERE s.subject_actor = k.actor AND s.subject_rkey = k.rkey AND s.subject_collection = k.collection
               AND s.actor_id = k.liker)
         FROM {rows:actor BIGINT, rkey BIGINT, collection BIGINT, liker BIGINT} AS k",
        posts.map(|key| [Param::Int(key.0), Param::Int(key.1), Param::Int(post), Param::Int(liker)]),
        |row| Ok(((row.get(0)?, row.get(1)?), row.get::<Option<i64>>(2)?)),
    )?;
    Ok(found.into_iter().filter_map(|(key, like)| Some((key, like?))).collect())
}

/// The anchor and up to `above` posts above it.
fn ancestors(tx: &mut Tx, anchor: Key, above: u32) -> Result<Vec<Key>, DataplaneError> {
    let mut chain = Vec::new();
    let mut next = Some(anchor);
    while let Some(key) = next.take() {
        if chain.len() as u64 > u64::from(above) || chain.contains(&key) {
            break;
        }
        let parent: Option<Option<Key>> = tx.query_opt(
            "SELECT parent_actor, parent_rkey FROM post WHERE actor_id = $1 AND rkey = $2",
            &[Param::Int(key.0), Param::Int(key.1)],
            |row| Ok(row.get::<Option<i64>>(0)?.zip(row.get::<Option<i64>>(1)?)),
        )?;
        if let Some(parent) = parent {
            chain.push(key);
            next = parent;
        }
    }
    Ok(chain)
}

/// The newest replies to each post of a level; the limit is [`DESCENDANTS_MAX`].
const REPLIES: &str = "SELECT p.sort_at_us, p.actor_id, p.rkey
    FROM {rows:actor BIGINT, rkey BIGINT} AS k CROSS JOIN post AS p
    WHERE p.parent_actor = k.actor AND p.parent_rkey = k.rkey
    ORDER BY p.sort_at_us DESC, p.rkey DESC LIMIT 5000";

fn descendants(tx: &mut Tx, anchor: Key, below: u32) -> Result<Vec<Key>, DataplaneError> {
    let mut found: Vec<Key> = Vec::new();
    let mut seen = HashSet::from_iter([anchor]);
    let mut level = vec![anchor];
    for _ in 0..below {
        let room = DESCENDANTS_MAX - found.len();
        if level.is_empty() || room == 0 {
            break;
        }
        let mut replies: Vec<(i64, Key)> = tx.query_many(
            REPLIES,
            level.iter().map(|key| [Param::Int(key.0), Param::Int(key.1)]),
            |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))),
        )?;
        // As the statement orders them: of equal times by record key. Actor ids mean nothing.
        replies.sort_unstable_by_key(|(sort_at_us, (actor, rkey))| {
            Reverse((*sort_at_us, *rkey, *actor))
        });
        replies.truncate(room);
        let replies = replies.into_iter().map(|(_, key)| key);
        level = replies.filter(|key| seen.insert(*key)).collect();
        found.extend_from_slice(&level);
    }
    Ok(found)
}
