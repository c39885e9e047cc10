//! Items on their way into homes: follower after follower, many items together, one transaction a step. A step
//! that was not committed is done again from where the last one ended.

use std::time::Duration;

use foldhash::HashSet;
use millrace_runtime::clock::Stopwatch;
use millrace_store::{Param, Row, StoreError, Tx};

use super::Jobs;
use super::scored::{self, Reader};
use crate::apply::engaged::faded;
use crate::apply::tiers::PUSH;
use crate::error::FeedsError;
use crate::model::{ItemKey, Line, PostKey, Reason};
use crate::score::{self, Parts, Profile};

/// Items whose way goes on together.
const JOBS_MAX: i64 = 500;
/// Followers of one item in one step, and lines of all.
const FOLLOWERS_MAX: i64 = 1_000;
const LINES_MAX: usize = 20_000;
/// A job that failed so often alone is parked.
const ATTEMPTS_MAX: i64 = 10;
/// States of a job.
pub(crate) const PENDING: i64 = 0;
pub(crate) const PARKED: i64 = 1;

/// An item on its way.
#[derive(Debug, Clone)]
struct Job {
    id: i64,
    item: ItemKey,
    post: PostKey,
    known: Known,
    after: i64,
    done: i64,
    created_at_us: i64,
}

/// What of an item counts for every reader.
#[derive(Debug, Clone)]
struct Known {
    sort_at_us: i64,
    is_reply: bool,
    is_private: bool,
    engagement: f64,
    languages: Vec<String>,
    tags: Vec<String>,
}

/// What a step did.
#[derive(Debug, Default)]
struct Done {
    /// There may be more to do.
    worked: bool,
    lines: u64,
    /// Items that are in their last home: to how many, and since when they were on their way.
    ended: Vec<(i64, i64)>,
    /// Whose own items are in their homes now.
    own: Vec<i64>,
}

impl Jobs {
    /// One transaction's worth of lines; whether there was anything to do.
    pub async fn fan_out_step(&self) -> Result<bool, FeedsError> {
        let watch = Stopwatch::start();
        let (profile, version) = (self.deps.profile(), self.deps.config.score_version());
        let done: Result<Done, StoreError> =
            self.deps.store.write(move |tx| step(tx, None, &profile, version)).await;
        let done = match done {
            Ok(done) => done,
            // A store that is away is waited for; anything else is one item's fault.
            Err(error) if error.fault() == millrace_store::Fault::Retry => return Err(error.into()),
            Err(error) => return self.one_by_one(&error).await,
        };
        self.finished(&done, watch.elapsed()).await;
        Ok(done.worked)
    }

    async fn finished(&self, done: &Done, took: Duration) {
        if !done.worked {
            return;
        }
        millrace_runtime::crash::point("feeds.fan_out.after_commit");
        self.deps.metrics.rows_written(done.lines);
        self.deps.metrics.step(took);
        let now_us = self.deps.clock.now_us();
        for (followers, since_us) in &done.ended {
            let took = now_us.saturating_sub(*since_us).max(0).unsigned_abs();
            self.deps.metrics.fanned_out(*followers, Duration::from_micros(took));
        }
        for user in &done.own {
            self.deps.sessions.changed(*user).await;
        }
    }

    /// After a failure: each item alone, so that only the one at fault waits.
    async fn one_by_one(&self, error: &StoreError) -> Result<bool, FeedsError> {
        tracing::warn!(%error, "items are written into homes one by one");
        let ids: Result<Vec<i64>, StoreError> = self.deps.store.read(pending).await;
        for id in ids? {
            let (profile, version) = (self.deps.profile(), self.deps.config.score_version());
            let done: Result<Done, StoreError> =
                self.deps.store.write(move |tx| step(tx, Some(id), &profile, version)).await;
            match done {
                Ok(done) => self.finished(&done, Duration::ZERO).await,
                Err(error) if error.fault() == millrace_store::Fault::Retry => {
                    return Err(error.into());
                }
                Err(error) => self.failed(id, error.to_string()).await?,
            }
        }
        Ok(true)
    }

