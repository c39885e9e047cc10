//! Posts with the posts their views refer to, and which other records those show.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashSet, HashSetExt};
use millrace_atproto::syntax::AtUri;
use millrace_store::{Param, Row, StoreError, Tx};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::PostKey;
use super::documents::RecordBytes;
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::query::lookup::{self, RecordKeyIds};

/// Quoted posts are followed this deep.
const QUOTE_LEVELS: usize = 2;

#[derive(Debug, Default)]
pub(super) struct Posts {
    pub rows: HashMap<PostKey, PostRow>,
    /// Those shown on their own or as what a reply answers; the others are quoted only.
    pub shown: BTreeSet<PostKey>,
    /// What posts show that is no post, by the post that shows it.
    pub embeds: HashMap<PostKey, RecordKeyIds>,
}

#[derive(Debug)]
pub(super) struct PostRow {
    pub key: PostKey,
    pub cid: Vec<u8>,
    pub record: String,
    pub sort_at_us: i64,
    pub indexed_at_us: i64,
    pub flags: i64,
    pub root: Option<PostKey>,
    pub parent: Option<PostKey>,
    pub quote: Option<PostKey>,
    /// Likes, replies, reposts, quotes.
    pub counts: [i64; 4],
}

impl PostRow {
    /// The post that begins the thread.
    pub(super) fn thread(&self) -> PostKey {
        self.root.unwrap_or(self.key)
    }

    pub(super) fn likes(&self) -> i64 {
        self.counts[0]
    }

    pub(super) fn reposts(&self) -> i64 {
        self.counts[2]
    }
}

impl Posts {
    /// The posts named and those their views refer to.
    pub(super) fn load(
        tx: &mut Tx,
        keys: Vec<PostKey>,
        reply_refs: bool,
        bytes: &mut RecordBytes,
    ) -> Result<Self, DataplaneError> {
        let mut posts = Self::default();
        posts.add(tx, keys, bytes)?;
        if reply_refs {
            let refs = posts.rows.values().flat_map(|row| [row.parent, row.root]).flatten();
            let refs = refs.collect();
            posts.add(tx, refs, bytes)?;
        }
        posts.shown = posts.rows.keys().copied().collect();
        let mut followed = HashSet::new();
        for _ in 0..QUOTE_LEVELS {
            let level: Vec<PostKey> =
                posts.rows.keys().copied().filter(|key| followed.insert(*key)).collect();
            posts.add_embeds(tx, &level)?;
            let quoted = level.iter().filter_map(|key| posts.rows.get(key)?.quote).collect();
            posts.add(tx, quoted, bytes)?;
        }
        Ok(posts)
    }

    /// Only the posts named.
    pub(super) fn alone(
        tx: &mut Tx,
        keys: Vec<PostKey>,
        bytes: &mut RecordBytes,
    ) -> Result<Self, DataplaneError> {
        let mut posts = Self::default();
        posts.add(tx, keys, bytes)?;
        posts.shown = posts.rows.keys().copied().collect();
        Ok(posts)
    }

    /// Adds the posts of `keys` that are not there yet.
    fn add(
        &mut self,
        tx: &mut Tx,
        keys: Vec<PostKey>,
        bytes: &mut RecordBytes,
    ) -> Result<(), StoreError> {
        let mut seen = HashSet::new();
        let is_missing = |key: &PostKey| !self.rows.contains_key(key) && seen.insert(*key);
        let missing: Vec<PostKey> = keys.into_iter().filter(is_missing).collect();
        let rows = bytes.load(&missing, |keys| load(tx, keys), |row: &PostRow| row.record.len())?;
        self.rows.extend(rows.into_iter().map(|row| (row.key, row)));
        Ok(())
    }

    /// Adds what the posts of `level` show that is no post.
    fn add_embeds(&mut self, tx: &mut Tx, level: &[PostKey]) -> Result<(), DataplaneError> {
        let rows = level.iter().filter_map(|key| self.rows.get(key));
        let (by, uris): (Vec<PostKey>, Vec<AtUri>) = rows
            .filter(|row| row.quote.is_none())
            .filter_map(|row| Some((row.key, embedded(&row.record)?)))
            .unzip();
        let keys = lookup::record_keys(tx, &uris)?;
        let known = by.into_iter().zip(keys).filter_map(|(by, key)| Some((by, key?)));
        self.embeds.extend(known);
        Ok(())
    }

