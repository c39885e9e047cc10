//! Lines scored again some seconds after something was done with their post: once however often it was, and only
//! where it makes a difference. Items that are old enough keep their place.

use foldhash::HashMap;
use millrace_atproto::syntax::AtUri;
use millrace_dataplane::query::home_items::{GetHomeItems, HomeItem, HomeItemsOf, LIMIT_MAX};
use millrace_store::{Param, StoreError, Tx};

use super::Jobs;
use super::scored::{self, Rescored};
use crate::apply::engaged;
use crate::apply::items::engagement;
use crate::error::FeedsError;
use crate::model::PostKey;
use crate::names::Texts;
use crate::score::{Parts, Profile};
use crate::worker::known;

/// Posts that are looked at together.
const POSTS_MAX: i64 = 500;
/// How long posts are held while their lines are scored.
const HELD_US: i64 = 60_000_000;
/// Lines scored in one transaction.
const LINES_MAX: i64 = 1_000;

impl Jobs {
    /// Scores some posts' lines again; whether there were any that were due.
    pub async fn rescore_step(&self) -> Result<bool, FeedsError> {
        let due: Result<Vec<(PostKey, i64)>, StoreError> = self.deps.store.read(due).await;
        let due = due?;
        if due.is_empty() {
            return Ok(false);
        }
        let now_us = self.deps.clock.now_us();
        let settled = now_us.saturating_sub(self.deps.profile().settles_after_us());
        let (fresh, old): (Vec<_>, Vec<_>) =
            due.into_iter().partition(|(_, at_us)| *at_us > settled);
        let old: Vec<PostKey> = old.into_iter().map(|one| one.0).collect();
        let fresh: Vec<PostKey> = fresh.into_iter().map(|one| one.0).collect();
        // What is done with them from now on makes them due again, before that; so does an end in between, after it.
        let until_us = now_us.saturating_add(HELD_US);
        let looked: Vec<PostKey> = old.iter().chain(&fresh).copied().collect();
        let held = looked.clone();
        let hold = move |tx: &mut Tx| hold(tx, &held, until_us);
        let held: Result<(), StoreError> = self.deps.store.write(hold).await;
        held?;
        millrace_runtime::crash::point("feeds.rescore.held");
        let posts = fresh.len();
        let rows = match self.rescore(&fresh).await {
            Ok(rows) => rows,
            Err(error) => {
                let again = move |tx: &mut Tx| engaged::make_due(tx, &fresh, 0);
                let noted: Result<(), StoreError> = self.deps.store.write(again).await;
                noted?;
                return Err(error);
            }
        };
        let clear = move |tx: &mut Tx| clear(tx, &looked, until_us);
        let cleared: Result<(), StoreError> = self.deps.store.write(clear).await;
        cleared?;
        self.deps.metrics.rescored(posts, rows);
        Ok(true)
    }

    async fn rescore(&self, posts: &[PostKey]) -> Result<u64, FeedsError> {
        let texts = Texts::of(
            &self.deps.dictionary,
            posts.iter().map(|post| post.0),
            posts.iter().map(|post| post.1),
        )
        .await?;
        let uris =
            posts.iter().filter_map(|post| AtUri::parse(&texts.post_uri(*post)?).ok()).collect();
        let question = GetHomeItems { of: HomeItemsOf::Items(uris), limit: LIMIT_MAX };
        let items =
            known(&self.deps.dictionary, self.deps.dataplane.ask(question).await?.items).await?;
        let known: HashMap<PostKey, HomeItem> =
            items.into_iter().map(|new| (new.post, new.known)).collect();
        let mut rows = 0;
        for (post, known) in known {
            let (profile, version) = (self.deps.profile(), self.deps.config.score_version());
            let value = engagement(&known);
            let count = move |tx: &mut Tx| counted(tx, post, &known);
            let counted: Result<(), StoreError> = self.deps.store.write(count).await;
            counted?;
            let mut after = i64::MIN;
            loop {
                let score = move |tx: &mut Tx| score(tx, post, after, value, &profile, version);
                let scored: Result<(u64, Option<i64>), StoreError> =
                    self.deps.store.write(score).await;
                let (changed, next) = scored?;
                rows += changed;
                match next {
                    Some(next) => after = next,
                    None => break,
                }
            }
        }
        Ok(rows)
    }
}

