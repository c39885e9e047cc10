//! The task that hands the data-plane's wishes for a repository to ingest.

use std::time::Duration;

use millrace_dataplane::resync;
use millrace_ingest::Client;
use millrace_runtime::supervise::{Policy, Supervisor, TaskError};
use millrace_store::{Fault, Store, StoreError};

/// How often wishes are looked for: they are rare.
const INTERVAL: Duration = Duration::from_secs(5);

pub(super) fn start(store: Store, ingest: Client, supervisor: &Supervisor) {
    supervisor.spawn("dataplane.resync", Policy::restart(), move |shutdown| {
        let (store, ingest) = (store.clone(), ingest.clone());
        async move {
            let mut ticks = tokio::time::interval(INTERVAL);
            while shutdown.or(ticks.tick()).await.is_some() {
                match hand_on(&store, &ingest).await {
                    Ok(()) => {}
                    Err(error) if error.fault() == Fault::Retry => {
                        tracing::warn!(%error, "wishes for repositories wait for their tables");
                    }
                    Err(error) => return Err(TaskError::diagnosed(error)),
                }
            }
            Ok(())
        }
    });
}

/// A wish goes when ingest has it on disk.
async fn hand_on(store: &Store, ingest: &Client) -> Result<(), StoreError> {
    for did in resync::wanted(store).await? {
        if let Err(error) = ingest.request_resync(&did).await {
            tracing::warn!(%did, %error, "a repository that must be fetched again has to wait");
            return Ok(());
        }
        tracing::info!(%did, "fetching a repository again");
        resync::taken(store, did).await?;
    }
    Ok(())
}
