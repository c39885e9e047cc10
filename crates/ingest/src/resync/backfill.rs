//! `ingest.backfill`: accounts that are wanted whole although nothing is known to be missing. With
//! `all`, the accounts that each source lists; with a list, those.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use millrace_atproto::Did;
use millrace_net::PdsClient;
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::Backoff;
use millrace_store::{Store, StoreError};
use tokio::sync::oneshot;

use crate::brake::Brake;
use crate::error::IngestError;
use crate::lane::{LaneMsg, Lanes, Wish};
use crate::tables::backfills::{self, Progress};

/// Accounts asked for at once; the protocol's most.
const PAGE_REPOS: u16 = 1_000;
/// Wishes handed to the lanes before their being saved is awaited.
const WISHES_MAX: usize = 1_000;

const RETRY: Backoff = Backoff {
    base: Duration::from_secs(2),
    max: Duration::from_secs(300),
    reset_after: Duration::from_secs(600),
};

/// Wishes for every account that hosts list.
pub(crate) struct ListRepos {
    pub(crate) store: Store,
    pub(crate) pds: PdsClient,
    pub(crate) lanes: Lanes,
    pub(crate) origins: Vec<String>,
    pub(crate) wanted: Arc<HashSet<Did>>,
    pub(crate) pause: Duration,
    pub(crate) rng: Rng,
    pub(crate) brake: Brake,
}

impl ListRepos {
    /// Runs until every list has been read.
    pub(crate) async fn run(self) -> Result<(), IngestError> {
        let dids: Vec<Did> = self.wanted.iter().cloned().collect();
        for some in dids.chunks(WISHES_MAX) {
            self.wish(some).await;
        }
        // Side by side: a host that does not answer keeps no other's list waiting.
        let lists = self.origins.iter().map(|origin| self.read_list(origin));
        futures_util::future::try_join_all(lists).await.map(drop)
    }

    async fn read_list(&self, origin: &str) -> Result<(), IngestError> {
        let of = origin.to_owned();
        let resumed: Result<Progress, StoreError> =
            self.store.read(move |tx| backfills::resume(tx, &of)).await;
        let mut progress = resumed?;
        let mut failures = 0;
        loop {
            self.brake.off().await;
            let page = match self
                .pds
                .list_repos(origin, progress.cursor.as_deref(), PAGE_REPOS)
                .await
            {
                Ok(page) => page,
                Err(error) => {
                    if failures == 0 {
                        tracing::warn!(origin, %error, "listRepos failed; it will be tried again");
                    }
                    let pause = self.rng.jitter(RETRY.delay(failures));
                    tokio::time::sleep(pause.max(error.retry_after().unwrap_or_default())).await;
                    failures += 1;
                    continue;
                }
            };
            failures = 0;
            let dids: Vec<Did> =
                page.repos.iter().filter(|repo| repo.active).map(|repo| repo.did.clone()).collect();
            self.wish(&dids).await;
            progress.repos += i64::try_from(page.repos.len()).unwrap_or(0);
            // A cursor that does not move would be asked for ever.
            let done = page.cursor.is_none() || page.cursor == progress.cursor;
            progress.cursor = page.cursor;
            let (of, saved) = (origin.to_owned(), progress.clone());
            let written: Result<(), StoreError> =
                self.store.write(move |tx| backfills::save(tx, &of, &saved, done)).await;
            written?;
            if done {
                tracing::info!(origin, repos = progress.repos, "listRepos read to its end");
                return Ok(());
            }
            tokio::time::sleep(self.pause).await;
        }
    }

    /// Has these accounts fetched; returns when that is durable.
    async fn wish(&self, dids: &[Did]) {
        let mut saved = Vec::with_capacity(dids.len());
        for did in dids {
            let (told, wait) = oneshot::channel();
            if self
                .lanes
                .send(LaneMsg::Want { did: did.clone(), wish: Wish::Configured, saved: told })
                .is_err()
            {
                return;
            }
            saved.push(wait);
        }
        for wait in saved {
            // A lane that is gone ends the run; the list is read again at the next.
            let _ = wait.await;
        }
    }
}
