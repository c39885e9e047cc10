//! Saves what the log already has: rows, tasks and rejected events of many items, then the cursors
//! that they allow, in one transaction that also proves we still hold the leases.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use millrace_atproto::entry::{Entry, EntryBody, EntryHeader, EntryKind};
use millrace_atproto::{Did, Handle};
use millrace_runtime::clock::{SharedClock, Stopwatch};
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::{Backoff, Shutdown};
use millrace_store::lease::{self, Lease};
use millrace_store::{Fault, Store, StoreError};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

use super::{Change, Item};
use crate::config::IngestConfig;
use crate::error::IngestError;
use crate::metrics::Metrics;
use crate::model::{AccountState, Gap};
use crate::progress::{SourceState, Ticket};
use crate::tables::cursors::Position;
use crate::tables::identities::{Outcome, Wanted};
use crate::tables::rejects::Rejected;
use crate::tables::{accounts, cursors, declared, identities, rejects};

/// Rejected events kept of one checkpoint: a flood of them must not become a flood of writes.
const REJECTED_PER_CHECKPOINT_MAX: usize = 64;
/// Items gathered at once.
const GATHER_ITEMS_MAX: usize = 1_024;

const RETRY: Backoff = Backoff {
    base: Duration::from_millis(100),
    max: Duration::from_secs(10),
    reset_after: Duration::from_secs(60),
};

/// What the checkpoint works with.
pub(crate) struct CheckpointDeps {
    pub(crate) store: Store,
    pub(crate) config: Arc<IngestConfig>,
    pub(crate) sources: Vec<Arc<SourceState>>,
    pub(crate) leases: Vec<Lease>,
    /// For marks. Weak: the queue ends when those who judge have ended.
    pub(crate) items: mpsc::WeakSender<Item>,
    pub(crate) clock: SharedClock,
    /// Woken after a checkpoint that may have made work for resync or identity.
    pub(crate) work: Arc<Notify>,
    pub(crate) rng: Rng,
    pub(crate) metrics: Arc<Metrics>,
}

/// The one writer of the `ingest` tables, those of backfills excepted.
pub(crate) struct Checkpoint {
    deps: CheckpointDeps,
    /// By source and sequence.
    saved: HashMap<(String, String), Position>,
}

/// What is to be saved next.
#[derive(Default)]
struct Gathered {
    accounts: HashMap<Did, AccountState>,
    wanted: HashMap<Did, Wanted>,
    said: HashMap<Did, (Handle, i64)>,
    settled: Vec<Outcome>,
    rejected: Vec<Rejected>,
    gaps: Vec<(String, Gap)>,
    declared: Vec<(Did, bool)>,
    positions: HashMap<(String, String), Position>,
    tickets: Vec<Ticket>,
    pins: Vec<Arc<()>>,
    told: Vec<oneshot::Sender<()>>,
}

/// One transaction's worth, shared by its attempts.
struct Batch {
    accounts: Vec<AccountState>,
    wanted: Vec<(Did, Wanted)>,
    said: Vec<(Did, (Handle, i64))>,
    settled: Vec<Outcome>,
    rejected: Vec<Rejected>,
    gaps: Vec<(String, Gap)>,
    declared: Vec<(Did, bool)>,
    positions: Vec<Position>,
    leases: Vec<Lease>,
    rejected_rows_max: u32,
    lease_ttl_us: i64,
}

impl Checkpoint {
    pub(crate) fn new(deps: CheckpointDeps) -> Self {
        Self { deps, saved: HashMap::new() }
    }

