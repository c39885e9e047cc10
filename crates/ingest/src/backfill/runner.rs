//! The one task that works on backfills: it settles what was wished for, wishes for more, and has lists
//! read on.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use millrace_atproto::Did;
use millrace_runtime::supervise::{Backoff, TaskSet};
use millrace_store::{Fault, StoreError, Tx};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::begin::Paces;
use super::judge::{Verdict, judge};
use super::lists::{self, ListError};
use super::model::{Backfill, BackfillState};
use crate::error::IngestError;
use crate::lane::{LaneMsg, Wish};
use crate::resync::ResyncDeps;
use crate::scope::Scope;
use crate::tables::accounts;
use crate::tables::backfill_jobs::{self, OpenList, Settled};

/// How often it looks, if nobody wakes it.
const POLL: Duration = Duration::from_secs(1);
/// Between two looks, however much there is to see.
const PAUSE: Duration = Duration::from_millis(100);
/// Accounts that a job wishes for ahead, for each fetch there may be at once: enough that fetching never
/// waits for wishes, few enough that others do not wait long behind them.
const AHEAD_PER_FETCH: usize = 4;
/// Accounts of a job that are waited for, those that failed and are tried again among them.
const AWAITED_MAX: usize = 10_000;
/// Accounts of a job that wait, after which its lists are not read on.
const LISTED_AHEAD_MAX: u32 = 100_000;
/// Attempts after which a list that cannot be read ends its job.
const LIST_ATTEMPTS_MAX: u32 = 8;

const RETRY: Backoff = Backoff {
    base: Duration::from_secs(2),
    max: Duration::from_secs(300),
    reset_after: Duration::from_secs(600),
};

/// What backfills work with.
#[derive(Clone)]
pub(crate) struct BackfillDeps {
    pub(crate) fetch: ResyncDeps,
    pub(crate) scope: Arc<Scope>,
    pub(crate) paces: Arc<Paces>,
}

type ListKey = (i64, String);

/// The task.
pub(crate) struct Backfills {
    deps: BackfillDeps,
    lists: TaskSet<(OpenList, Result<(), ListError>)>,
    reading: HashSet<ListKey>,
    /// Lists that failed: how often, and until when they rest.
    resting: HashMap<ListKey, (u32, Instant)>,
}

impl Backfills {
    pub(crate) fn new(deps: BackfillDeps) -> Self {
        Self { deps, lists: TaskSet::new(), reading: HashSet::new(), resting: HashMap::new() }
    }

