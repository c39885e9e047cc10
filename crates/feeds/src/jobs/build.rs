//! Homes from all there is: whom somebody follows first, so that what comes meanwhile finds its way, then the
//! newest items of all of them.

use foldhash::HashMap;
use millrace_atproto::syntax::Did;
use millrace_dataplane::query::home_items::{GetHomeItems, HomeItemsOf, LIMIT_MAX};
use millrace_dataplane::query::home_sources::{GetHomeSources, HomeSources};
use millrace_store::{ActorId, Param, StoreError, Tx};

use super::Jobs;
use super::scored::{self, Reader};
use crate::apply::items::{self, NewItem, json};
use crate::apply::readers;
use crate::apply::tiers::{self, Close, PULL};
use crate::error::FeedsError;
use crate::model::{Line, Reason};
use crate::names::Wanted;
use crate::score;
use crate::worker::known;

/// Homes that wait are built a few at a time.
const HOMES_MAX: i64 = 16;

/// Whom a home is made from, by ids.
pub(crate) struct Sources {
    pub close: Vec<Close>,
    pub hidden: Vec<i64>,
    pub reader: Reader,
}

impl Jobs {
    /// Builds some homes that wait for it; whether there were any.
    pub async fn build_step(&self) -> Result<bool, FeedsError> {
        let waiting: Result<Vec<i64>, StoreError> = self.deps.store.read(unbuilt).await;
        let waiting = waiting?;
        for user in &waiting {
            self.build(*user).await?;
        }
        Ok(!waiting.is_empty())
    }

    async fn build(&self, user: i64) -> Result<(), FeedsError> {
        let dids = self.deps.dictionary.dids(&[ActorId(user)]).await?;
        let Some(did) = dids.into_iter().next().flatten() else {
            // An id without a name is nobody's.
            let push_max = self.push_max();
            let forget = move |tx: &mut Tx| readers::forget(tx, user, push_max);
            let forgotten: Result<(), StoreError> = self.deps.store.write(forget).await;
            return Ok(forgotten?);
        };
        let sources = self.sources(&did, None).await?;
        let (push_max, close, hidden, reader) =
            (self.push_max(), sources.close.clone(), sources.hidden, sources.reader.clone());
        let follow = move |tx: &mut Tx| follow(tx, user, &close, &hidden, &reader, push_max);
        let followed: Result<(), StoreError> = self.deps.store.write(follow).await;
        followed?;
        millrace_runtime::crash::point("feeds.build.followed");
        let limit = self.deps.config.rows_per_user_max.min(LIMIT_MAX);
        let question = GetHomeItems { of: HomeItemsOf::Followed(did), limit };
        let items =
            known(&self.deps.dictionary, self.deps.dataplane.ask(question).await?.items).await?;
        let (profile, version) = (self.deps.profile(), self.deps.config.score_version());
        let fill = move |tx: &mut Tx| {
            let mut lines = lines(tx, user, &items, &sources.close, &sources.reader, &profile)?;
            items::note_posts(tx, &items)?;
            let rows = scored::write(tx, &mut lines, &profile, version)?;
            let now_us = tx.now_us();
            tx.execute(
                "UPDATE feed_state SET built_at_us = $2, marked_at_us = 0 WHERE user_id = $1",
                &[Param::Int(user), Param::Int(now_us)],
            )?;
            Ok(rows)
        };
        let filled: Result<u64, StoreError> = self.deps.store.write(fill).await;
        self.deps.metrics.rows_written(filled?);
        self.deps.sessions.changed(user).await;
        Ok(())
    }

    /// Whom somebody's home is made from, or which of some others.
    pub(crate) async fn sources(
        &self,
        actor: &Did,
        among: Option<Vec<Did>>,
    ) -> Result<Sources, FeedsError> {
        let question = GetHomeSources { actor: actor.clone(), among };
        let HomeSources { followed, hidden, languages, tags } =
            self.deps.dataplane.ask(question).await?;
        let mut wanted = Wanted::default();
        followed.iter().map(|one| &one.did).chain(&hidden).for_each(|did| wanted.did(did));
        let ids = wanted.resolve(&self.deps.dictionary).await?;
        let close = followed.iter().filter_map(|one| {
            let author = ids.actor(&one.did)?;
            Some(Close { author, mutual: one.mutual, interactions: one.interactions })
        });
        Ok(Sources {
            close: close.collect(),
            hidden: hidden.iter().filter_map(|did| ids.actor(did)).collect(),
            reader: Reader { languages, tags },
        })
    }
}

