//! Everything that may stand in a home when its order is made: what is written in it, who is looked up now, and what
//! many care for.

use foldhash::HashSet;
use millrace_atproto::syntax::Did;
use millrace_dataplane::query::home_items::{GetHomeItems, HomeItemsOf, LIMIT_MAX as ITEMS_MAX};
use millrace_store::{ActorId, Param, Row, StoreError, Tx};

use super::home::{Asked, Source};
use super::order::Mode;
use super::{Question as _, seen};
use crate::apply::engaged::faded;
use crate::apply::items::NewItem;
use crate::apply::readers;
use crate::apply::tiers::PULL;
use crate::client::Local;
use crate::error::FeedsError;
use crate::jobs::scored::{self, Reader};
use crate::model::{ItemKey, Line, Reason};
use crate::score;
use crate::worker::known;

/// Items of a home that is read by pull.
const PULLED_MAX: u32 = 300;
/// Accounts that are looked up when a home is read, and their items.
const LOOKED_UP_MAX: i64 = 500;
const LOOKED_UP_ITEMS_MAX: u32 = 300;
/// Posts of nobody who is followed, at the end.
const DISCOVER_MAX: u32 = 200;
/// Lines of an order.
pub(super) const LINES_MAX: usize = 1_000;
/// That somebody reads is noted so often.
const NOTE_EVERY_US: i64 = 3_600_000_000;

/// What is stored of a home.
#[derive(Default)]
struct Stored {
    last_read_at_us: Option<i64>,
    is_built: bool,
    reader: Reader,
    lines: Vec<Line>,
    /// Who is looked up, and how close they are.
    looked_up: Vec<(i64, f64)>,
    hidden: Vec<i64>,
    /// There are marks that the lines do not show yet.
    is_marked: bool,
}

/// Everything that may stand in a home.
pub(super) struct Gathered {
    pub(super) lines: Vec<Line>,
    pub(super) source: Source,
    pub(super) reader: Reader,
    pub(super) hidden: Vec<i64>,
    /// The last of the lines, where there may be more behind it.
    pub(super) last: Option<Line>,
}

impl Local {
    /// What may stand in the home now of whom the reader follows: everything, or at least the first `most` lines.
    pub(super) async fn gather(
        &self,
        asked: &Asked,
        most: Option<usize>,
    ) -> Result<Gathered, FeedsError> {
        let user = asked.user;
        let mut stored = self.stored(asked, most).await?;
        if stored.is_marked {
            // Marks that were made while homes were away are in the lines before these are read.
            seen::ApplySeen { actor: asked.did.clone() }.answer(self).await?;
            stored = self.stored(asked, most).await?;
        }
        let now_us = self.deps.clock.now_us();
        let note_before_us = now_us.saturating_sub(NOTE_EVERY_US);
        if !stored.is_built || stored.last_read_at_us.is_none_or(|at| at < note_before_us) {
            let noted: Result<(), StoreError> =
                self.deps.store.write(move |tx| readers::reads(tx, user)).await;
            noted?;
        }
        let Stored { is_built, reader, mut lines, looked_up, hidden, .. } = stored;
        if !is_built {
            self.deps.wakes.build();
        }
        if !is_built || self.lag.is_too_long() {
            let lines = self.pulled(asked, &reader).await?;
            return Ok(Gathered { lines, source: Source::Pull, reader, hidden, last: None });
        }
        let last = lines.last().filter(|_| most == Some(lines.len())).cloned();
        lines.extend(self.looked_up(&looked_up, &reader, &lines).await?);
        if let Some(ends_us) = self.deps.profile().ends_after_us() {
            lines.retain(|line| line.sort_at_us > now_us.saturating_sub(ends_us));
        }
        Ok(Gathered { lines, source: Source::UserFeeds, reader, hidden, last })
    }

    async fn stored(&self, asked: &Asked, most: Option<usize>) -> Result<Stored, FeedsError> {
        let (user, did) = (asked.user, asked.did.clone());
        let most = most.map(|most| (asked.mode, most));
        let read: Result<Stored, StoreError> =
            self.deps.store.read(move |tx| stored(tx, user, &did, most)).await;
        Ok(read?)
    }

    /// A home that is not made, or not up to date: everybody who is followed is looked up.
    async fn pulled(&self, asked: &Asked, reader: &Reader) -> Result<Vec<Line>, FeedsError> {
        let question =
            GetHomeItems { of: HomeItemsOf::Followed(asked.did.clone()), limit: PULLED_MAX };
        let items =
            known(&self.deps.dictionary, self.deps.dataplane.ask(question).await?.items).await?;
        let profile = self.deps.profile();
        let line = |new: &_| {
            let new: &NewItem = new;
            let is_own = new.item.actor == asked.user;
            let reason = if is_own { Reason::Own } else { new.item.reason() };
            scored::line(new, reason, score::affinity(true, is_own, 0.0), reader, &profile)
        };
        Ok(items.iter().map(line).collect())
    }