    /// Who wrote what a post shows: the other side of a block that would hide it.
    pub(super) fn embedded_author(&self, row: &PostRow) -> Option<i64> {
        row.quote.map(|quote| quote.0).or_else(|| Some(self.embeds.get(&row.key)?.actor))
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = PostKey> {
        self.rows.keys().copied()
    }

    /// The keys of what is shown of `collection`.
    pub(super) fn embedded_in(&self, collection: Collection) -> impl Iterator<Item = PostKey> {
        let of_kind = move |key: &&RecordKeyIds| key.collection == collection.code();
        self.embeds.values().filter(of_kind).map(|key| (key.actor, key.rkey))
    }

    /// Everybody who wrote one of the posts or something they refer to. A record of a kind that no
    /// post can show is not found, whoever wrote it.
    pub(super) fn people(&self) -> impl Iterator<Item = i64> {
        self.rows.values().flat_map(|row| {
            let embed = self.embeds.get(&row.key).filter(|embed| can_be_shown(embed));
            let shown = row.quote.map(|quote| quote.0).or_else(|| Some(embed?.actor));
            let others = [row.parent.map(|parent| parent.0), shown];
            others.into_iter().flatten().chain([row.key.0])
        })
    }
}

fn can_be_shown(embed: &RecordKeyIds) -> bool {
    use Collection::{Generator, Labeler, List, Post, StarterPack};
    let collection = Collection::from_code(embed.collection);
    matches!(collection, Some(Post | Generator | List | Labeler | StarterPack))
}

fn load(tx: &mut Tx, keys: &[PostKey]) -> Result<Vec<PostRow>, StoreError> {
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

/// The two kinds of embeds that show a record; a record's text without this has neither.
const RECORD_EMBED: &str = "app.bsky.embed.record";

#[derive(Deserialize)]
struct WithEmbed<'a> {
    #[serde(borrow)]
    embed: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(tag = "$type")]
enum RecordEmbed {
    #[serde(rename = "app.bsky.embed.record")]
    Alone(Holder),
    #[serde(rename = "app.bsky.embed.recordWithMedia")]
    WithMedia { record: Holder },
}

#[derive(Deserialize)]
struct Holder {
    record: Ref,
}

#[derive(Deserialize)]
struct Ref {
    uri: String,
}

/// The record that a stored post shows, by DID.
fn embedded(record: &str) -> Option<AtUri> {
    if !record.contains(RECORD_EMBED) {
        return None;
    }
    let post: WithEmbed<'_> = serde_json::from_str(record).ok()?;
    let holder = match serde_json::from_str(post.embed?.get()).ok()? {
        RecordEmbed::Alone(holder) | RecordEmbed::WithMedia { record: holder } => holder,
    };
    AtUri::parse(&holder.record.uri).ok().filter(|uri| uri.as_record().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_record_a_post_shows() {
        let check = |embed: &str, expected: Option<&str>| {
            let record = format!(r#"{{"text":"app.bsky.embed.record","embed":{embed}}}"#);
            assert_eq!(
                embedded(&record).map(|uri| uri.to_string()).as_deref(),
                expected,
                "{embed}"
            );
        };
        let list = "at://did:plc:a/app.bsky.graph.list/l";
        let alone = |uri: &str| {
            format!(r#"{{"$type":"app.bsky.embed.record","record":{{"uri":"{uri}","cid":"b"}}}}"#)
        };
        check(&alone(list), Some(list));
        check(&alone("at://alice.test/app.bsky.graph.list/l"), None);
        check(&alone("at://did:plc:a"), None);
        check(&alone("x"), None);
        let both = r#"{"$type":"app.bsky.embed.recordWithMedia","media":{"$type":"x"},
            "record":{"record":{"uri":"at://did:plc:a/app.bsky.graph.list/l","cid":"b"}}}"#;
        check(both, Some(list));
        check(r#"{"$type":"app.bsky.embed.images","images":[]}"#, None);
        check("null", None);
        check("7", None);
        assert_eq!(embedded("[]"), None);
    }
}
