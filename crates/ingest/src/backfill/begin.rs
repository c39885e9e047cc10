//! Backfills as they are begun, changed and told of, by whoever holds the store.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use millrace_atproto::Did;
use millrace_runtime::clock::SharedClock;
use millrace_store::{Store, StoreError, Tx};
use parking_lot::Mutex;

use super::lists;
use super::model::{
    AddToBackfill, BACKFILL_ACCOUNTS_MAX, Backfill, BackfillChange, BackfillKind, BackfillList,
    BackfillState, BeginBackfill, ChangeBackfill,
};
use super::pace::{self, Pace};
use super::tally::Tally;
use crate::config::IngestConfig;
use crate::error::IngestError;
use crate::progress::SourceState;
use crate::tables::backfill_jobs::{self, NAMED, Next};

/// Backfills that have not ended.
const OPEN_MAX: usize = 16;

/// The backfills of this store.
pub(crate) struct Jobs {
    pub(crate) store: Store,
    pub(crate) clock: SharedClock,
    pub(crate) config: Arc<IngestConfig>,
    pub(crate) sources: Vec<Arc<SourceState>>,
    /// Shared with who works on them.
    pub(crate) tally: Arc<Tally>,
    pub(crate) paces: Arc<Paces>,
    pub(crate) interesting: OnceLock<Interesting>,
}

/// Whoever knows who is of interest: passed in, because who reads here is not ingest's to know.
pub type Interesting =
    Box<dyn Fn() -> BoxFuture<'static, Result<Vec<Did>, StoreError>> + Send + Sync>;

/// How fast each backfill goes in this process.
pub(crate) type Paces = Mutex<HashMap<i64, Pace>>;

impl Jobs {
    /// Begins one. Durable on return.
    pub(crate) async fn begin(&self, wanted: BeginBackfill) -> Result<Backfill, IngestError> {
        if wanted.kind == BackfillKind::Interest && wanted.dids.is_empty() && !wanted.more {
            return self.begin_of_interest(wanted).await;
        }
        self.begin_named(wanted).await
    }

    /// One of everybody who is of interest now, so many at a time.
    async fn begin_of_interest(&self, wanted: BeginBackfill) -> Result<Backfill, IngestError> {
        let refused = |why: &str| IngestError::InvalidRequest(why.to_owned());
        let ask = self.interesting.get();
        let ask = ask.ok_or_else(|| refused("it is not known here who is of interest"))?;
        let dids = ask().await?;
        let mut parts = dids.chunks(BACKFILL_ACCOUNTS_MAX).peekable();
        let first =
            parts.next().ok_or_else(|| refused("nobody is of interest: nobody reads here"))?;
        let more = parts.peek().is_some();
        let first = BeginBackfill { dids: first.to_vec(), more, ..wanted };
        let mut job = self.begin_named(first).await?;
        while let Some(part) = parts.next() {
            let more = parts.peek().is_some();
            job = self.add(AddToBackfill { id: job.id, dids: part.to_vec(), more }).await?;
        }
        Ok(job)
    }

    async fn begin_named(&self, wanted: BeginBackfill) -> Result<Backfill, IngestError> {
        let origins = self.origins(&wanted)?;
        bounded(wanted.dids.len())?;
        let begun: Result<Result<Backfill, IngestError>, StoreError> = self
            .store
            .write(move |tx| {
                if backfill_jobs::open(tx)?.len() >= OPEN_MAX {
                    let why = format!(
                        "{OPEN_MAX} backfills are under way: wait for one of them, or cancel it"
                    );
                    return Ok(Err(IngestError::InvalidRequest(why)));
                }
                let id = backfill_jobs::begin(tx, &wanted, &origins)?;
                take_named(tx, id, &wanted.dids, wanted.more)?;
                told(tx, id)
            })
            .await;
        self.tally.news.notify_one();
        begun?
    }

    /// More accounts of one that was begun with `more`.
    pub(crate) async fn add(&self, wanted: AddToBackfill) -> Result<Backfill, IngestError> {
        bounded(wanted.dids.len())?;
        let added: Result<Result<Backfill, IngestError>, StoreError> = self
            .store
            .write(move |tx| {
                if !take_named(tx, wanted.id, &wanted.dids, wanted.more)? {
                    let why = format!("backfill {} takes no more accounts", wanted.id);
                    return Ok(Err(IngestError::InvalidRequest(why)));
                }
                told(tx, wanted.id)
            })
            .await;
        self.tally.news.notify_one();
        added?
    }

