//! `hydrate`: everything a page of views needs, in one question and one snapshot.
//!
//! The caller names the posts and accounts of its skeleton; the answer adds what their views
//! refer to: authors, the posts a reply answers, quoted posts two levels deep, and the relation
//! of the viewer to each. Unknown URIs and DIDs have no item.

use std::collections::{HashMap, HashSet};

use millrace_atproto::syntax::{AtUri, Did};
use millrace_store::{Param, Row, StoreError, Tx};
use serde::{Deserialize, Serialize};

use super::{Context, Question, lookup};
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::flags;
use crate::model::{
    Actor, ActorViewer, List, Post, PostViewer, Record, Service, StarterPack, Threadgate,
};

/// Most posts and most accounts one question may name.
pub const HYDRATE_MAX: usize = 6_000;
/// Bytes of records in one answer beyond which no further posts are loaded: they count as unknown.
/// A page of ordinary posts has a hundredth of it.
const RECORDS_BYTES_MAX: usize = 16 << 20;
/// Posts loaded between two looks at the bytes.
const LOADED_TOGETHER: usize = 128;
/// Quoted posts are followed this deep.
const QUOTE_LEVELS: usize = 2;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hydrate {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewer: Option<Did>,
    #[serde(default)]
    pub posts: Vec<AtUri>,
    #[serde(default)]
    pub actors: Vec<Did>,
    #[serde(default)]
    pub lists: Vec<AtUri>,
    #[serde(default)]
    pub generators: Vec<AtUri>,
    #[serde(default)]
    pub starter_packs: Vec<AtUri>,
    /// Accounts whose labeler services are wanted.
    #[serde(default)]
    pub labelers: Vec<Did>,
    /// Also bring the parent, root and grandparent's author of replies (feed views show them).
    #[serde(default)]
    pub reply_refs: bool,
    /// Accounts of which it is asked whom the viewer follows among their followers.
    #[serde(default)]
    pub known_followers: Vec<Did>,
    /// Accounts shown in detail: the same is asked of them, and by which starter pack they came.
    #[serde(default)]
    pub detailed: Vec<Did>,
    /// Accounts whose word on who others are is passed on.
    #[serde(default)]
    pub trusted_verifiers: Vec<Did>,
}

/// What was named and what it refers to, each once.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hydration {
    pub posts: Vec<Post>,
    pub actors: Vec<Actor>,
    pub lists: Vec<List>,
    pub generators: Vec<Service>,
    pub starter_packs: Vec<StarterPack>,
    pub labelers: Vec<Service>,
    /// The gates of the threads the posts belong to.
    pub threadgates: Vec<Threadgate>,
}

/// A post's key in the store: author and record key.
pub(crate) type PostKey = (i64, i64);

impl Question for Hydrate {
    const NAME: &'static str = "hydrate";
    type Answer = Hydration;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<Hydration, DataplaneError> {
        if self.posts.len() > HYDRATE_MAX || self.actors.len() > HYDRATE_MAX {
            return Err(DataplaneError::InvalidRequest(format!(
                "at most {HYDRATE_MAX} posts and actors"
            )));
        }
        let viewer = match &self.viewer {
            Some(did) => lookup::actor_id(tx, did)?,
            None => None,
        };
        let keys = lookup::post_keys(tx, &self.posts)?;
        let rows = with_refs(tx, keys, self.reply_refs)?;
        let mut actor_ids = lookup::actor_ids(tx, &self.actors)?;
        actor_ids.extend(
            rows.values()
                .flat_map(|row| [Some(row.key.0), row.parent.map(|parent| parent.0)])
                .flatten(),
        );
        let posts = present_posts(tx, rows, viewer)?.into_values().collect();
        let actors = actors(tx, &actor_ids, viewer)?.into_values().collect();
        Ok(Hydration { posts, actors, ..Hydration::default() })
    }
}

/// The posts named and those their views refer to.
fn with_refs(
    tx: &mut Tx,
    keys: Vec<PostKey>,
    reply_refs: bool,
) -> Result<HashMap<PostKey, PostRow>, DataplaneError> {
    let mut rows = HashMap::new();
    load(tx, &mut rows, keys)?;
    if reply_refs {
        let refs = rows.values().flat_map(|row| [row.parent, row.root]).flatten().collect();
        load(tx, &mut rows, refs)?;
    }
    for _ in 0..QUOTE_LEVELS {
        let quoted = rows.values().filter_map(|row| row.quote).collect();
        load(tx, &mut rows, quoted)?;
    }
    Ok(rows)
}