    /// Runs until the items end or `shutdown`; either way what was gathered is saved first.
    pub(crate) async fn run(
        mut self,
        mut items: mpsc::Receiver<Item>,
        shutdown: Shutdown,
    ) -> Result<(), IngestError> {
        let pause = Duration::from_millis(self.deps.config.checkpoint_ms);
        let renew = Duration::from_millis((self.deps.config.lease_ttl_ms / 3).max(1));
        let mut gathered = Gathered::default();
        let mut batch = Vec::with_capacity(GATHER_ITEMS_MAX);
        // What was saved last before a stop has no mark yet, and perhaps no event will follow it.
        self.mark();
        loop {
            let mut deadline = Instant::now() + renew;
            let mut ended = false;
            while gathered.accounts.len() < self.deps.config.checkpoint_accounts_max {
                tokio::select! {
                    biased;
                    () = shutdown.cancelled() => { ended = true; break; }
                    () = tokio::time::sleep_until(deadline) => break,
                    taken = items.recv_many(&mut batch, GATHER_ITEMS_MAX) => {
                        if taken == 0 {
                            ended = true;
                            break;
                        }
                        let first = gathered.is_empty();
                        batch.drain(..).for_each(|item| gathered.add(item));
                        if first {
                            deadline = deadline.min(Instant::now() + pause);
                        }
                    }
                }
            }
            if ended {
                while let Ok(item) = items.try_recv() {
                    gathered.add(item);
                }
            }
            self.save(std::mem::take(&mut gathered), &shutdown).await?;
            if ended {
                return Ok(());
            }
        }
    }

    async fn save(&mut self, gathered: Gathered, shutdown: &Shutdown) -> Result<(), IngestError> {
        let Gathered {
            accounts,
            wanted,
            said,
            settled,
            rejected,
            gaps,
            declared,
            positions,
            tickets,
            pins,
            told,
        } = gathered;
        tickets.iter().for_each(Ticket::complete);
        let batch = Arc::new(Batch {
            accounts: accounts.into_values().collect(),
            wanted: wanted.into_iter().collect(),
            said: said.into_iter().collect(),
            settled,
            rejected,
            gaps,
            declared,
            positions: self.moved().into_iter().chain(positions.into_values()).collect(),
            leases: self.deps.leases.clone(),
            rejected_rows_max: self.deps.config.rejected_rows_max,
            lease_ttl_us: self
                .deps
                .config
                .lease_ttl_ms
                .saturating_mul(1_000)
                .try_into()
                .unwrap_or(i64::MAX),
        });
        let watch = Stopwatch::start();
        self.write(&batch, shutdown).await?;
        millrace_runtime::crash::point("ingest.checkpoint.after_commit");
        self.deps.metrics.checkpoint_seconds.observe_duration(watch.elapsed());
        for position in &batch.positions {
            let key = (position.name.clone(), position.address.clone());
            self.saved.insert(key, position.clone());
            if let Some(source) =
                self.deps.sources.iter().find(|source| source.name == position.name)
            {
                source.saved(position);
            }
            self.deps.metrics.cursor(&position.name, position.cursor);
        }
        drop(pins);
        for told in told {
            // Whoever asked may be gone; what was asked for is saved all the same.
            let _ = told.send(());
        }
        self.mark();
        if !batch.wanted.is_empty()
            || batch.accounts.iter().any(|account| account.next_try_us.is_some())
        {
            self.deps.work.notify_waiters();
        }
        Ok(())
    }

    /// Entries of different accounts are not in the order of their source, and many events lead to
    /// none: only a mark says up to where nothing of a source is missing before it in the log.
    fn mark(&self) {
        for source in &self.deps.sources {
            let Some((seq, did)) = source.unmarked() else { continue };
            let header = EntryHeader {
                kind: EntryKind::Mark,
                source: source.name.clone(),
                source_seq: Some(seq),
                did: did.clone(),
                rev: None,
                time_us: self.deps.clock.now_us(),
                trace: [0; 16],
            };
            let Ok(entry) = (Entry { header, body: EntryBody::Mark }).encode() else { continue };
            let entry = Some((did, Bytes::from(entry)));
            let item = Item { entry, entry_of: Some((Arc::clone(source), seq)), ..Item::default() };
            // A full queue means that more is coming: the next checkpoint will do. While the run ends
            // there is nobody to take it.
            let items = self.deps.items.upgrade();
            if items.is_some_and(|items| items.try_send(item).is_ok()) {
                source.marked(seq);
            }
        }
    }