    /// Pauses, resumes or cancels one.
    pub(crate) async fn change(&self, wanted: ChangeBackfill) -> Result<Backfill, IngestError> {
        let ChangeBackfill { id, change } = wanted;
        let changed: Result<Result<Backfill, IngestError>, StoreError> = self
            .store
            .write(move |tx| {
                let Some(job) = backfill_jobs::get(tx, id)? else { return told(tx, id) };
                if job.state.has_ended() {
                    let why = format!("backfill {id} has ended: it is {}", job.state.name());
                    return Ok(Err(IngestError::InvalidRequest(why)));
                }
                let state = match change {
                    BackfillChange::Pause => BackfillState::Paused,
                    BackfillChange::Resume => BackfillState::Running,
                    BackfillChange::Cancel => BackfillState::Cancelled,
                };
                backfill_jobs::change(tx, id, state)?;
                told(tx, id)
            })
            .await;
        self.tally.news.notify_one();
        changed?
    }

    /// The latest, the newest first, with how fast they go.
    pub(crate) async fn list(&self) -> Result<BackfillList, IngestError> {
        let stored: Result<Vec<Backfill>, StoreError> = self.store.read(backfill_jobs::list).await;
        let mut backfills = stored?;
        let (paces, now_us) = (self.paces.lock(), self.clock.now_us());
        for job in &mut backfills {
            let Some(pace) = paces.get(&job.id).filter(|_| job.state == BackfillState::Running)
            else {
                continue;
            };
            let settled = job.found.saturating_sub(job.waiting());
            let Some((accounts, records)) = pace.rates(now_us, settled, job.records) else {
                continue;
            };
            job.accounts_per_second = Some(accounts);
            job.records_per_second = Some(records);
            job.left_us = pace::left_us(job.waiting(), accounts).filter(|_| !job.listing);
        }
        Ok(BackfillList { backfills })
    }

    fn origins(&self, wanted: &BeginBackfill) -> Result<Vec<String>, IngestError> {
        let refused = |why: &str| Err(IngestError::InvalidRequest(why.to_owned()));
        match (wanted.kind, &wanted.list) {
            (BackfillKind::List, None) => refused("a backfill of a list needs the list's URI"),
            (BackfillKind::List, Some(uri)) => {
                lists::checked(uri)?;
                Ok(vec![uri.to_string()])
            }
            (_, Some(_)) => refused("only a backfill of a list has one"),
            (BackfillKind::Network, None) => {
                let hosts = lists::hosts(&self.sources, &self.config);
                if hosts.is_empty() {
                    return refused(
                        "nobody lists accounts here: follow a relay or a PDS, or name one that \
                         serves repositories in `ingest.resync.relay_url`",
                    );
                }
                Ok(hosts)
            }
            (BackfillKind::Dids | BackfillKind::Interest, None) => {
                if wanted.dids.is_empty() && !wanted.more {
                    return refused("no account is named");
                }
                Ok(vec![NAMED.to_owned()])
            }
        }
    }
}

/// Takes named accounts in; not so if the job has no list of them that is open.
fn take_named(tx: &mut Tx, id: i64, dids: &[Did], more: bool) -> Result<bool, StoreError> {
    let Some(list) = backfill_jobs::open_list(tx, id, NAMED)? else { return Ok(false) };
    let next = if more { Next::At("") } else { Next::End };
    backfill_jobs::take_in(tx, &list, dids, next)?;
    Ok(true)
}

fn told(tx: &mut Tx, id: i64) -> Result<Result<Backfill, IngestError>, StoreError> {
    let missing = || IngestError::InvalidRequest(format!("there is no backfill {id}"));
    Ok(backfill_jobs::get(tx, id)?.ok_or_else(missing))
}

fn bounded(accounts: usize) -> Result<(), IngestError> {
    if accounts <= BACKFILL_ACCOUNTS_MAX {
        return Ok(());
    }
    let why = format!("at most {BACKFILL_ACCOUNTS_MAX} accounts are named at once");
    Err(IngestError::InvalidRequest(why))
}
