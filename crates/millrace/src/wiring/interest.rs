//! The task that tells ingest who is of interest: what the data-plane knows of readers and of whom
//! they follow, handed on in bounded pieces.
//!
//! Everybody of interest is worked out anew now and then, which mends whatever was missed. Between
//! that, a new reader is noticed by the note of its reading, and whom readers begin to follow by the
//! data-plane's facts; both within a moment.

use std::collections::HashSet;
use std::time::Duration;

use millrace_atproto::Did;
use millrace_dataplane::apply::change::{Changes, Op};
use millrace_dataplane::interest::{self, Terms};
use millrace_ingest::{ChangeScope, Client, IngestError, InterestConfig, SCOPE_ACCOUNTS_MAX};
use millrace_log::{Log, LogError, Topic};
use millrace_runtime::clock::SharedClock;
use millrace_runtime::supervise::{Policy, Supervisor, TaskError};
use millrace_store::Store;
use tokio::time::Instant;

/// How often new readers and facts are looked for.
const POLL: Duration = Duration::from_secs(1);
/// Bytes of facts read at once.
const FACTS_BYTES: usize = 1 << 20;
const DAY_US: i64 = 86_400_000_000;
const FOLLOW: &str = "app.bsky.graph.follow";

/// What the task works with.
#[derive(Clone)]
pub(super) struct Interest {
    pub(super) store: Store,
    pub(super) log: Log,
    pub(super) ingest: Client,
    pub(super) config: InterestConfig,
    pub(super) clock: SharedClock,
}

/// What it remembers between two looks.
#[derive(Default)]
struct Seen {
    readers: HashSet<Did>,
    /// Up to when notes of readers were looked at.
    noted_us: i64,
    /// The next fact of each partition.
    facts: Vec<i64>,
}

impl Interest {
    /// Starts the task.
    pub(super) fn start(self, supervisor: &Supervisor) {
        supervisor.spawn("ingest.interest", Policy::restart(), move |shutdown| {
            let interest = self.clone();
            async move { shutdown.or(interest.run()).await.unwrap_or(Ok(())) }
        });
    }

    async fn run(self) -> Result<(), TaskError> {
        let every = Duration::from_millis(self.config.refresh_ms);
        let (mut seen, mut due) = (Seen::default(), Instant::now());
        let mut ticks = tokio::time::interval(POLL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let done = if due <= Instant::now() {
                due = Instant::now() + every;
                self.refresh(&mut seen).await
            } else {
                self.look(&mut seen).await
            };
            match done {
                Ok(()) => {}
                Err(Failed::Ingest(error)) => {
                    // It starts, or stands by: everything is told anew when it runs.
                    tracing::debug!(%error, "ingest cannot be told who is of interest now");
                    due = Instant::now();
                }
                Err(Failed::Task(error)) => return Err(error),
            }
        }
    }

    fn terms(&self) -> Terms {
        let since_us = i64::from(self.config.reader_days).saturating_mul(DAY_US);
        Terms {
            since_us: self.clock.now_us().saturating_sub(since_us),
            interactions: self.config.interactions,
            accounts_max: self.config.accounts_max,
        }
    }