    async fn failed(&self, id: i64, error: String) -> Result<(), FeedsError> {
        self.deps.metrics.job_failed("fan_out");
        let note = move |tx: &mut Tx| {
            tx.execute(
                "UPDATE fanout_job SET attempts = attempts + 1, error = $2,
                    state = CASE WHEN attempts + 1 >= $3 THEN $4 ELSE state END WHERE id = $1",
                &[
                    Param::Int(id),
                    Param::Text(&error),
                    Param::Int(ATTEMPTS_MAX),
                    Param::Int(PARKED),
                ],
            )
        };
        let noted: Result<u64, StoreError> = self.deps.store.write(note).await;
        Ok(noted.map(drop)?)
    }
}

fn pending(tx: &mut Tx) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT id FROM fanout_job WHERE state = $1 ORDER BY id LIMIT $2";
    tx.query(sql, &[Param::Int(PENDING), Param::Int(JOBS_MAX)], |row| row.get(0))
}

/// Writes lines of the oldest jobs, or of one.
fn step(
    tx: &mut Tx,
    only: Option<i64>,
    profile: &Profile,
    version: i64,
) -> Result<Done, StoreError> {
    let jobs = load(tx, only)?;
    let mut done = Done { worked: !jobs.is_empty(), ..Done::default() };
    let (mut lines, mut moved, mut ended) = (Vec::new(), Vec::new(), Vec::new());
    for job in jobs {
        if lines.len() >= LINES_MAX {
            break;
        }
        let homes = homes(tx, &job)?;
        let reached = job.done + homes.lines.len() as i64;
        let own = homes.lines.iter().filter(|line| line.1 == Reason::Own);
        done.own.extend(own.map(|line| line.0));
        lines.extend(
            homes
                .lines
                .into_iter()
                .map(|(user, reason, parts)| (user, job.line(reason, parts, profile))),
        );
        match homes.after {
            Some(after) => moved.push([job.id, after, reached]),
            None => {
                ended.push(job.id);
                done.ended.push((reached, job.created_at_us));
            }
        }
    }
    done.lines = scored::write(tx, &mut lines, profile, version)?;
    tx.execute_many(
        "UPDATE fanout_job SET after_user = k.after_user, done = k.reached
         FROM {rows:id BIGINT, after_user BIGINT, reached BIGINT} AS k WHERE fanout_job.id = k.id",
        moved.iter().map(|row| row.map(Param::Int)),
    )?;
    tx.execute(
        "DELETE FROM fanout_job WHERE id IN (SELECT ids.id FROM {id_list:$1} AS ids)",
        &[Param::Ids(&ended)],
    )?;
    if done.worked {
        millrace_runtime::crash::point("feeds.fan_out.before_commit");
    }
    Ok(done)
}

fn load(tx: &mut Tx, only: Option<i64>) -> Result<Vec<Job>, StoreError> {
    const COLUMNS: &str =
        "id, item_actor, item_rkey, item_collection, post_actor, post_rkey, sort_at_us, is_reply,
        is_private, engagement, languages, tags, after_user, done, created_at_us";
    let (condition, value) = match only {
        Some(id) => ("id = $1", id),
        None => ("state = $1", PENDING),
    };
    let sql = format!("SELECT {COLUMNS} FROM fanout_job WHERE {condition} ORDER BY id LIMIT $2");
    tx.query(&sql, &[Param::Int(value), Param::Int(JOBS_MAX)], |row: &Row<'_>| {
        let Reader { languages, tags } = Reader::read(row.text(10)?, row.text(11)?);
        Ok(Job {
            id: row.get(0)?,
            item: ItemKey { actor: row.get(1)?, rkey: row.get(2)?, collection: row.get(3)? },
            post: (row.get(4)?, row.get(5)?),
            known: Known {
                sort_at_us: row.get(6)?,
                is_reply: row.get(7)?,
                is_private: row.get(8)?,
                engagement: row.get(9)?,
                languages,
                tags,
            },
            after: row.get(12)?,
            done: row.get(13)?,
            created_at_us: row.get(14)?,
        })
    })
}

