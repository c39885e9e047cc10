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
const LINES_MAX: usize = 1_000;
/// That somebody reads is noted so often.
const NOTE_EVERY_US: i64 = 3_600_000_000;

/// What is stored of a home.
struct Stored {
    last_read_at_us: Option<i64>,
    is_built: bool,
    reader: Reader,
    lines: Vec<Line>,
    /// Who is looked up, and how close they are.
    looked_up: Vec<(i64, f64)>,
}

impl Local {
    /// Everything that may stand in the home now.
    pub(super) async fn lines(&self, asked: &Asked) -> Result<(Vec<Line>, Source), FeedsError> {
        let user = asked.user;
        self.catch_up(asked).await?;
        let stored: Result<Stored, StoreError> = self.store.read(move |tx| stored(tx, user)).await;
        let stored = stored?;
        let now_us = self.clock.now_us();
        let note_before_us = now_us.saturating_sub(NOTE_EVERY_US);
        if !stored.is_built || stored.last_read_at_us.is_none_or(|at| at < note_before_us) {
            let noted: Result<(), StoreError> =
                self.store.write(move |tx| readers::reads(tx, user)).await;
            noted?;
        }
        if !stored.is_built {
            self.wakes.build();
            return Ok((self.pulled(asked, &stored.reader).await?, Source::Pull));
        }
        if self.lag.is_too_long() {
            return Ok((self.pulled(asked, &stored.reader).await?, Source::Pull));
        }
        let mut lines = stored.lines;
        lines.extend(self.looked_up(&stored.looked_up, &stored.reader, &lines).await?);
        if let Some(ends_us) = self.profile().ends_after_us() {
            lines.retain(|line| line.sort_at_us > now_us.saturating_sub(ends_us));
        }
        Ok((lines, Source::UserFeeds))
    }

    /// Marks that were made while homes were away are in its lines before they are read.
    async fn catch_up(&self, asked: &Asked) -> Result<(), FeedsError> {
        let (user, did) = (asked.user, asked.did.clone());
        let newer: Result<bool, StoreError> =
            self.store.read(move |tx| seen::has_newer(tx, user, &did)).await;
        if newer? {
            seen::ApplySeen { actor: asked.did.clone() }.answer(self).await?;
        }
        Ok(())
    }

    /// A home that is not made, or not up to date: everybody who is followed is looked up.
    async fn pulled(&self, asked: &Asked, reader: &Reader) -> Result<Vec<Line>, FeedsError> {
        let question =
            GetHomeItems { of: HomeItemsOf::Followed(asked.did.clone()), limit: PULLED_MAX };
        let items = known(&self.dictionary, self.dataplane.ask(question).await?.items).await?;
        let profile = self.profile();
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
        let authors: Vec<Did> = self.dictionary.dids(&ids).await?.into_iter().flatten().collect();
        let question =
            GetHomeItems { of: HomeItemsOf::Authors(authors), limit: LOOKED_UP_ITEMS_MAX };
        let items = known(&self.dictionary, self.dataplane.ask(question).await?.items).await?;
        let there: HashSet<ItemKey> = lines.iter().map(|line| line.item).collect();
        let profile = self.profile();
        let affinity =
            |author: i64| close.iter().find(|one| one.0 == author).map_or(0.5, |one| one.1);
        let line = |new: &NewItem| {
            scored::line(new, new.item.reason(), affinity(new.item.actor), reader, &profile)
        };
        Ok(items.iter().filter(|new| !there.contains(&new.item)).map(line).collect())
    }

    /// The order with posts of nobody who is followed at its end.
    pub(super) async fn with_others(
        &self,
        asked: &Asked,
        mut lines: Vec<Line>,
    ) -> Result<Vec<Line>, FeedsError> {
        lines.truncate(LINES_MAX);
        if asked.mode == Mode::Chronological {
            return Ok(lines);
        }
        let user = asked.user;
        let read = move |tx: &mut Tx| {
            let state = state(tx, user)?.map(|state| state.2).unwrap_or_default();
            let sql = "SELECT other_id FROM hidden WHERE user_id = $1";
            let hidden: Vec<i64> = tx.query(sql, &[Param::Int(user)], |row| row.get(0))?;
            Ok((state, hidden))
        };
        let known_of: Result<(Reader, Vec<i64>), StoreError> = self.store.read(read).await;
        let (reader, hidden) = known_of?;
        let question = GetHomeItems {
            of: HomeItemsOf::Popular(reader.languages.clone()),
            limit: DISCOVER_MAX.min(ITEMS_MAX),
        };
        let items = known(&self.dictionary, self.dataplane.ask(question).await?.items).await?;
        let there: HashSet<(i64, i64)> = lines.iter().map(|line| line.post).collect();
        let profile = self.profile();
        let mut others: Vec<Line> = items
            .iter()
            .filter(|new| {
                !there.contains(&new.post) && new.post.0 != user && !hidden.contains(&new.post.0)
            })
            .map(|new| scored::line(new, Reason::Discover, 0.0, &reader, &profile))
            .collect();
        others.truncate((LINES_MAX + DISCOVER_MAX as usize).saturating_sub(lines.len()));
        lines.extend(others);
        Ok(lines)
    }
}

type State = (i64, bool, Reader);

fn state(tx: &mut Tx, user: i64) -> Result<Option<State>, StoreError> {
    tx.query_opt(
        "SELECT last_read_at_us, built_at_us, languages, tags FROM feed_state WHERE user_id = $1",
        &[Param::Int(user)],
        |row| {
            let is_built = row.get::<Option<i64>>(1)?.is_some();
            Ok((row.get(0)?, is_built, Reader::read(row.text(2)?, row.text(3)?)))
        },
    )
}

fn stored(tx: &mut Tx, user: i64) -> Result<Stored, StoreError> {
    let Some((last_read_at_us, is_built, reader)) = state(tx, user)? else {
        let (lines, looked_up) = (Vec::new(), Vec::new());
        return Ok(Stored {
            last_read_at_us: None,
            is_built: false,
            reader: Reader::default(),
            lines,
            looked_up,
        });
    };
    let lines = tx.query(
        "SELECT item_actor, item_rkey, item_collection, post_actor, post_rkey, reason, sort_at_us, parts, rank_key,
            is_read, read_at_us
         FROM user_feeds WHERE user_id = $1",
        &[Param::Int(user)],
        |row: &Row<'_>| {
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
        },
    )?;
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
    Ok(Stored { last_read_at_us: Some(last_read_at_us), is_built, reader, lines, looked_up })
}