    /// The newest items of those who have too many readers to be written into each home.
    async fn looked_up(
        &self,
        close: &[(i64, f64)],
        reader: &Reader,
        lines: &[Line],
    ) -> Result<Vec<Line>, FeedsError> {
        if close.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<ActorId> = close.iter().map(|one| ActorId(one.0)).collect();
        let authors: Vec<Did> =
            self.deps.dictionary.dids(&ids).await?.into_iter().flatten().collect();
        let question =
            GetHomeItems { of: HomeItemsOf::Authors(authors), limit: LOOKED_UP_ITEMS_MAX };
        let items =
            known(&self.deps.dictionary, self.deps.dataplane.ask(question).await?.items).await?;
        let there: HashSet<ItemKey> = lines.iter().map(|line| line.item).collect();
        let profile = self.deps.profile();
        let affinity =
            |author: i64| close.iter().find(|one| one.0 == author).map_or(0.5, |one| one.1);
        let line = |new: &NewItem| {
            scored::line(new, new.item.reason(), affinity(new.item.actor), reader, &profile)
        };
        Ok(items.iter().filter(|new| !there.contains(&new.item)).map(line).collect())
    }

    /// Posts of nobody who is followed, for the end of an order of `lines`.
    pub(super) async fn others(
        &self,
        asked: &Asked,
        lines: &[Line],
        (reader, hidden): (&Reader, &[i64]),
    ) -> Result<Vec<Line>, FeedsError> {
        if asked.mode == Mode::Chronological {
            return Ok(Vec::new());
        }
        let ask = async || {
            let of = HomeItemsOf::Popular(reader.languages.clone());
            let question = GetHomeItems { of, limit: DISCOVER_MAX.min(ITEMS_MAX) };
            let found = self.deps.dataplane.ask(question).await?.items;
            Ok::<_, FeedsError>(known(&self.deps.dictionary, found).await?)
        };
        let items = self.deps.sessions.popular(&reader.languages, ask).await?;
        let there: HashSet<(i64, i64)> = lines.iter().map(|line| line.post).collect();
        let profile = self.deps.profile();
        let mut others: Vec<Line> = items
            .iter()
            .filter(|new| {
                let author = new.post.0;
                !there.contains(&new.post) && author != asked.user && !hidden.contains(&author)
            })
            .map(|new| scored::line(new, Reason::Discover, 0.0, reader, &profile))
            .collect();
        others.truncate((LINES_MAX + DISCOVER_MAX as usize).saturating_sub(lines.len()));
        Ok(others)
    }
}

const LINES: &str =
    "SELECT item_actor, item_rkey, item_collection, post_actor, post_rkey, reason, sort_at_us, parts, rank_key,
        is_read, read_at_us
     FROM user_feeds WHERE user_id = $1";

fn line(row: &Row<'_>) -> Result<Line, StoreError> {
    Ok(Line {
        item: ItemKey { actor: row.get(0)?, rkey: row.get(1)?, collection: row.get(2)? },
        post: (row.get(3)?, row.get(4)?),
        reason: Reason::from_code(row.get(5)?),
        sort_at_us: row.get(6)?,
        parts: score::Parts::unpack(row.get(7)?),
        rank_key: row.get(8)?,
        is_read: row.get(9)?,
        read_at_us: row.get(10)?,
    })
}

fn stored(
    tx: &mut Tx,
    user: i64,
    did: &Did,
    most: Option<(Mode, usize)>,
) -> Result<Stored, StoreError> {
    let state = tx.query_opt(
        "SELECT last_read_at_us, built_at_us, languages, tags FROM feed_state WHERE user_id = $1",
        &[Param::Int(user)],
        |row| {
            let is_built = row.get::<Option<i64>>(1)?.is_some();
            Ok((row.get(0)?, is_built, Reader::read(row.text(2)?, row.text(3)?)))
        },
    )?;
    let Some((last_read_at_us, is_built, reader)) = state else { return Ok(Stored::default()) };
    let lines = match most {
        None => tx.query(LINES, &[Param::Int(user)], line)?,
        Some((mode, most)) => {
            let key = match mode {
                Mode::Ranked => "rank_key",
                Mode::Chronological => "sort_at_us",
            };
            let sql = format!(
                "{LINES} ORDER BY {key} DESC, item_actor, item_rkey, item_collection LIMIT $2"
            );
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            tx.query(&sql, &[user, most].map(Param::Int), line)?
        }
    };
    let now_us = tx.now_us();
    let looked_up = tx.query(
        "SELECT a.author_id, a.mutual, a.interactions, a.updated_at_us
         FROM affinity AS a CROSS JOIN author_tier AS t
         WHERE a.user_id = $1 AND t.actor_id = a.author_id AND t.tier = $2 LIMIT $3",
        &[Param::Int(user), Param::Int(PULL), Param::Int(LOOKED_UP_MAX)],
        |row| {
            let age_us = now_us.saturating_sub(row.get(3)?);
            Ok((row.get(0)?, score::affinity(true, row.get(1)?, faded(row.get(2)?, age_us))))
        },
    )?;
    let hidden =
        tx.query("SELECT other_id FROM hidden WHERE user_id = $1", &[Param::Int(user)], |row| {
            row.get(0)
        })?;
    let is_marked = seen::has_newer(tx, user, did)?;
    let last_read_at_us = Some(last_read_at_us);
    Ok(Stored { last_read_at_us, is_built, reader, lines, looked_up, hidden, is_marked })
}
