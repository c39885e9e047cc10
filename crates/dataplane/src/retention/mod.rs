//! What may be forgotten: old posts of accounts that nobody who reads here follows, what points at posts
//! that are gone, and old notifications of edges. Off unless it is configured.
//!
//! What must stay true:
//! 1. Rows go by the same decisions as when their author deletes them, so counters follow rows.
//! 2. Nothing goes that a reader wrote, likes, reposts, answers or quotes, is told of, or in whose
//!    thread a reader has written; nor what anybody has a bookmark of, nor anything of whom readers follow.
//! 3. Nothing goes that the log still holds: no replay of it brings back what was forgotten. A whole
//!    repository that is fetched again does bring it back, under its old time; the next sweep takes it.
//!
//! A [`Sweep`] goes once through the tables, in bounded transactions; when it goes on is its caller's.

mod edges;
mod keep;
mod notices;
mod posts;

use millrace_store::{Param, Store, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::apply::Key;
use crate::apply::batch;
use crate::collection::Collection;
use crate::worker;
use keep::Keep;

const DAY_US: i64 = 86_400_000_000;

/// What may be forgotten, and when. Nothing is unless it is set here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionConfig {
    /// Posts older than this many days go, if nobody who reads here follows their author or takes part
    /// in them; with them what others did with them: likes and reposts. Unset: they stay.
    pub posts_days: Option<u32>,
    /// Notifications of likes, reposts, follows and the like go when they are older than this many days;
    /// those of replies, quotes and mentions stay with their posts. Unset: they stay.
    pub notifications_days: Option<u32>,
    /// How long after it last read here an account counts as one that reads here, in days.
    pub reader_days: u32,
    /// Rows looked at in one transaction.
    pub batch_rows_max: u32,
    /// Pause after each such transaction, in milliseconds.
    pub pause_ms: u64,
    /// Time from the end of one sweep to the beginning of the next, in milliseconds.
    pub every_ms: u64,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self {
            posts_days: None,
            notifications_days: None,
            reader_days: 90,
            batch_rows_max: 500,
            pause_ms: 100,
            every_ms: 3_600_000,
        }
    }
}

impl RetentionConfig {
    /// Whether anything may be forgotten.
    pub fn is_on(&self) -> bool {
        self.posts_days.is_some() || self.notifications_days.is_some()
    }
}

/// What a sweep has removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    pub posts: u64,
    /// Likes and reposts.
    pub edges: u64,
    pub notifications: u64,
}

/// Where a sweep is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Posts(Key),
    Edges(Collection, Key),
    Notices(i64),
    End,
}

/// What a bounded part of a sweep did.
struct Part {
    /// Where the next one begins.
    at: At,
    gone: Forgotten,
    /// Rows looked at.
    rows: usize,
}

impl Part {
    /// Nothing was there: on to the next place.
    fn on(at: At) -> Self {
        Self { at, gone: Forgotten::default(), rows: 1 }
    }
}

/// Parts after which it is looked again who reads here.
const PARTS_FRESH: u32 = 256;

/// The first place of a table.
const FIRST: Key = (i64::MIN, i64::MIN);

/// What is old enough. Both must hold.
#[derive(Debug, Clone, Copy)]
struct Age {
    /// Written before this.
    sorted_us: i64,
    /// Taken by the log before this: the log does not hold it any more.
    indexed_us: i64,
}

/// One way through the tables.
pub struct Sweep {
    at: At,
    keep: Keep,
    posts: Option<Age>,
    notices_us: Option<i64>,
    rows_max: u32,
    forgotten: Forgotten,
    /// Since it was looked who reads here.
    parts: u32,
}

