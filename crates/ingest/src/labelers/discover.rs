//! Labelers that nobody named: accounts that say in their repositories that they are one, as far as their DID
//! documents say where they are and what they sign with.
//!
//! Whoever wants to can say so. Must stay true: at most `labelers.discovered_max` are followed, those seen first; one
//! whose document names no labeler takes no place, and is asked for again after an hour; one that takes its
//! declaration back is left. What counts of what they say is decided where every labeler is followed, and whose labels
//! are shown by whoever asks.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use millrace_atproto::Did;
use millrace_runtime::supervise::{Shutdown, TaskFault, TaskSet};
use millrace_store::{Fault, StoreError};

use super::follow::{Labeler, LabelerDeps};
use super::place::Place;
use super::task_name;
use crate::error::IngestError;
use crate::tables::declared;

/// How often it is looked who declares themselves.
const POLL: Duration = Duration::from_secs(1);
/// Documents that are asked for at one look.
const ASKED_MAX: usize = 4;
/// One that cannot be followed is looked at again after this time.
const AGAIN_US: i64 = 3_600_000_000;

pub(super) struct Discovery {
    deps: LabelerDeps,
    /// They are followed whatever they declare.
    named: BTreeSet<Did>,
    /// Who is followed, and what ends that.
    following: HashMap<Did, Shutdown>,
    /// When those that could not be followed are looked at again.
    refused: HashMap<Did, i64>,
    tasks: TaskSet<Result<(), IngestError>>,
}

impl Discovery {
    pub(super) fn new(named: BTreeSet<Did>, deps: LabelerDeps) -> Self {
        let (following, refused) = (HashMap::new(), HashMap::new());
        Self { deps, named, following, refused, tasks: TaskSet::new() }
    }

    /// Runs until the shutdown.
    pub(super) async fn run(mut self) -> Result<(), IngestError> {
        let shutdown = self.deps.shutdown.clone();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(ended) = self.tasks.join_next(), if !self.tasks.is_empty() => {
                    self.has_ended(ended)?;
                }
                () = tokio::time::sleep(POLL) => {
                    if let Some(looked) = shutdown.or(self.look()).await {
                        looked?;
                    }
                }
            }
            self.deps.metrics.labelers_discovered.set(self.following.len() as i64);
        }
        while let Some(ended) = self.tasks.join_next().await {
            self.has_ended(ended)?;
        }
        Ok(())
    }

    async fn look(&mut self) -> Result<(), IngestError> {
        let declared: Result<Vec<Did>, StoreError> = self.deps.store.read(declared::all).await;
        let declared = match declared {
            Ok(declared) => declared,
            Err(error) if error.fault() == Fault::Retry => {
                tracing::debug!(%error, "it cannot be read now who declares themselves a labeler");
                return Ok(());
            }
            Err(error) => return Err(IngestError::Store(error)),
        };
        let still: BTreeSet<&Did> = declared.iter().collect();
        for (_, follow) in self.following.iter().filter(|(did, _)| !still.contains(did)) {
            follow.cancel();
        }
        self.refused.retain(|did, _| still.contains(did));
        self.take_up(&declared).await;
        Ok(())
    }

    /// Follows those that can be, while there are places.
    async fn take_up(&mut self, declared: &[Did]) {
        let mut asked = 0;
        for did in declared {
            let now_us = self.deps.clock.now_us();
            let waits = self.refused.get(did).is_some_and(|until_us| *until_us > now_us);
            if waits || self.named.contains(did) || self.following.contains_key(did) {
                continue;
            }
            let places = self.deps.config.labelers.discovered_max as usize;
            if self.following.len() >= places || asked == ASKED_MAX {
                return;
            }
            asked += 1;
            match self.place(did).await {
                Ok(place) => {
                    tracing::info!(%did, host = %place.socket, "a labeler that declares itself is followed");
                    self.follow(did);
                }
                Err(why) => {
                    tracing::info!(%did, why, "an account declares itself a labeler and cannot be followed");
                    self.refused.insert(did.clone(), now_us.saturating_add(AGAIN_US));
                }
            }
        }
    }

    /// What its document says now: what is remembered of it may be older than its declaration.
    async fn place(&self, did: &Did) -> Result<Place, String> {
        let identity = self.deps.resolver.refresh(did).await.map_err(|error| error.to_string())?;
        Place::of(&identity, self.deps.guard)
    }

    fn follow(&mut self, did: &Did) {
        let shutdown = self.deps.shutdown.child();
        let rng = self.deps.rng.fork();
        let deps = LabelerDeps { rng, shutdown: shutdown.clone(), ..self.deps.clone() };
        self.tasks.spawn(task_name(did), Labeler::declared(did.clone(), deps).run());
        self.following.insert(did.clone(), shutdown);
    }

    /// One withdrew, or is none any more: its place is another's.
    fn has_ended(
        &mut self,
        ended: Result<(String, Result<(), IngestError>), TaskFault>,
    ) -> Result<(), IngestError> {
        let Ok((name, ended)) = ended else {
            return Err(IngestError::PartEnded("following a labeler"));
        };
        ended?;
        let now_us = self.deps.clock.now_us();
        let left = self.following.extract_if(|did, _| task_name(did) == name);
        for (did, _) in left {
            tracing::info!(%did, "a labeler that declared itself is not followed any more");
            self.refused.insert(did, now_us.saturating_add(AGAIN_US));
        }
        Ok(())
    }
}
