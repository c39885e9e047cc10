//! What a home shows of somebody, made right after a follow, a block, a mute or their end. What is true is asked
//! of the data-plane, whatever the facts said and in whichever order they came.

use std::collections::BTreeMap;

use millrace_atproto::syntax::Did;
use millrace_dataplane::query::home_items::{GetHomeItems, HomeItemsOf};
use millrace_store::{ActorId, Param, StoreError, Tx};

use super::Jobs;
use super::build::{self, Sources};
use super::scored;
use crate::apply::items::{self, NewItem};
use crate::apply::readers;
use crate::apply::tiers;
use crate::error::FeedsError;
use crate::worker::known;

/// Pairs that are settled together.
const PAIRS_MAX: i64 = 500;
/// The newest items of somebody who is followed now.
const ITEMS_MAX: u32 = 100;

/// A wish: whose home, and of whom; and the number it had when it was looked at.
#[derive(Debug, Clone, Copy)]
struct Wish {
    user: i64,
    other: i64,
    wish: i64,
}

impl Jobs {
    /// Settles some pairs; whether there were any.
    pub async fn settle_step(&self) -> Result<bool, FeedsError> {
        let wishes: Result<Vec<Wish>, StoreError> = self.deps.store.read(wishes).await;
        let mut by_user: BTreeMap<i64, Vec<Wish>> = BTreeMap::new();
        for wish in wishes? {
            by_user.entry(wish.user).or_default().push(wish);
        }
        let worked = !by_user.is_empty();
        for (user, wishes) in by_user {
            self.settle(user, wishes).await?;
        }
        Ok(worked)
    }

    async fn settle(&self, user: i64, wishes: Vec<Wish>) -> Result<(), FeedsError> {
        let ids: Vec<ActorId> = std::iter::once(user)
            .chain(wishes.iter().map(|wish| wish.other))
            .map(ActorId)
            .collect();
        let mut dids = self.deps.dictionary.dids(&ids).await?.into_iter();
        let Some(did) = dids.next().flatten() else { return self.done(wishes).await };
        let others: Vec<Did> = dids.flatten().collect();
        let sources = self.sources(&did, Some(others)).await?;
        let followed: Vec<i64> = sources
            .close
            .iter()
            .map(|one| one.author)
            .filter(|author| !sources.hidden.contains(author))
            .collect();
        let push_max = self.push_max();
        let asked: Vec<i64> = wishes.iter().map(|wish| wish.other).collect();
        let (close, hidden) = (sources.close.clone(), sources.hidden.clone());
        let stand = move |tx: &mut Tx| {
            let close: Vec<_> =
                close.into_iter().filter(|one| !hidden.contains(&one.author)).collect();
            tiers::put(tx, user, &close, push_max)?;
            let is_close = |other: &i64| close.iter().any(|one| one.author == *other);
            let gone: Vec<i64> = asked.iter().filter(|other| !is_close(other)).copied().collect();
            tiers::remove(tx, user, &gone, push_max)?;
            let removed = take_out(tx, user, &gone, &hidden)?;
            let seen: Vec<i64> =
                asked.into_iter().filter(|other| !hidden.contains(other)).collect();
            show_again(tx, user, &seen)?;
            Ok(removed)
        };
        let removed: Result<u64, StoreError> = self.deps.store.write(stand).await;
        self.deps.metrics.rows_removed("settled", removed?);
        millrace_runtime::crash::point("feeds.settle.stood");
        // Asked now that new items of them find their way here: what came before is in the answer.
        self.bring(user, followed, sources).await?;
        self.deps.sessions.changed(user).await;
        self.done(wishes).await
    }

    /// Writes the newest items of those who are followed.
    async fn bring(
        &self,
        user: i64,
        followed: Vec<i64>,
        sources: Sources,
    ) -> Result<(), FeedsError> {
        let ids: Vec<ActorId> = followed.into_iter().map(ActorId).collect();
        for did in self.deps.dictionary.dids(&ids).await?.into_iter().flatten() {
            let question = GetHomeItems { of: HomeItemsOf::Authors(vec![did]), limit: ITEMS_MAX };
            let new: Vec<NewItem> =
                known(&self.deps.dictionary, self.deps.dataplane.ask(question).await?.items)
                    .await?;
            let (profile, version) = (self.deps.profile(), self.deps.config.score_version());
            let (close, reader) = (sources.close.clone(), sources.reader.clone());
            let bring = move |tx: &mut Tx| {
                let mut lines = build::lines(tx, user, &new, &close, &reader, &profile)?;
                items::note_posts(tx, &new)?;
                scored::write(tx, &mut lines, &profile, version)
            };
            let rows: Result<u64, StoreError> = self.deps.store.write(bring).await;
            self.deps.metrics.rows_written(rows?);
        }
        Ok(())
    }

    /// Forgets wishes that were not renewed meanwhile.
    async fn done(&self, wishes: Vec<Wish>) -> Result<(), FeedsError> {
        let forget = move |tx: &mut Tx| {
            tx.execute_many(
                "DELETE FROM settle_job WHERE (user_id, other_id, wish) IN
                 (SELECT k.reader, k.other, k.wish FROM {rows:reader BIGINT, other BIGINT, wish BIGINT} AS k)",
                wishes.iter().map(|wish| [wish.user, wish.other, wish.wish].map(Param::Int)),
            )
        };
        let forgotten: Result<u64, StoreError> = self.deps.store.write(forget).await;
        Ok(forgotten.map(drop)?)
    }
}

fn wishes(tx: &mut Tx) -> Result<Vec<Wish>, StoreError> {
    tx.query(
        "SELECT user_id, other_id, wish FROM settle_job ORDER BY user_id, other_id LIMIT $1",
        &[Param::Int(PAIRS_MAX)],
        |row| Ok(Wish { user: row.get(0)?, other: row.get(1)?, wish: row.get(2)? }),
    )
}

/// Takes out what those who are not followed brought, and everything of those who are hidden.
fn take_out(tx: &mut Tx, user: i64, gone: &[i64], hidden: &[i64]) -> Result<u64, StoreError> {
    let brought = tx.execute(
        "DELETE FROM user_feeds WHERE user_id = $1 AND item_actor <> $1
           AND item_actor IN (SELECT ids.id FROM {id_list:$2} AS ids)",
        &[Param::Int(user), Param::Ids(gone)],
    )?;
    let written = tx.execute(
        "DELETE FROM user_feeds WHERE user_id = $1 AND post_actor IN (SELECT ids.id FROM {id_list:$2} AS ids)",
        &[Param::Int(user), Param::Ids(hidden)],
    )?;
    readers::hide(tx, user, hidden)?;
    Ok(brought + written)
}

/// What others brought of somebody who was hidden and is no more is not in the home: it is built again.
fn show_again(tx: &mut Tx, user: i64, others: &[i64]) -> Result<(), StoreError> {
    let were_hidden = tx.execute(
        "DELETE FROM hidden WHERE user_id = $1 AND other_id IN (SELECT ids.id FROM {id_list:$2} AS ids)",
        &[Param::Int(user), Param::Ids(others)],
    )?;
    if were_hidden > 0 {
        readers::build_again(tx, user)?;
    }
    Ok(())
}
