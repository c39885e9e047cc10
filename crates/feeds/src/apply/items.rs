//! Items on their way into homes, and out of them.

use millrace_dataplane::query::home_items::HomeItem;
use millrace_store::{Param, StoreError, Tx};

use crate::model::{ItemKey, PostKey, REPOST};

/// An item of somebody whom readers follow, or of a reader.
#[derive(Debug, Clone)]
pub(crate) struct NewItem {
    pub item: ItemKey,
    pub post: PostKey,
    pub known: HomeItem,
}

/// Makes a job of each; one that has begun goes on.
pub(crate) fn enqueue(tx: &mut Tx, items: &[NewItem]) -> Result<(), StoreError> {
    let now_us = tx.now_us();
    let texts: Vec<[String; 2]> = items
        .iter()
        .map(|new| [&new.known.languages, &new.known.tags].map(|list| json(list)))
        .collect();
    tx.execute_many(
        "INSERT INTO fanout_job (item_actor, item_rkey, item_collection, post_actor, post_rkey, sort_at_us,
            is_reply, is_private, engagement, languages, tags, after_user, done, created_at_us)
         {values:BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,DOUBLE,TEXT,TEXT,BIGINT,BIGINT,BIGINT}
         ON CONFLICT DO NOTHING",
        items.iter().zip(&texts).map(|(new, [languages, tags])| {
            let NewItem { item, post, known } = new;
            [
                Param::Int(item.actor),
                Param::Int(item.rkey),
                Param::Int(item.collection),
                Param::Int(post.0),
                Param::Int(post.1),
                Param::Int(known.sort_at_us),
                Param::Bool(known.is_reply),
                Param::Bool(known.is_private),
                Param::Real(engagement(known)),
                Param::Text(languages),
                Param::Text(tags),
                Param::Int(i64::MIN),
                Param::Int(0),
                Param::Int(now_us),
            ]
        }),
    )?;
    note_posts(tx, items)
}

/// Remembers the posts whose scores may change.
pub(crate) fn note_posts(tx: &mut Tx, items: &[NewItem]) -> Result<(), StoreError> {
    tx.execute_many(
        "INSERT INTO post_stats (post_actor, post_rkey, sort_at_us, likes, replies, reposts, quotes)
         {values:BIGINT KEY,BIGINT KEY,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT}
         ON CONFLICT (post_actor, post_rkey) DO UPDATE SET sort_at_us = excluded.sort_at_us
            WHERE excluded.sort_at_us > post_stats.sort_at_us",
        items.iter().map(|NewItem { post, known, .. }| {
            [post.0, post.1, known.sort_at_us, known.likes, known.replies, known.reposts, known.quotes]
                .map(Param::Int)
        }),
    )
    .map(drop)
}

/// What people did with it, within 0 and 1.
pub(crate) fn engagement(known: &HomeItem) -> f64 {
    crate::score::engagement(known.likes, known.replies, known.reposts + known.quotes)
}

pub(crate) fn json(list: &[String]) -> String {
    serde_json::to_string(list).expect("invariant: texts are JSON")
}

/// Takes items out of homes: a post with every line that shows it, a repost with its own.
pub(crate) fn remove(tx: &mut Tx, went: &[(ItemKey, Option<PostKey>)]) -> Result<(), StoreError> {
    let posts: Vec<PostKey> = went
        .iter()
        .filter(|(item, _)| item.collection != REPOST)
        .map(|(item, _)| (item.actor, item.rkey))
        .collect();
    for table in ["user_feeds", "fanout_job", "post_stats"] {
        tx.execute_many(
            &format!(
                "DELETE FROM {table} WHERE (post_actor, post_rkey) IN
                 (SELECT k.actor, k.rkey FROM {{rows:actor BIGINT, rkey BIGINT}} AS k)"
            ),
            posts.iter().map(|post| [post.0, post.1].map(Param::Int)),
        )?;
    }
    let reposts = || went.iter().filter(|(item, _)| item.collection == REPOST);
    tx.execute_many(
        "DELETE FROM fanout_job WHERE (item_actor, item_rkey, item_collection) IN
         (SELECT k.actor, k.rkey, k.collection FROM {rows:actor BIGINT, rkey BIGINT, collection BIGINT} AS k)",
        reposts().map(|(item, _)| [item.actor, item.rkey, item.collection].map(Param::Int)),
    )?;
    tx.execute_many(
        "DELETE FROM user_feeds WHERE (user_id, item_actor, item_rkey, item_collection) IN
         (SELECT f.user_id, f.item_actor, f.item_rkey, f.item_collection
          FROM {rows:actor BIGINT, rkey BIGINT, collection BIGINT, author BIGINT, post BIGINT} AS k
          CROSS JOIN user_feeds AS f
          WHERE f.post_actor = k.author AND f.post_rkey = k.post
            AND f.item_actor = k.actor AND f.item_rkey = k.rkey AND f.item_collection = k.collection)",
        reposts().filter_map(|(item, post)| {
            let post = (*post)?;
            Some([item.actor, item.rkey, item.collection, post.0, post.1].map(Param::Int))
        }),
    )
    .map(drop)
}
