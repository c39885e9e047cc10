//! What accounts are called: handles verified both ways, at first sight, when an `#identity` event
//! hints at a change, and again on a schedule. The table `identity_task` is the queue, so that a
//! crash loses none; an Identity entry goes to the log when something is new or was asked for.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use millrace_atproto::Did;
use millrace_atproto::entry::{Entry, EntryBody, EntryHeader};
use millrace_net::{ResolveError, Resolver};
use millrace_runtime::clock::SharedClock;
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::{Backoff, TaskSet};
use millrace_store::{Fault, Store, StoreError};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::append::{Change, Item};
use crate::config::IdentityConfig;
use crate::error::IngestError;
use crate::lane::{IdentityAnswer, LaneMsg, Lanes};
use crate::lookup;
use crate::metrics::Metrics;
use crate::tables::identities::{self, Outcome, Task};

/// The source that entries of this file name.
const SOURCE: &str = "identity";
/// Attempts after which a failing look-up waits as long as a handle that does not verify.
const ATTEMPTS_MAX: u32 = 8;

/// What looking at identities works with.
#[derive(Clone)]
pub(crate) struct IdentityDeps {
    pub(crate) store: Store,
    pub(crate) resolver: Resolver,
    pub(crate) lanes: Lanes,
    pub(crate) items: mpsc::Sender<Item>,
    pub(crate) config: IdentityConfig,
    pub(crate) clock: SharedClock,
    pub(crate) rng: Rng,
    pub(crate) metrics: Arc<Metrics>,
    /// When this run began.
    pub(crate) since_us: i64,
}

/// The worker.
pub(crate) struct Identities {
    deps: IdentityDeps,
    work: Arc<Notify>,
    running: HashSet<Did>,
    tasks: TaskSet<Did>,
}

/// What was found.
struct Found {
    handle: Option<String>,
    pds: Option<String>,
}

impl Identities {
    pub(crate) fn new(deps: IdentityDeps, work: Arc<Notify>) -> Self {
        Self { deps, work, running: HashSet::new(), tasks: TaskSet::new() }
    }

    /// Runs until it is dropped.
    pub(crate) async fn run(mut self) -> Result<(), IngestError> {
        let work = Arc::clone(&self.work);
        let mut poll =
            tokio::time::interval(Duration::from_millis(self.deps.config.poll_ms.max(1)));
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = poll.tick() => self.start_due().await?,
                () = work.notified() => self.start_due().await?,
                Some(done) = self.tasks.join_next() => match done {
                    Ok((_, did)) => {
                        self.running.remove(did.as_str());
                        self.start_due().await?;
                    }
                    Err(fault) => {
                        tracing::error!(%fault, "looking at an identity failed");
                        return Err(IngestError::PartEnded("identity"));
                    }
                },
            }
        }
    }

    async fn start_due(&mut self) -> Result<(), IngestError> {
        let room = self.deps.config.handle_checks_max.saturating_sub(self.running.len());
        if room == 0 {
            return Ok(());
        }
        let now_us = self.deps.clock.now_us();
        let limit = u32::try_from(room + self.running.len()).unwrap_or(u32::MAX);
        let due: Result<Vec<Task>, StoreError> =
            self.deps.store.read(move |tx| identities::due(tx, now_us, limit)).await;
        let due = match due {
            Ok(due) => due,
            Err(error) if error.fault() == Fault::Retry => {
                tracing::debug!(%error, "identities due cannot be read now");
                return Ok(());
            }
            Err(error) => return Err(IngestError::Store(error)),
        };
        for task in due {
            if self.running.len() >= self.deps.config.handle_checks_max {
                break;
            }
            if self.running.insert(task.did.clone()) {
                let deps = self.deps.clone();
                self.tasks.spawn("identity", async move {
                    let did = task.did.clone();
                    look(&deps, task).await;
                    did
                });
            }
        }
        Ok(())
    }
}

/// Looks at one account and has what was found saved.
async fn look(deps: &IdentityDeps, task: Task) {
    let (item, result) = match ask(deps, &task).await {
        Ok(found) => {
            if let Some(pds) = found.pds.clone().filter(|pds| task.may_have_moved_to(pds)) {
                // A lane that is gone ends the run; the row is still due.
                let _ = deps.lanes.send(LaneMsg::Moved { did: task.did.clone(), pds });
            }
            (settled(deps, &task, found), "verified")
        }
        Err(ResolveError::Tombstoned { .. }) => {
            // The account's lane says what follows from it.
            let answer = IdentityAnswer::Tombstoned;
            let _ = deps.lanes.send(LaneMsg::Identity { did: task.did.clone(), answer });
            (postponed(deps, &task, "tombstoned".to_owned(), u32::MAX, None), "tombstoned")
        }
        Err(error) => {
            let attempts =
                if error.is_transient() { task.attempts.saturating_add(1) } else { u32::MAX };
            (postponed(deps, &task, error.to_string(), attempts, error.retry_after()), "failed")
        }
    };
    deps.metrics.identities.with(&[result]).inc();
    millrace_runtime::crash::point("ingest.identity.asked");
    let (told, saved) = oneshot::channel();
    // Until it is saved the row is still due, and must not be taken again.
    if deps.items.send(Item { saved: Some(told), ..item }).await.is_ok() {
        let _ = saved.await;
    }
}