impl Sweep {
    /// Looks who reads here. `log_oldest_us` is when the log took the oldest entry that it still holds;
    /// `now_us` when it holds none.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn begin(
        store: &Store,
        config: &RetentionConfig,
        now_us: i64,
        log_oldest_us: i64,
    ) -> Result<Self, StoreError> {
        let before = |days: u32| now_us.saturating_sub(i64::from(days).saturating_mul(DAY_US));
        let since_us = before(config.reader_days);
        let keep = store.read(move |tx| Keep::load(tx, since_us)).await?;
        let age = |days| Age { sorted_us: before(days), indexed_us: log_oldest_us.min(now_us) };
        Ok(Self {
            at: At::Posts(FIRST),
            keep,
            posts: config.posts_days.map(age),
            notices_us: config.notifications_days.map(before),
            rows_max: config.batch_rows_max.max(1),
            forgotten: Forgotten::default(),
            parts: 0,
        })
    }

    /// Does a bounded part; whether there is more.
    ///
    /// # Errors
    /// The store cannot be written; the part is done again when this is called again.
    pub async fn step(&mut self, store: &Store) -> Result<bool, StoreError> {
        self.parts += 1;
        if self.parts.is_multiple_of(PARTS_FRESH) {
            let since_us = self.keep.since_us();
            self.keep = store.read(move |tx| Keep::load(tx, since_us)).await?;
        }
        let at = self.at;
        let look = Look {
            keep: self.keep.clone(),
            posts: self.posts.filter(|_| !self.keep.too_many_threads()),
            notices_us: self.notices_us,
            rows_max: self.rows_max,
        };
        let (at, gone) = store.write(move |tx| look.go_on(tx, at)).await?;
        self.at = at;
        self.forgotten += gone;
        Ok(self.at != At::End)
    }

    /// What has gone so far.
    pub fn forgotten(&self) -> Forgotten {
        self.forgotten
    }

    /// Whether posts stay only because readers take part in more threads than can be remembered.
    pub fn is_overwhelmed(&self) -> bool {
        self.keep.too_many_threads()
    }
}

/// What one transaction goes by.
struct Look {
    keep: Keep,
    posts: Option<Age>,
    notices_us: Option<i64>,
    rows_max: u32,
}

impl Look {
    /// Goes on from `at` until something went, or enough was looked at.
    fn go_on(self, tx: &mut Tx, mut at: At) -> Result<(At, Forgotten), StoreError> {
        let mut rows = 0;
        loop {
            let part = self.part(tx, at)?;
            at = part.at;
            rows += part.rows;
            let enough = part.gone != Forgotten::default() || rows >= self.rows_max as usize;
            if enough || at == At::End {
                return Ok((at, part.gone));
            }
        }
    }

    fn part(&self, tx: &mut Tx, at: At) -> Result<Part, StoreError> {
        let Self { keep, posts, notices_us, rows_max } = self;
        match (at, posts, notices_us) {
            (At::Posts(after), Some(age), _) => posts::part(tx, after, *age, keep, *rows_max),
            (At::Edges(kind, after), Some(age), _) => {
                edges::part(tx, kind, after, *age, keep, *rows_max)
            }
            (At::Posts(_) | At::Edges(..), None, _) => Ok(Part::on(At::Notices(i64::MIN))),
            (At::Notices(actor), _, Some(us)) => notices::part(tx, actor, *us, *rows_max),
            (At::Notices(_), _, None) | (At::End, ..) => Ok(Part::on(At::End)),
        }
    }
}

impl std::ops::AddAssign for Forgotten {
    fn add_assign(&mut self, more: Self) {
        self.posts += more.posts;
        self.edges += more.edges;
        self.notifications += more.notifications;
    }
}

/// Removes records as if their authors had deleted them. Workers are kept out meanwhile.
fn forget(tx: &mut Tx, records: &[(Collection, Key)]) -> Result<(), StoreError> {
    if records.is_empty() {
        return Ok(());
    }
    worker::keep_out(tx)?;
    batch::forget(tx, records)
}

/// Counts of records that are gone, and that nothing is counted for, go too.
fn forget_counts(tx: &mut Tx, of: impl Iterator<Item = Key>) -> Result<(), StoreError> {
    tx.execute_many(
        "DELETE FROM record_count WHERE likes = 0 AND replies = 0 AND reposts = 0 AND quotes = 0
            AND items = 0 AND (actor_id, rkey, collection) IN
         (SELECT k.actor, k.rkey, k.collection FROM {rows:actor BIGINT, rkey BIGINT, collection BIGINT} AS k)",
        of.map(|key| [key.0, key.1, Collection::Post.code()].map(Param::Int)),
    )?;
    Ok(())
}

/// The first account after `after` that has rows in `table`.
fn next_actor(tx: &mut Tx, table: &str, after: i64) -> Result<Option<i64>, StoreError> {
    let sql = format!("SELECT min(actor_id) FROM {table} WHERE actor_id > $1");
    let next = tx.query_opt(&sql, &[Param::Int(after)], |row| row.get::<Option<i64>>(0))?;
    Ok(next.flatten())
}