/// The next homes of an item.
struct Homes {
    lines: Vec<(i64, Reason, Parts)>,
    /// Where to go on; `None` at the end.
    after: Option<i64>,
}

fn homes(tx: &mut Tx, job: &Job) -> Result<Homes, StoreError> {
    let mut lines = Vec::new();
    if job.after == i64::MIN {
        lines.extend(own(tx, job)?);
    }
    if job.known.is_private || tier(tx, job.item.actor)? != Some(PUSH) {
        return Ok(Homes { lines, after: None });
    }
    let now_us = tx.now_us();
    let reason = job.item.reason();
    let mut last = None;
    let mut page: Vec<(i64, Parts)> = Vec::new();
    tx.for_each(
        "SELECT a.user_id, a.mutual, a.interactions, a.updated_at_us, s.languages, s.tags
         FROM (SELECT user_id, mutual, interactions, updated_at_us FROM affinity
               WHERE author_id = $1 AND user_id > $2 ORDER BY user_id LIMIT $3) AS a
         CROSS JOIN feed_state AS s WHERE s.user_id = a.user_id ORDER BY a.user_id",
        &[job.item.actor, job.after, FOLLOWERS_MAX].map(Param::Int),
        |row| {
            let user = row.get(0)?;
            let age_us = now_us.saturating_sub(row.get(3)?);
            let affinity = score::affinity(true, row.get(1)?, faded(row.get(2)?, age_us));
            let reader = Reader::read(row.text(4)?, row.text(5)?);
            last = Some(user);
            page.push((user, job.parts(affinity, &reader)));
            Ok(())
        },
    )?;
    let is_full = page.len() as i64 == FOLLOWERS_MAX;
    let hidden = hidden(tx, job, last)?;
    lines.extend(
        page.into_iter()
            .filter(|(user, _)| !hidden.contains(user))
            .map(|(user, parts)| (user, reason, parts)),
    );
    Ok(Homes { lines, after: last.filter(|_| is_full) })
}

fn tier(tx: &mut Tx, author: i64) -> Result<Option<i64>, StoreError> {
    tx.query_opt("SELECT tier FROM author_tier WHERE actor_id = $1", &[Param::Int(author)], |row| {
        row.get(0)
    })
}

/// Whoever brought it has it in their own home, unless it is a repost of somebody they are not to see.
fn own(tx: &mut Tx, job: &Job) -> Result<Option<(i64, Reason, Parts)>, StoreError> {
    let author = job.item.actor;
    let sql = "SELECT s.languages, s.tags FROM feed_state AS s WHERE s.user_id = $1 AND NOT EXISTS
        (SELECT 1 FROM hidden AS h WHERE h.other_id = $2 AND h.user_id = $1)";
    let read = |row: &Row<'_>| Ok(Reader::read(row.text(0)?, row.text(1)?));
    let reader = tx.query_opt(sql, &[author, job.post.0].map(Param::Int), read)?;
    let affinity = score::affinity(true, true, 0.0);
    Ok(reader.map(|reader| (author, Reason::Own, job.parts(affinity, &reader))))
}

/// Of the readers up to `last`, those who are not to see the post's author.
fn hidden(tx: &mut Tx, job: &Job, last: Option<i64>) -> Result<HashSet<i64>, StoreError> {
    let Some(last) = last else { return Ok(HashSet::default()) };
    let sql = "SELECT user_id FROM hidden WHERE other_id = $1 AND user_id > $2 AND user_id <= $3";
    let params = [job.post.0, job.after, last].map(Param::Int);
    Ok(tx.query(sql, &params, |row| row.get(0))?.into_iter().collect())
}

impl Job {
    fn parts(&self, affinity: f64, reader: &Reader) -> Parts {
        let Known { is_reply, engagement, languages, tags, .. } = &self.known;
        let content = reader.content(languages, tags);
        Parts::new(affinity, *engagement, content, self.item.kind(*is_reply))
    }

    fn line(&self, reason: Reason, parts: Parts, profile: &Profile) -> Line {
        Line::new((self.item, self.post), reason, self.known.sort_at_us, parts, profile)
    }
}