/// The posts of `keys` with their counters and the viewer's relation.
pub(crate) fn posts(
    tx: &mut Tx,
    keys: &[PostKey],
    viewer: Option<i64>,
) -> Result<HashMap<PostKey, Post>, DataplaneError> {
    let mut rows = HashMap::new();
    load(tx, &mut rows, keys.to_vec())?;
    present_posts(tx, rows, viewer)
}

struct PostRow {
    key: PostKey,
    cid: Vec<u8>,
    record: String,
    sort_at_us: i64,
    indexed_at_us: i64,
    flags: i64,
    root: Option<PostKey>,
    parent: Option<PostKey>,
    quote: Option<PostKey>,
    counts: [i64; 4],
}

/// Adds the posts of `keys` that are not in `rows` yet.
fn load(
    tx: &mut Tx,
    rows: &mut HashMap<PostKey, PostRow>,
    keys: Vec<PostKey>,
) -> Result<(), DataplaneError> {
    let mut seen = HashSet::new();
    let missing: Vec<PostKey> =
        keys.into_iter().filter(|key| !rows.contains_key(key) && seen.insert(*key)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut bytes: usize = rows.values().map(|row| row.record.len()).sum();
    for keys in missing.chunks(LOADED_TOGETHER) {
        if bytes > RECORDS_BYTES_MAX {
            break;
        }
        for row in load_some(tx, keys)? {
            bytes += row.record.len();
            rows.insert(row.key, row);
        }
    }
    Ok(())
}

fn load_some(tx: &mut Tx, keys: &[PostKey]) -> Result<Vec<PostRow>, StoreError> {
    let post = Collection::Post.code();
    tx.query_many(
        "SELECT p.actor_id, p.rkey, p.cid, p.record, p.sort_at_us, p.indexed_at_us, p.flags,
                p.root_actor, p.root_rkey, p.parent_actor, p.parent_rkey, p.quote_actor, p.quote_rkey,
                c.likes, c.replies, c.reposts, c.quotes
         FROM {rows:actor BIGINT, rkey BIGINT, collection BIGINT} AS k CROSS JOIN post AS p
         LEFT JOIN record_count AS c ON c.actor_id = p.actor_id AND c.rkey = p.rkey AND c.collection = k.collection
         WHERE p.actor_id = k.actor AND p.rkey = k.rkey",
        keys.iter().map(|key| [Param::Int(key.0), Param::Int(key.1), Param::Int(post)]),
        post_row,
    )
}

fn post_row(row: &Row<'_>) -> Result<PostRow, StoreError> {
    let pair = |first: usize| -> Result<Option<PostKey>, StoreError> {
        Ok(row.get::<Option<i64>>(first)?.zip(row.get::<Option<i64>>(first + 1)?))
    };
    let count = |column: usize| Ok::<_, StoreError>(row.get::<Option<i64>>(column)?.unwrap_or(0));
    Ok(PostRow {
        key: (row.get(0)?, row.get(1)?),
        cid: row.get(2)?,
        record: row.get(3)?,
        sort_at_us: row.get(4)?,
        indexed_at_us: row.get(5)?,
        flags: row.get(6)?,
        root: pair(7)?,
        parent: pair(9)?,
        quote: pair(11)?,
        counts: [count(13)?, count(14)?, count(15)?, count(16)?],
    })
}

fn present_posts(
    tx: &mut Tx,
    rows: HashMap<PostKey, PostRow>,
    viewer: Option<i64>,
) -> Result<HashMap<PostKey, Post>, DataplaneError> {
    let keys: Vec<PostKey> = rows.keys().copied().collect();
    let likes = match viewer {
        Some(viewer) => viewer_likes(tx, viewer, &keys)?,
        None => HashMap::new(),
    };
    let named =
        || rows.values().flat_map(|row| [Some(row.key), row.root, row.parent, row.quote]).flatten();
    let names = lookup::Names::of(
        tx,
        named().map(|key| key.0).chain(viewer),
        named().map(|key| key.1).chain(likes.values().copied()),
    )?;
    let uri = |key: PostKey| names.uri(key.0, Collection::Post.code(), key.1);
    let mut posts = HashMap::with_capacity(rows.len());
    for (key, row) in rows {
        let viewer = match viewer {
            Some(viewer) => {
                let like =
                    likes.get(&key).map(|rkey| names.uri(viewer, Collection::Like.code(), *rkey));
                Some(PostViewer { like: like.transpose()?, ..PostViewer::default() })
            }
            None => None,
        };
        let [like_count, reply_count, repost_count, quote_count] = row.counts;
        let post = Post {
            uri: uri(key)?,
            author: names.did(key.0)?.clone(),
            record: Record {
                cid: lookup::cid(&row.cid)?,
                value: lookup::raw(row.record)?,
                indexed_at_us: row.indexed_at_us,
            },
            sort_at_us: row.sort_at_us,
            like_count,
            reply_count,
            repost_count,
            quote_count,
            reply_parent: row.parent.map(uri).transpose()?,
            reply_root: row.root.map(uri).transpose()?,
            quoted: row.quote.map(uri).transpose()?,
            invalid_reply_root: row.flags & flags::INVALID_ROOT != 0,
            violates_threadgate: row.flags & flags::VIOLATES_THREADGATE != 0,
            violates_postgate: row.flags & flags::VIOLATES_POSTGATE != 0,
            hidden_by_root: false,
            quote_detached: false,
            parent_blocked: false,
            root_blocked: false,
            quote_blocked: false,
            viewer,
        };
        posts.insert(key, post);
    }
    Ok(posts)
}

/// The record keys of the viewer's likes of these posts.
fn viewer_likes(
    tx: &mut Tx,
    viewer: i64,
    keys: &[PostKey],
) -> Result<HashMap<PostKey, i64>, DataplaneError> {
    let post = Collection::Post.code();
    let rows = tx.query_many(
        "SELECT k.actor, k.rkey, (SELECT min(s.rkey) FROM like_by_subject AS s
             WHERE s.subject_actor = k.actor AND s.subject_rkey = k.rkey AND s.subject_collection = k.collection
               AND s.actor_id = k.viewer)
         FROM {rows:actor BIGINT, rkey BIGINT, collection BIGINT, viewer BIGINT} AS k",
        keys.iter().map(|key| [Param::Int(key.0), Param::Int(key.1), Param::Int(post), Param::Int(viewer)]),
        |row| Ok(((row.get(0)?, row.get(1)?), row.get::<Option<i64>>(2)?)),
    )?;
    Ok(rows.into_iter().filter_map(|(key, rkey)| Some((key, rkey?))).collect())
}

