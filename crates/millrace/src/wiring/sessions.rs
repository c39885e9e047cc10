//! The task that looks after who is signed in: what is over goes, now and then.

use std::time::Duration;

use millrace_appview::Upkeep;
use millrace_runtime::supervise::{Policy, Shutdown, Supervisor, TaskError};
use millrace_store::{Fault, StoreError};
use tokio::time::MissedTickBehavior;

/// How often it is looked for what is over.
const EVERY: Duration = Duration::from_secs(600);

/// Starts the task.
pub(super) fn start(upkeep: Upkeep, supervisor: &Supervisor) {
    supervisor.spawn("session.upkeep", Policy::restart(), move |shutdown| {
        let upkeep = upkeep.clone();
        async move {
            let mut ticks = tokio::time::interval(EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while shutdown.or(ticks.tick()).await.is_some() {
                told(all(&upkeep, &shutdown).await)?;
            }
            Ok(())
        }
    });
}

/// Pass by pass, until nothing is left or the process ends.
async fn all(upkeep: &Upkeep, shutdown: &Shutdown) -> Result<(), StoreError> {
    while let Some(more) = shutdown.or(upkeep.pass()).await {
        if !more? {
            break;
        }
    }
    Ok(())
}

fn told(done: Result<(), StoreError>) -> Result<(), TaskError> {
    match done {
        Ok(()) => Ok(()),
        Err(error) if error.fault() == Fault::Retry => {
            tracing::debug!(%error, "what is over of sessions cannot be looked for now");
            Ok(())
        }
        Err(error) => Err(TaskError::diagnosed(error)),
    }
}
