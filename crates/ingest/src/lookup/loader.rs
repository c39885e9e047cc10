//! Reads accounts' rows for the lanes, many in one question. While the store does not answer, the
//! events of accounts that are not in memory wait, and soon reading does.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use millrace_atproto::Did;
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::Backoff;
use millrace_store::{Fault, Store, StoreError};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::error::IngestError;
use crate::lane::{LaneMsg, Lanes};
use crate::model::AccountState;
use crate::tables::accounts;

/// Rows asked for at once.
const BATCH_ROWS_MAX: usize = 500;

const RETRY: Backoff = Backoff {
    base: Duration::from_millis(50),
    max: Duration::from_secs(5),
    reset_after: Duration::from_secs(60),
};

/// Reads rows for the lanes.
pub(crate) struct Loader {
    pub(crate) store: Store,
    pub(crate) wanted: UnboundedReceiver<Did>,
    pub(crate) lanes: Lanes,
    pub(crate) rng: Rng,
}

impl Loader {
    /// Runs until nobody asks any more.
    pub(crate) async fn run(mut self) -> Result<(), IngestError> {
        let mut dids = Vec::with_capacity(BATCH_ROWS_MAX);
        while self.wanted.recv_many(&mut dids, BATCH_ROWS_MAX).await > 0 {
            let mut rows = self.load(&dids).await?;
            for did in dids.drain(..) {
                let account = rows.remove(did.as_str()).map(Box::new);
                if self.lanes.send(LaneMsg::Loaded { did, account }).is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn load(&self, dids: &[Did]) -> Result<HashMap<String, AccountState>, IngestError> {
        let texts: Arc<[String]> = dids.iter().map(|did| did.as_str().to_owned()).collect();
        let mut attempt = 0;
        loop {
            let asked = Arc::clone(&texts);
            let answer: Result<Vec<AccountState>, StoreError> =
                self.store.read(move |tx| accounts::load_many(tx, &asked)).await;
            match answer {
                Ok(rows) => {
                    return Ok(rows
                        .into_iter()
                        .map(|row| (row.did.as_str().to_owned(), row))
                        .collect());
                }
                Err(error) if error.fault() == Fault::Retry => {
                    if attempt == 0 {
                        tracing::warn!(%error, "the ingest store does not answer; reading waits");
                    }
                    tokio::time::sleep(self.rng.jitter(RETRY.delay(attempt))).await;
                    attempt += 1;
                }
                Err(error) => return Err(IngestError::Store(error)),
            }
        }
    }
}