/// The accounts of `ids` that are known here, inactive ones included.
pub(crate) fn actors(
    tx: &mut Tx,
    ids: &[i64],
    viewer: Option<i64>,
) -> Result<HashMap<i64, Actor>, DataplaneError> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let mut relations = match viewer {
        Some(viewer) => actor_viewers(tx, viewer, &ids)?,
        None => HashMap::new(),
    };
    let rows = tx.query(
        "SELECT a.actor_id, d.did, a.handle, a.active, a.status, a.indexed_at_us,
                p.cid, p.record, p.indexed_at_us, c.followers, c.follows, c.posts
         FROM {id_list:$1} AS ids CROSS JOIN actor AS a CROSS JOIN dictionary.actor AS d
         LEFT JOIN profile AS p ON p.actor_id = a.actor_id
         LEFT JOIN actor_count AS c ON c.actor_id = a.actor_id
         WHERE a.actor_id = ids.id AND d.id = a.actor_id",
        &[Param::Ids(&ids)],
        |row| Ok((row.get(0)?, actor_row(row)?)),
    )?;
    let mut actors = HashMap::with_capacity(rows.len());
    for (id, row) in rows {
        let viewer = viewer.map(|_| relations.remove(&id).unwrap_or_default());
        actors.insert(id, row.present(viewer)?);
    }
    Ok(actors)
}

