//! Lines with their scores: how an item and a reader make one, and how they are written.

use millrace_store::{Param, StoreError, Tx};

use crate::apply::items::{NewItem, engagement};
use crate::model::{Line, Reason};
use crate::score::{self, Parts, Profile};

/// What of a reader counts for a score.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reader {
    pub languages: Vec<String>,
    pub tags: Vec<String>,
}

impl Reader {
    pub(crate) fn read(languages: &str, tags: &str) -> Self {
        let list = |text: &str| serde_json::from_str(text).unwrap_or_default();
        Self { languages: list(languages), tags: list(tags) }
    }

    pub(crate) fn content(&self, languages: &[String], tags: &[String]) -> f64 {
        let language = languages.iter().any(|one| self.languages.contains(one));
        let tag = tags.iter().any(|one| self.tags.contains(&one.to_lowercase()));
        score::content(language, tag)
    }
}

/// The line of an item in the home of somebody to whom who brought it is this close.
pub(crate) fn line(
    new: &NewItem,
    reason: Reason,
    affinity: f64,
    reader: &Reader,
    profile: &Profile,
) -> Line {
    let known = &new.known;
    let content = reader.content(&known.languages, &known.tags);
    let parts = Parts::new(affinity, engagement(known), content, new.item.kind(known.is_reply));
    Line::new((new.item, new.post), reason, known.sort_at_us, parts, profile)
}

/// A line that is there, with another score.
pub(crate) struct Rescored {
    /// Reader, and the item's actor, record key and collection.
    pub key: [i64; 4],
    pub parts: Parts,
    pub rank_key: f64,
}

impl Rescored {
    pub(crate) fn new(key: [i64; 4], parts: Parts, sort_at_us: i64, profile: &Profile) -> Self {
        Self { key, parts, rank_key: profile.key(parts, sort_at_us) }
    }
}

/// Gives lines their new scores; how many there still were.
pub(crate) fn rewrite(
    tx: &mut Tx,
    lines: impl Iterator<Item = Rescored>,
    profile: &Profile,
    version: i64,
) -> Result<u64, StoreError> {
    let now_us = tx.now_us();
    tx.execute_many(
        "UPDATE user_feeds SET parts = k.parts, rank_key = k.rank_key, relevance_score = k.relevance,
            score_updated_at_us = k.now_us, score_version = k.version
         FROM {rows:reader BIGINT, actor BIGINT, rkey BIGINT, collection BIGINT, parts BIGINT, rank_key DOUBLE,
            relevance DOUBLE, now_us BIGINT, version BIGINT} AS k
         WHERE user_feeds.user_id = k.reader AND user_feeds.item_actor = k.actor
           AND user_feeds.item_rkey = k.rkey AND user_feeds.item_collection = k.collection",
        lines.map(|line| {
            let [reader, actor, rkey, collection] = line.key.map(Param::Int);
            [
                reader,
                actor,
                rkey,
                collection,
                Param::Int(line.parts.pack()),
                Param::Real(line.rank_key),
                Param::Real(profile.relevance(line.rank_key, now_us)),
                Param::Int(now_us),
                Param::Int(version),
            ]
        }),
    )
}

/// Writes lines into homes, those that are there stay; how many came.
pub(crate) fn write(
    tx: &mut Tx,
    lines: &mut [(i64, Line)],
    profile: &Profile,
    version: i64,
) -> Result<u64, StoreError> {
    // Neighbours in the table are written after each other.
    lines.sort_unstable_by_key(|(user, line)| (*user, line.item));
    let now_us = tx.now_us();
    tx.execute_many(
        "INSERT INTO user_feeds (user_id, item_actor, item_rkey, item_collection, post_actor, post_rkey, reason,
            sort_at_us, parts, rank_key, relevance_score, score_updated_at_us, score_version, created_at_us)
         {values:BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,DOUBLE,DOUBLE,BIGINT,BIGINT,BIGINT}
         ON CONFLICT DO NOTHING",
        lines.iter().map(|(user, line)| {
            [
                Param::Int(*user),
                Param::Int(line.item.actor),
                Param::Int(line.item.rkey),
                Param::Int(line.item.collection),
                Param::Int(line.post.0),
                Param::Int(line.post.1),
                Param::Int(line.reason.code()),
                Param::Int(line.sort_at_us),
                Param::Int(line.parts.pack()),
                Param::Real(line.rank_key),
                Param::Real(profile.relevance(line.rank_key, now_us)),
                Param::Int(now_us),
                Param::Int(version),
                Param::Int(now_us),
            ]
        }),
    )
}