fn due(tx: &mut Tx) -> Result<Vec<(PostKey, i64)>, StoreError> {
    tx.query(
        "SELECT post_actor, post_rkey, sort_at_us FROM post_stats WHERE due_us <= $1 ORDER BY due_us LIMIT $2",
        &[Param::Int(tx.now_us()), Param::Int(POSTS_MAX)],
        |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)),
    )
}

/// Nobody takes them up again until then.
fn hold(tx: &mut Tx, posts: &[PostKey], until_us: i64) -> Result<(), StoreError> {
    tx.execute_many(
        "UPDATE post_stats SET due_us = k.until_us
         FROM {rows:actor BIGINT, rkey BIGINT, until_us BIGINT} AS k
         WHERE post_stats.post_actor = k.actor AND post_stats.post_rkey = k.rkey",
        posts.iter().map(|post| [post.0, post.1, until_us].map(Param::Int)),
    )
    .map(drop)
}

/// They are scored, unless something was done with them meanwhile.
fn clear(tx: &mut Tx, posts: &[PostKey], until_us: i64) -> Result<(), StoreError> {
    tx.execute_many(
        "UPDATE post_stats SET due_us = NULL
         FROM {rows:actor BIGINT, rkey BIGINT, until_us BIGINT} AS k
         WHERE post_stats.post_actor = k.actor AND post_stats.post_rkey = k.rkey AND post_stats.due_us = k.until_us",
        posts.iter().map(|post| [post.0, post.1, until_us].map(Param::Int)),
    )
    .map(drop)
}

/// Notes what was counted, also for lines that are on their way.
fn counted(tx: &mut Tx, post: PostKey, known: &HomeItem) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE post_stats SET likes = $3, replies = $4, reposts = $5, quotes = $6
         WHERE post_actor = $1 AND post_rkey = $2",
        &[post.0, post.1, known.likes, known.replies, known.reposts, known.quotes].map(Param::Int),
    )?;
    tx.execute(
        "UPDATE fanout_job SET engagement = $3 WHERE post_actor = $1 AND post_rkey = $2",
        &[Param::Int(post.0), Param::Int(post.1), Param::Real(engagement(known))],
    )
    .map(drop)
}

/// Scores the lines of a post in the homes after one; how many changed, and where to go on.
fn score(
    tx: &mut Tx,
    post: PostKey,
    after: i64,
    engagement: f64,
    profile: &Profile,
    version: i64,
) -> Result<(u64, Option<i64>), StoreError> {
    struct Row {
        key: [i64; 4],
        parts: Parts,
        sort_at_us: i64,
    }
    let rows: Vec<Row> = tx.query(
        "SELECT user_id, item_actor, item_rkey, item_collection, parts, sort_at_us FROM user_feeds
         WHERE post_actor = $1 AND post_rkey = $2 AND user_id > $3
         ORDER BY user_id LIMIT $4",
        &[post.0, post.1, after, LINES_MAX].map(Param::Int),
        |row| {
            Ok(Row {
                key: [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?],
                parts: Parts::unpack(row.get(4)?),
                sort_at_us: row.get(5)?,
            })
        },
    )?;
    // The last home may go on in the next page: it is read whole there.
    let is_full = rows.len() as i64 == LINES_MAX;
    let last = rows.last().map_or(after, |row| row.key[0]);
    let is_whole = |row: &&Row| !is_full || row.key[0] < last;
    let differing = rows.iter().filter(is_whole).filter_map(|row| {
        let parts = row.parts.with_engagement(engagement);
        let is_other = profile.differs(row.parts, parts);
        is_other.then(|| Rescored::new(row.key, parts, row.sort_at_us, profile))
    });
    let changed = scored::rewrite(tx, differing, profile, version)?;
    Ok((changed, is_full.then_some(last - 1)))
}