struct ActorRow {
    did: String,
    handle: Option<String>,
    active: bool,
    status: Option<String>,
    indexed_at_us: i64,
    profile: Option<(Vec<u8>, String, i64)>,
    counts: [i64; 3],
}

fn actor_row(row: &Row<'_>) -> Result<ActorRow, StoreError> {
    let cid: Option<Vec<u8>> = row.get(6)?;
    let record: Option<String> = row.get(7)?;
    let indexed_at_us: Option<i64> = row.get(8)?;
    let count = |column: usize| Ok::<_, StoreError>(row.get::<Option<i64>>(column)?.unwrap_or(0));
    Ok(ActorRow {
        did: row.get(1)?,
        handle: row.get(2)?,
        active: row.get(3)?,
        status: row.get(4)?,
        indexed_at_us: row.get(5)?,
        profile: cid.zip(record).zip(indexed_at_us).map(|((cid, record), at)| (cid, record, at)),
        counts: [count(9)?, count(10)?, count(11)?],
    })
}

impl ActorRow {
    fn present(self, viewer: Option<ActorViewer>) -> Result<Actor, DataplaneError> {
        let profile = self.profile.map(|(cid, record, indexed_at_us)| {
            Ok::<_, DataplaneError>(Record {
                cid: lookup::cid(&cid)?,
                value: lookup::raw(record)?,
                indexed_at_us,
            })
        });
        let [followers_count, follows_count, posts_count] = self.counts;
        Ok(Actor {
            did: lookup::did(&self.did)?,
            handle: self
                .handle
                .as_deref()
                .and_then(|handle| millrace_atproto::syntax::Handle::parse(handle).ok()),
            active: self.active,
            status: self.status,
            indexed_at_us: self.indexed_at_us,
            profile: profile.transpose()?,
            followers_count,
            follows_count,
            posts_count,
            lists_count: 0,
            generators_count: 0,
            starter_packs_count: 0,
            is_labeler: false,
            status_record: None,
            notification_declaration: None,
            chat_declaration: None,
            germ_declaration: None,
            trusted_verifier: false,
            verifications: Vec::new(),
            joined_via: None,
            viewer,
        })
    }
}

/// Accounts and the first of the records that join each with the viewer, where there is one: a
/// stranger may write very many.
fn first_edges(
    tx: &mut Tx,
    sql: &'static str,
    viewer: i64,
    ids: &[i64],
) -> Result<Vec<(i64, i64)>, StoreError> {
    let edges = tx.query(sql, &[Param::Ids(ids), Param::Int(viewer)], |row| {
        Ok((row.get::<i64>(0)?, row.get::<Option<i64>>(1)?))
    })?;
    Ok(edges.into_iter().filter_map(|(id, rkey)| Some((id, rkey?))).collect())
}

/// What `viewer` is to each of `ids`; accounts without any edge have no item.
pub(crate) fn actor_viewers(
    tx: &mut Tx,
    viewer: i64,
    ids: &[i64],
) -> Result<HashMap<i64, ActorViewer>, DataplaneError> {
    let following = first_edges(
        tx,
        "SELECT ids.id, (SELECT min(s.rkey) FROM follow_by_subject AS s
             WHERE s.subject_actor = ids.id AND s.actor_id = $2) FROM {id_list:$1} AS ids",
        viewer,
        ids,
    )?;
    let followed_by = first_edges(
        tx,
        "SELECT ids.id, (SELECT min(s.rkey) FROM follow_by_subject AS s
             WHERE s.subject_actor = $2 AND s.actor_id = ids.id) FROM {id_list:$1} AS ids",
        viewer,
        ids,
    )?;
    let names = lookup::Names::of(
        tx,
        followed_by.iter().map(|edge| edge.0).chain([viewer]),
        following.iter().chain(&followed_by).map(|edge| edge.1),
    )?;
    let mut relations: HashMap<i64, ActorViewer> = HashMap::new();
    for (subject, rkey) in following {
        relations.entry(subject).or_default().following =
            Some(names.uri(viewer, Collection::Follow.code(), rkey)?);
    }
    for (actor, rkey) in followed_by {
        relations.entry(actor).or_default().followed_by =
            Some(names.uri(actor, Collection::Follow.code(), rkey)?);
    }
    Ok(relations)
}