    /// Runs until it is dropped.
    pub(crate) async fn run(mut self) -> Result<(), IngestError> {
        let tally = Arc::clone(&self.deps.fetch.tally);
        let mut poll = tokio::time::interval(POLL);
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut taken_up = false;
        loop {
            tokio::select! {
                _ = poll.tick() => {}
                () = tally.news.notified() => {}
                Some(done) = self.lists.join_next() => match done {
                    Ok((_, (list, result))) => self.list_read(&list, result).await?,
                    Err(fault) => {
                        tracing::error!(%fault, "reading a list failed");
                        return Err(IngestError::PartEnded("backfill"));
                    }
                },
            }
            let stepped = match taken_up {
                true => self.step().await,
                false => self.take_up().await,
            };
            match stepped {
                Ok(()) => taken_up = true,
                Err(IngestError::Store(error)) if error.fault() == Fault::Retry => {
                    tracing::debug!(%error, "backfills wait for their tables");
                }
                Err(error) => return Err(error),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Goes on with what a process before this one was waiting for.
    async fn take_up(&self) -> Result<(), IngestError> {
        let limit = u32::try_from(AWAITED_MAX).unwrap_or(u32::MAX);
        let awaited: Result<Vec<Did>, StoreError> = self
            .deps
            .fetch
            .store
            .write(move |tx| {
                backfill_jobs::wish_anew(tx)?;
                let mut awaited = Vec::new();
                for job in backfill_jobs::open(tx)? {
                    let of_job = backfill_jobs::awaited(tx, job.id, limit)?;
                    awaited.extend(of_job.into_iter().map(|one| one.did));
                }
                Ok(awaited)
            })
            .await;
        for did in awaited? {
            self.deps.fetch.tally.await_one(&did);
        }
        self.deps.fetch.tally.news.notify_one();
        Ok(())
    }

    async fn step(&mut self) -> Result<(), IngestError> {
        let open: Result<_, StoreError> = self
            .deps
            .fetch
            .store
            .read(|tx| Ok((backfill_jobs::open(tx)?, backfill_jobs::open_lists(tx)?)))
            .await;
        let (jobs, lists) = open?;
        self.count(&jobs);
        let mut forgotten = Vec::new();
        for job in &jobs {
            let trying = self.settle(job, &mut forgotten).await?;
            if job.state == BackfillState::Running && !self.deps.fetch.brake.is_on() {
                self.wish(job, trying).await?;
            }
        }
        for did in forgotten {
            self.deps.fetch.tally.forget(&did);
        }
        let running = |list: &OpenList| {
            jobs.iter().any(|job| job.id == list.job && job.state == BackfillState::Running)
        };
        for list in lists.into_iter().filter(running) {
            self.read_on(list).await?;
        }
        Ok(())
    }

    fn count(&self, jobs: &[Backfill]) {
        for state in [BackfillState::Running, BackfillState::Paused] {
            let of_state = jobs.iter().filter(|job| job.state == state).count();
            let gauge = self.deps.fetch.metrics.backfills.with(&[state.name()]);
            gauge.set(i64::try_from(of_state).unwrap_or(i64::MAX));
        }
        self.deps.paces.lock().retain(|id, _| jobs.iter().any(|job| job.id == *id));
    }

    /// Counts what became of accounts that were wished for; how many of the others are tried now, and how
    /// many are waited for at all.
    async fn settle(
        &self,
        job: &Backfill,
        forgotten: &mut Vec<Did>,
    ) -> Result<Trying, IngestError> {
        let (id, limit) = (job.id, u32::try_from(AWAITED_MAX).unwrap_or(u32::MAX));
        let store = &self.deps.fetch.store;
        let awaited: Result<_, StoreError> =
            store.read(move |tx| backfill_jobs::awaited(tx, id, limit)).await;
        let (mut settled, mut lost) = (Settled::default(), Vec::new());
        let (mut trying, now_us) = (Trying::default(), self.deps.fetch.clock.now_us());
        for one in awaited? {
            let last = self.deps.fetch.tally.last(&one.did);
            let followed = self.deps.scope.includes(one.did.as_str());
            match judge(&one, last, job.kind.is_named(), followed, now_us) {
                Verdict::Wait => trying.count(&one),
                Verdict::Lost => {
                    trying.count(&one);
                    lost.push(one.did);
                }
                verdict => settled.add(one.did, verdict),
            }
        }
        let (accounts, records) = (settled.dids.len() as u64, settled.records);
        forgotten.extend(settled.dids.iter().cloned());
        self.counted(&settled);
        let may_be_done = trying.all == 0 && !job.listing;
        if !settled.dids.is_empty() || may_be_done {
            let written: Result<bool, StoreError> = store
                .write(move |tx| {
                    if !settled.dids.is_empty() {
                        backfill_jobs::settle(tx, id, &settled)?;
                    }
                    backfill_jobs::end_if_done(tx, id)
                })
                .await;
            if written? {
                tracing::info!(backfill = id, kind = job.kind.name(), "a backfill is done");
            }
        }
        let settled_before = job.found.saturating_sub(job.waiting());
        let (done, got) = (settled_before + accounts, job.records + records);
        self.deps.paces.lock().entry(id).or_default().note(now_us, done, got);
        if !lost.is_empty() {
            self.send(job, lost).await?;
        }
        Ok(trying)
    }

    fn counted(&self, settled: &Settled) {
        let accounts = &self.deps.fetch.metrics.backfill_accounts;
        accounts.with(&["fetched"]).add(settled.fetched);
        accounts.with(&["passed"]).add(settled.passed);
        accounts.with(&["failed"]).add(settled.failed.values().sum());
    }

    /// Wishes for as many more of the job's accounts as there is room for.
    async fn wish(&self, job: &Backfill, trying: Trying) -> Result<(), IngestError> {
        let config = &self.deps.fetch.config.resync;
        let ahead = config.concurrency.saturating_mul(AHEAD_PER_FETCH);
        let room = ahead.saturating_sub(trying.first).min(AWAITED_MAX.saturating_sub(trying.all));
        if room == 0 {
            return Ok(());
        }
        let (id, again) = (job.id, job.again);
        let limit = u32::try_from(room).unwrap_or(u32::MAX);
        let next: Result<(Vec<Did>, Settled), StoreError> =
            self.deps.fetch.store.read(move |tx| next(tx, id, again, limit)).await;
        let (mut fresh, mut passed) = next?;
        if !job.kind.is_named() {
            fresh.retain(|did| {
                let followed = self.deps.scope.includes(did.as_str());
                if !followed {
                    passed.add(did.clone(), Verdict::Passed);
                }
                followed
            });
        }
        if !passed.dids.is_empty() {
            self.counted(&passed);
            let settled: Result<(), StoreError> =
                self.deps.fetch.store.write(move |tx| backfill_jobs::settle(tx, id, &passed)).await;
            settled?;
            self.deps.fetch.tally.news.notify_one();
        }
        if fresh.is_empty() {
            return Ok(());
        }
        self.send(job, fresh).await
    }

    /// Has these accounts fetched; returns when that is durable. First they are noted as wished for: a wish
    /// that is lost with the process is found by its leaving no trace.
    async fn send(&self, job: &Backfill, dids: Vec<Did>) -> Result<(), IngestError> {
        let (id, noted) = (job.id, dids.clone());
        let written: Result<(), StoreError> =
            self.deps.fetch.store.write(move |tx| backfill_jobs::wished(tx, id, &noted)).await;
        written?;
        let wish = Wish::Backfill { again: job.again, named: job.kind.is_named() };
        let mut saved = Vec::with_capacity(dids.len());
        for did in dids {
            self.deps.fetch.tally.await_one(&did);
            let (told, wait) = oneshot::channel();
            if self.deps.fetch.lanes.send(LaneMsg::Want { did, wish, saved: told }).is_err() {
                // The run ends; the next one finds them.
                return Ok(());
            }
            saved.push(wait);
        }
        for wait in saved {
            let _ = wait.await;
        }
        Ok(())
    }

    /// Has a list read a step further, unless it is at it, rests, or is far enough ahead.
    async fn read_on(&mut self, list: OpenList) -> Result<(), IngestError> {
        if !list.kind.is_read() {
            return Ok(());
        }
        let key = (list.job, list.origin.clone());
        let rests = self.resting.get(&key).is_some_and(|(_, until)| *until > Instant::now());
        if rests || self.reading.contains(&key) || self.deps.fetch.brake.is_on() {
            return Ok(());
        }
        let job = list.job;
        let waiting: Result<i64, StoreError> = self
            .deps
            .fetch
            .store
            .read(move |tx| backfill_jobs::waiting_up_to(tx, job, LISTED_AHEAD_MAX))
            .await;
        if waiting? >= i64::from(LISTED_AHEAD_MAX) {
            return Ok(());
        }
        self.reading.insert(key);
        let deps = self.deps.fetch.clone();
        self.lists.spawn("backfill.list", async move {
            let read = lists::read(&deps, &list).await;
            tokio::time::sleep(Duration::from_millis(deps.config.resync.list_repos_pause_ms)).await;
            (list, read)
        });
        Ok(())
    }

    async fn list_read(
        &mut self,
        list: &OpenList,
        result: Result<(), ListError>,
    ) -> Result<(), IngestError> {
        let key = (list.job, list.origin.clone());
        self.reading.remove(&key);
        let Err(error) = result else {
            self.resting.remove(&key);
            self.deps.fetch.tally.news.notify_one();
            return Ok(());
        };
        let failures = self.resting.get(&key).map_or(0, |(failures, _)| *failures);
        let pause = self.deps.fetch.rng.jitter(RETRY.delay(failures));
        let pause = pause.max(error.retry_after().unwrap_or_default());
        let text = crate::error::chain(&error);
        tracing::warn!(
            backfill = list.job,
            list = list.origin,
            error = text,
            "a list was not read"
        );
        let ends = error.is_final() || failures + 1 >= LIST_ATTEMPTS_MAX;
        let gives_up = ends && matches!(list.kind, super::BackfillKind::List);
        match gives_up {
            true => self.resting.remove(&key),
            false => self.resting.insert(key, (failures + 1, Instant::now() + pause)),
        };
        let id = list.job;
        let noted: Result<(), StoreError> = self
            .deps
            .fetch
            .store
            .write(move |tx| {
                backfill_jobs::note_error(tx, id, &text)?;
                match gives_up {
                    true => backfill_jobs::change(tx, id, BackfillState::Failed),
                    false => Ok(()),
                }
            })
            .await;
        match noted {
            Err(error) if error.fault() != Fault::Retry => Err(IngestError::Store(error)),
            _ => Ok(()),
        }
    }
}

/// Accounts of a job that are waited for.
#[derive(Debug, Clone, Copy, Default)]
struct Trying {
    /// Those that have not failed yet.
    first: usize,
    all: usize,
}

impl Trying {
    fn count(&mut self, one: &backfill_jobs::Awaited) {
        self.all += 1;
        if one.account.as_ref().is_none_or(|account| account.attempts == 0) {
            self.first += 1;
        }
    }
}

/// The next accounts, and those among them that need not be fetched: others have done that.
fn next(tx: &mut Tx, job: i64, again: bool, limit: u32) -> Result<(Vec<Did>, Settled), StoreError> {
    let mut fresh = backfill_jobs::waiting(tx, job, limit)?;
    let texts: Vec<String> = fresh.iter().map(ToString::to_string).collect();
    let mut passed = Settled::default();
    let here = accounts::load_many(tx, &texts)?;
    let here = here.into_iter().filter(|account| backfill_jobs::is_passed(account, again));
    let here: HashSet<Did> = here.map(|account| account.did).collect();
    fresh.retain(|did| !here.contains(did.as_str()));
    for did in here {
        passed.add(did, Verdict::Passed);
    }
    Ok((fresh, passed))
}

impl Settled {
    fn add(&mut self, did: Did, verdict: Verdict) {
        self.dids.push(did);
        match verdict {
            Verdict::Fetched { records, bytes } => {
                self.fetched += 1;
                self.records += records;
                self.bytes += bytes;
            }
            Verdict::Passed => self.passed += 1,
            Verdict::Failed(reason) => *self.failed.entry(reason).or_default() += 1,
            Verdict::Wait | Verdict::Lost => {}
        }
    }
}