async fn ask(deps: &IdentityDeps, task: &Task) -> Result<Found, ResolveError> {
    let (did, resolver) = (&task.did, &deps.resolver);
    // At first sight there is nothing to doubt; whoever asks later doubts what is cached.
    let doubted = task.doubted || (task.hinted && task.announced);
    let identity = match task.hinted {
        _ if doubted => lookup::anew(resolver, did).await?,
        true => resolver.identity(did).await?,
        false => resolver.refresh(did).await?,
    };
    let pds = identity.pds.clone();
    let Some(claimed) = &identity.handle else { return Ok(Found { handle: None, pds }) };
    // Who had the handle before may be remembered under it.
    if doubted || resolver.handle_to_did(claimed).await.is_ok_and(|named| named != *did) {
        resolver.forget_handle(claimed).await;
    }
    let handle = resolver.verified_handle(did).await?;
    Ok(Found { handle: handle.map(|handle| handle.as_str().to_owned()), pds })
}

/// What was found, as an entry if it is new, and when to look again.
fn settled(deps: &IdentityDeps, task: &Task, found: Found) -> Item {
    let now_us = deps.clock.now_us();
    let again_ms = if found.handle.is_some() {
        deps.config.handle_reverify_ms
    } else {
        deps.config.handle_retry_ms
    };
    let again = deps.rng.jitter(Duration::from_millis(again_ms));
    let news = !task.announced || task.handle != found.handle || task.pds != found.pds;
    // A crash may have left another word in the log than in the row: what was looked at then is due
    // since before this run, or asked for again.
    let in_doubt = task.hinted || task.due_us <= deps.since_us;
    let entry = (news || in_doubt).then(|| encoded(deps, task, &found, now_us)).flatten();
    let outcome = Outcome {
        did: task.did.clone(),
        requested_us: task.requested_us,
        due_us: now_us.saturating_add(i64::try_from(again.as_micros()).unwrap_or(i64::MAX)),
        attempts: 0,
        announced: true,
        taken: news && found.handle.is_some() && task.handle != found.handle,
        handle: found.handle,
        pds: found.pds,
        error: None,
    };
    Item { entry, changes: vec![Change::IdentitySettled(Box::new(outcome))], ..Item::default() }
}

fn encoded(deps: &IdentityDeps, task: &Task, found: &Found, now_us: i64) -> Option<(Did, Bytes)> {
    let handle = found.handle.as_deref().and_then(|handle| handle.parse().ok());
    let body = EntryBody::Identity { handle, pds: found.pds.clone() };
    let mut trace = [0; 16];
    deps.rng.fill(&mut trace);
    let header = EntryHeader {
        kind: body.kind(),
        source: SOURCE.to_owned(),
        source_seq: None,
        did: task.did.clone(),
        rev: None,
        time_us: now_us,
        trace,
    };
    // A handle and a URL are far below the bound.
    let entry = Entry { header, body }.encode().ok()?;
    Some((task.did.clone(), Bytes::from(entry)))
}

/// Nothing was found: look again later, and keep what was known.
fn postponed(
    deps: &IdentityDeps,
    task: &Task,
    error: String,
    attempts: u32,
    asked: Option<Duration>,
) -> Item {
    let backoff = Backoff {
        base: Duration::from_millis(deps.config.backoff_first_ms),
        max: Duration::from_millis(deps.config.backoff_max_ms),
        reset_after: Duration::ZERO,
    };
    let pause = if attempts > ATTEMPTS_MAX {
        Duration::from_millis(deps.config.handle_retry_ms)
    } else {
        backoff.delay(attempts)
    };
    let pause = deps.rng.jitter(pause).max(asked.unwrap_or_default());
    let outcome = Outcome {
        did: task.did.clone(),
        requested_us: task.requested_us,
        due_us: deps
            .clock
            .now_us()
            .saturating_add(i64::try_from(pause.as_micros()).unwrap_or(i64::MAX)),
        attempts: attempts.min(ATTEMPTS_MAX + 1),
        announced: task.announced,
        taken: false,
        handle: task.handle.clone(),
        pds: task.pds.clone(),
        error: Some(error),
    };
    Item { changes: vec![Change::IdentitySettled(Box::new(outcome))], ..Item::default() }
}