    /// Positions that differ from those saved.
    fn moved(&self) -> Vec<Position> {
        let positions = self.deps.sources.iter().filter_map(|source| source.position());
        positions
            .filter(|position| {
                let key = (position.name.clone(), position.address.clone());
                self.saved.get(&key).is_none_or(|saved| saved.cursor != position.cursor)
            })
            .collect()
    }

    /// Writes until it succeeds; gives up when another process holds a lease, when the store says
    /// that waiting is useless, or when it fails while the process drains.
    async fn write(&self, batch: &Arc<Batch>, shutdown: &Shutdown) -> Result<(), IngestError> {
        let mut attempt = 0;
        loop {
            let rows = Arc::clone(batch);
            let error = match self.deps.store.write(move |tx| write_batch(tx, &rows)).await {
                Ok(None) => return Ok(()),
                Ok(Some(lost)) => return Err(IngestError::LeaseLost(lost)),
                Err(error) => error,
            };
            let error: StoreError = error;
            if error.fault() != Fault::Retry || shutdown.is_cancelled() {
                return Err(IngestError::Store(error));
            }
            if attempt == 0 {
                tracing::warn!(%error, "the ingest store takes no writes; cursors wait");
            }
            self.deps.metrics.checkpoint_retries.inc();
            tokio::time::sleep(self.deps.rng.jitter(RETRY.delay(attempt))).await;
            attempt += 1;
        }
    }
}

/// Saves everything, or nothing and the name of the lease that is not ours any more.
fn write_batch(tx: &mut millrace_store::Tx, batch: &Batch) -> Result<Option<String>, StoreError> {
    for held in &batch.leases {
        if !lease::renew(tx, held, batch.lease_ttl_us)? {
            return Ok(Some(held.name.clone()));
        }
    }
    millrace_runtime::crash::point("ingest.checkpoint.before_rows");
    accounts::save(tx, &batch.accounts)?;
    identities::settle(tx, &batch.settled)?;
    identities::request(tx, &batch.wanted)?;
    identities::doubt_all_who_lost(tx, &batch.said)?;
    rejects::save(tx, &batch.rejected, batch.rejected_rows_max)?;
    cursors::save_gaps(tx, &batch.gaps)?;
    declared::save(tx, &batch.declared)?;
    millrace_runtime::crash::point("ingest.checkpoint.before_cursor");
    cursors::save(tx, &batch.positions)?;
    millrace_runtime::crash::point("ingest.checkpoint.before_commit");
    Ok(None)
}

impl Gathered {
    fn is_empty(&self) -> bool {
        self.accounts.is_empty()
            && self.wanted.is_empty()
            && self.said.is_empty()
            && self.settled.is_empty()
            && self.rejected.is_empty()
            && self.gaps.is_empty()
            && self.declared.is_empty()
            && self.positions.is_empty()
            && self.tickets.is_empty()
            && self.told.is_empty()
    }

    fn add(&mut self, item: Item) {
        if let Some(account) = item.account {
            self.accounts.insert(account.did.clone(), account);
        }
        for change in item.changes {
            match change {
                Change::IdentityWanted(did, due_us) => {
                    self.wanted.entry(did).or_default().due_us = due_us;
                }
                Change::IdentityDoubted(did, due_us) => {
                    self.wanted.insert(did, Wanted { due_us, doubted: true });
                }
                Change::HandleSaid(did, handle, due_us) => {
                    self.said.insert(did, (handle, due_us));
                }
                Change::IdentitySettled(outcome) => self.settled.push(*outcome),
                Change::Rejected(rejected) if self.rejected.len() < REJECTED_PER_CHECKPOINT_MAX => {
                    self.rejected.push(*rejected);
                }
                Change::Rejected(_) => {}
                Change::Gap(source, gap) => self.gaps.push((source, *gap)),
                Change::LabelerDeclared(did, is_declared) => self.declared.push((did, is_declared)),
                Change::Position(position) => {
                    let key = (position.name.clone(), position.address.clone());
                    self.positions.insert(key, *position);
                }
            }
        }
        self.tickets.extend(item.tickets);
        self.pins.extend(item.pin);
        self.told.extend(item.saved);
    }
}