    /// Works out everybody who is of interest, and tells ingest what differs from whom it follows.
    async fn refresh(&self, seen: &mut Seen) -> Result<(), Failed> {
        // Whether there is anybody to tell: most of the work would be for nothing.
        self.ingest.change_scope(ChangeScope::default()).await?;
        // First where facts stand: what they tell of later than this is looked at again.
        seen.facts = self.tails().await?;
        seen.noted_us = self.clock.now_us();
        let terms = self.terms();
        let readers = interest::readers(&self.store, terms.since_us).await.map_err(diagnosed)?;
        let mut wanted =
            interest::of_readers(&self.store, &readers, terms).await.map_err(diagnosed)?;
        seen.readers = readers.into_iter().collect();
        let mut unwanted = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.ingest.list_scope(after).await?.accounts;
            let Some(last) = page.last() else { break };
            after = last.did.to_string();
            for account in page {
                if account.unwanted {
                    continue;
                }
                if !wanted.remove(account.did.as_str()) {
                    unwanted.push(account.did);
                }
            }
        }
        self.tell(wanted.into_iter().collect(), unwanted).await
    }

    /// Looks for new readers, and for whom readers have begun to follow.
    async fn look(&self, seen: &mut Seen) -> Result<(), Failed> {
        let noted_us = self.clock.now_us();
        let noted = interest::readers(&self.store, seen.noted_us).await.map_err(diagnosed)?;
        let new: Vec<Did> =
            noted.into_iter().filter(|did| !seen.readers.contains(did.as_str())).collect();
        let mut entering = HashSet::new();
        if !new.is_empty() {
            let of_new = interest::of_readers(&self.store, &new, self.terms()).await;
            entering.extend(of_new.map_err(diagnosed)?);
        }
        // A reader whose note was written while we looked is found again.
        let facts = self.facts(seen, &new, &mut entering).await?;
        self.tell(entering.into_iter().collect(), Vec::new()).await?;
        seen.readers.extend(new);
        seen.noted_us = noted_us.saturating_sub(SLACK_US);
        seen.facts = facts;
        Ok(())
    }

    /// Whom readers have begun to follow, by the facts since the last look; where the facts end.
    async fn facts(
        &self,
        seen: &Seen,
        new: &[Did],
        entering: &mut HashSet<Did>,
    ) -> Result<Vec<i64>, Failed> {
        let mut next = seen.facts.clone();
        for (partition, from) in (0..).zip(&mut next) {
            loop {
                let topic = Topic::DataplaneChanges;
                let items = match self.log.read(topic, partition, *from, FACTS_BYTES).await {
                    Ok(items) => items,
                    Err(LogError::Truncated { oldest }) => {
                        *from = oldest;
                        continue;
                    }
                    Err(error) => return Err(diagnosed(error)),
                };
                let Some(last) = items.last() else { break };
                *from = last.offset + 1;
                for item in &items {
                    let Ok(changes) = serde_json::from_slice::<Changes>(&item.payload) else {
                        continue;
                    };
                    if seen.readers.contains(changes.did.as_str()) || new.contains(&changes.did) {
                        entering.extend(begun(&changes));
                    }
                }
            }
        }
        Ok(next)
    }

    async fn tails(&self) -> Result<Vec<i64>, Failed> {
        let topic = Topic::DataplaneChanges;
        let mut tails = Vec::new();
        for partition in 0..self.log.partitions(topic) {
            tails.push(self.log.tail(topic, partition).await.map_err(diagnosed)?);
        }
        Ok(tails)
    }

    async fn tell(&self, enter: Vec<Did>, unwanted: Vec<Did>) -> Result<(), Failed> {
        for some in unwanted.chunks(SCOPE_ACCOUNTS_MAX) {
            let change = ChangeScope { unwanted: some.to_vec(), ..ChangeScope::default() };
            self.ingest.change_scope(change).await?;
        }
        for some in enter.chunks(SCOPE_ACCOUNTS_MAX) {
            let change = ChangeScope { enter: some.to_vec(), ..ChangeScope::default() };
            self.ingest.change_scope(change).await?;
        }
        Ok(())
    }
}

/// Notes are looked at this much twice, in microseconds: the times of notes are their writers'.
const SLACK_US: i64 = 5_000_000;

/// Whom an account has begun to follow.
fn begun(changes: &Changes) -> impl Iterator<Item = Did> {
    changes
        .changes
        .iter()
        .filter(|change| change.op == Op::Inserted && change.collection == FOLLOW)
        .filter_map(|change| Did::parse(change.subject.as_deref()?).ok())
}

/// Why a look was cut short.
enum Failed {
    /// Ingest is not there now.
    Ingest(IngestError),
    Task(TaskError),
}

impl From<IngestError> for Failed {
    fn from(error: IngestError) -> Self {
        Self::Ingest(error)
    }
}

fn diagnosed<E>(error: E) -> Failed
where
    E: millrace_runtime::error::Diagnose + std::error::Error + Send + Sync + 'static,
{
    Failed::Task(TaskError::diagnosed(error))
}