fn unbuilt(tx: &mut Tx) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT user_id FROM feed_state WHERE built_at_us IS NULL ORDER BY user_id LIMIT $1";
    tx.query(sql, &[Param::Int(HOMES_MAX)], |row| row.get(0))
}

/// Notes whom the home is made from, and takes out of it what is of nobody of them.
fn follow(
    tx: &mut Tx,
    user: i64,
    close: &[Close],
    hidden: &[i64],
    reader: &Reader,
    push_max: i64,
) -> Result<(), StoreError> {
    let followed: foldhash::HashSet<i64> =
        close.iter().map(|one| one.author).filter(|author| !hidden.contains(author)).collect();
    let gone: Vec<i64> =
        tiers::of(tx, user)?.into_iter().filter(|author| !followed.contains(author)).collect();
    tiers::remove(tx, user, &gone, push_max)?;
    let close: Vec<Close> =
        close.iter().filter(|one| followed.contains(&one.author)).copied().collect();
    tiers::put(tx, user, &close, push_max)?;
    tx.execute("DELETE FROM hidden WHERE user_id = $1", &[Param::Int(user)])?;
    readers::hide(tx, user, hidden)?;
    tx.execute(
        "UPDATE feed_state SET languages = $2, tags = $3 WHERE user_id = $1",
        &[
            Param::Int(user),
            Param::Text(&json(&reader.languages)),
            Param::Text(&json(&reader.tags)),
        ],
    )?;
    tx.execute(
        "DELETE FROM user_feeds WHERE user_id = $1 AND item_actor <> $1 AND NOT EXISTS
         (SELECT 1 FROM affinity AS a WHERE a.author_id = user_feeds.item_actor AND a.user_id = $1)",
        &[Param::Int(user)],
    )?;
    tx.execute(
        "DELETE FROM user_feeds WHERE user_id = $1 AND EXISTS
         (SELECT 1 FROM hidden AS h WHERE h.other_id = user_feeds.post_actor AND h.user_id = $1)",
        &[Param::Int(user)],
    )
    .map(drop)
}

/// The lines that items make in a home, as its tables stand now.
pub(crate) fn lines(
    tx: &mut Tx,
    user: i64,
    items: &[NewItem],
    close: &[Close],
    reader: &Reader,
    profile: &score::Profile,
) -> Result<Vec<(i64, Line)>, StoreError> {
    let close: HashMap<i64, Close> = close.iter().map(|one| (one.author, *one)).collect();
    let authors: Vec<i64> = items.iter().map(|new| new.item.actor).collect();
    let followed: HashMap<i64, i64> = tx
        .query(
            "SELECT a.author_id, t.tier FROM {id_list:$2} AS ids CROSS JOIN affinity AS a
             CROSS JOIN author_tier AS t
             WHERE a.author_id = ids.id AND a.user_id = $1 AND t.actor_id = a.author_id",
            &[Param::Int(user), Param::Ids(&distinct(authors))],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?
        .into_iter()
        .collect();
    let others: Vec<i64> = items.iter().map(|new| new.post.0).collect();
    let hidden: Vec<i64> = tx.query(
        "SELECT h.other_id FROM {id_list:$2} AS ids CROSS JOIN hidden AS h
         WHERE h.other_id = ids.id AND h.user_id = $1",
        &[Param::Int(user), Param::Ids(&distinct(others))],
        |row| row.get(0),
    )?;
    let mut lines = Vec::with_capacity(items.len());
    for new in items {
        if hidden.contains(&new.post.0) {
            continue;
        }
        let (reason, affinity) = if new.item.actor == user {
            (Reason::Own, score::affinity(true, true, 0.0))
        } else if followed.get(&new.item.actor).is_none_or(|tier| *tier == PULL) {
            continue;
        } else {
            let one = close.get(&new.item.actor);
            let affinity = one.map_or_else(
                || score::affinity(true, false, 0.0),
                |one| score::affinity(true, one.mutual, one.interactions),
            );
            (new.item.reason(), affinity)
        };
        lines.push((user, scored::line(new, reason, affinity, reader, profile)));
    }
    Ok(lines)
}

fn distinct(mut ids: Vec<i64>) -> Vec<i64> {
    ids.sort_unstable();
    ids.dedup();
    ids
}
