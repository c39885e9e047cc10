//! Homes kept within their bounds: the oldest lines beyond the bound go, who reads here no more is forgotten, and
//! so is what was counted of posts that are too old to be scored again. Where scores are made differently now,
//! lines are scored anew on the way. A slice at a time, all day; how large homes are is counted on the way and written
//! down each minute.

use millrace_store::{Param, Row, StoreError, Tx};
use parking_lot::Mutex;

use super::Jobs;
use super::scored::{self, Rescored};
use crate::apply::readers;
use crate::error::FeedsError;
use crate::score::{Parts, Profile};
use crate::sizes;

/// Homes looked at in one step, and lines scored anew in one transaction.
const HOMES_MAX: i64 = 50;
/// Readers and posts forgotten in one step.
const FORGOTTEN_MAX: i64 = 5;
const POSTS_MAX: i64 = 5_000;
const DAY_US: i64 = 86_400_000_000;
/// From one slice to the next.
const EVERY_US: i64 = 1_000_000;

/// Where the way through all homes stands, and what it has counted.
#[derive(Debug, Default)]
pub(crate) struct Round(Mutex<Counts>);

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    after: i64,
    rows: i64,
    readers: i64,
    next_us: i64,
    /// When it was last written down how large homes are.
    noted_us: i64,
}

/// What bounds homes.
#[derive(Clone, Copy)]
struct Bounds {
    rows_max: i64,
    read_since_us: i64,
    settled_us: i64,
    push_max: i64,
    profile: Profile,
    version: i64,
}

/// What a slice was.
struct Slice {
    last: Option<i64>,
    rows: i64,
    readers: i64,
    removed: u64,
    forgot: bool,
}

impl Jobs {
    /// One slice; whether the next one is due at once.
    pub async fn trim_step(&self) -> Result<bool, FeedsError> {
        let now_us = self.deps.clock.now_us();
        let mut counts = *self.round.0.lock();
        if now_us < counts.next_us {
            return Ok(false);
        }
        let profile = self.deps.profile();
        let bounds = Bounds {
            rows_max: self.deps.config.rows_per_user_max.into(),
            read_since_us: now_us
                .saturating_sub(i64::from(self.deps.config.reader_days).saturating_mul(DAY_US)),
            settled_us: now_us.saturating_sub(profile.settles_after_us()),
            push_max: self.push_max(),
            profile,
            version: self.deps.config.score_version(),
        };
        let after = counts.after;
        let slice: Result<Slice, StoreError> =
            self.deps.store.write(move |tx| slice(tx, after, &bounds)).await;
        let slice = slice?;
        self.deps.metrics.rows_removed("bound", slice.removed);
        counts.rows += slice.rows;
        counts.readers += slice.readers;
        counts.next_us = now_us.saturating_add(EVERY_US);
        match slice.last {
            Some(last) => counts.after = last,
            None => {
                let jobs: Result<(i64, i64), StoreError> = self.deps.store.read(jobs).await;
                let (pending, parked) = jobs?;
                self.deps.metrics.sizes(counts.rows, counts.readers, pending, parked);
                if now_us.saturating_sub(counts.noted_us) >= sizes::EVERY_US {
                    let (lines, readers) = (counts.rows, counts.readers);
                    let note = move |tx: &mut Tx| sizes::note(tx, lines, readers, pending + parked);
                    let noted: Result<(), StoreError> = self.deps.store.write(note).await;
                    noted?;
                    counts.noted_us = now_us;
                }
                let Counts { next_us, noted_us, .. } = counts;
                counts = Counts { after: i64::MIN, next_us, noted_us, ..Counts::default() };
            }
        }
        *self.round.0.lock() = counts;
        Ok(slice.forgot)
    }
}

fn jobs(tx: &mut Tx) -> Result<(i64, i64), StoreError> {
    tx.query_one(
        "SELECT count(*), CAST(COALESCE(sum(state), 0) AS BIGINT) FROM fanout_job",
        &[],
        |row| {
            let parked: i64 = row.get(1)?;
            Ok((row.get::<i64>(0)? - parked, parked))
        },
    )
}

fn slice(tx: &mut Tx, after: i64, bounds: &Bounds) -> Result<Slice, StoreError> {
    let homes: Vec<(i64, i64)> = tx.query(
        "SELECT s.user_id, (SELECT count(*) FROM user_feeds AS f WHERE f.user_id = s.user_id)
         FROM (SELECT user_id FROM feed_state WHERE user_id > $1 ORDER BY user_id LIMIT $2) AS s
         ORDER BY s.user_id",
        &[after, HOMES_MAX].map(Param::Int),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let mut slice = Slice { last: None, rows: 0, readers: 0, removed: 0, forgot: false };
    for (user, rows) in &homes {
        let mut removed = 0;
        if *rows > bounds.rows_max {
            removed = tx.execute(
                "DELETE FROM user_feeds WHERE user_id = $1 AND sort_at_us <
                 (SELECT f.sort_at_us FROM user_feeds AS f WHERE f.user_id = $1
                  ORDER BY f.sort_at_us DESC LIMIT 1 OFFSET $2)",
                &[Param::Int(*user), Param::Int(bounds.rows_max - 1)],
            )?;
        }
        slice.removed += removed;
        slice.rows += rows.saturating_sub(i64::try_from(removed).unwrap_or(0));
        slice.readers += 1;
        score_anew(tx, *user, bounds)?;
    }
    if homes.len() as i64 == HOMES_MAX {
        slice.last = homes.last().map(|home| home.0);
    }
    slice.forgot = forget(tx, bounds)?;
    Ok(slice)
}

/// Scores the lines of a home that were scored by another profile.
fn score_anew(tx: &mut Tx, user: i64, bounds: &Bounds) -> Result<(), StoreError> {
    let rows: Vec<Rescored> = tx.query(
        "SELECT user_id, item_actor, item_rkey, item_collection, parts, sort_at_us FROM user_feeds
         WHERE user_id = $1 AND score_version <> $2",
        &[Param::Int(user), Param::Int(bounds.version)],
        |row: &Row<'_>| {
            let key = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?];
            let parts = Parts::unpack(row.get(4)?);
            Ok(Rescored::new(key, parts, row.get(5)?, &bounds.profile))
        },
    )?;
    scored::rewrite(tx, rows.into_iter(), &bounds.profile, bounds.version).map(drop)
}

/// Forgets who reads here no more, and posts that keep their scores; whether there may be more of them.
fn forget(tx: &mut Tx, bounds: &Bounds) -> Result<bool, StoreError> {
    let gone: Vec<i64> = tx.query(
        "SELECT user_id FROM feed_state WHERE last_read_at_us < $1 LIMIT $2",
        &[Param::Int(bounds.read_since_us), Param::Int(FORGOTTEN_MAX)],
        |row| row.get(0),
    )?;
    for user in &gone {
        readers::forget(tx, *user, bounds.push_max)?;
    }
    let posts = tx.execute(
        "DELETE FROM post_stats WHERE (post_actor, post_rkey) IN
         (SELECT p.post_actor, p.post_rkey FROM post_stats AS p WHERE p.sort_at_us < $1
          ORDER BY p.sort_at_us LIMIT $2)",
        &[Param::Int(bounds.settled_us), Param::Int(POSTS_MAX)],
    )?;
    Ok(gone.len() as i64 == FORGOTTEN_MAX
        || i64::try_from(posts).is_ok_and(|posts| posts == POSTS_MAX))
}
