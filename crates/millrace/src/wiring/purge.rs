//! The task that takes away what deleted accounts owned here, now and then.

use std::time::Duration;

use millrace_dataplane::purge;
use millrace_runtime::supervise::{Policy, Supervisor, TaskError};
use millrace_store::{Fault, Store, StoreError};

/// How often it is looked for deleted accounts.
const EVERY: Duration = Duration::from_secs(600);

/// Starts the task.
pub(super) fn start(dataplane: Store, own: Store, supervisor: &Supervisor) {
    supervisor.spawn("own.purge", Policy::restart(), move |shutdown| {
        let (dataplane, own) = (dataplane.clone(), own.clone());
        async move {
            let mut ticks = tokio::time::interval(EVERY);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            while shutdown.or(ticks.tick()).await.is_some() {
                let Some(purged) = shutdown.or(purge::deleted_accounts(&dataplane, &own)).await
                else {
                    break;
                };
                told(purged)?;
            }
            Ok(())
        }
    });
}

fn told(purged: Result<purge::Purged, StoreError>) -> Result<(), TaskError> {
    match purged {
        Ok(purge::Purged { accounts: 0, .. }) => Ok(()),
        Ok(purge::Purged { accounts, rows }) => {
            tracing::info!(accounts, rows, "what deleted accounts owned is gone");
            Ok(())
        }
        Err(error) if error.fault() == Fault::Retry => {
            tracing::debug!(%error, "deleted accounts cannot be looked for now");
            Ok(())
        }
        Err(error) => Err(TaskError::diagnosed(error)),
    }
}
