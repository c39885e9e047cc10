//! Where other processes may apply the log: ingest is told how far they have come, so that what it fetches is not
//! far ahead of them. In this process the worker says so itself.

use std::time::Duration;

use millrace_ingest::Ahead;
use millrace_log::{Log, Topic};
use millrace_runtime::supervise::{Policy, Supervisor};

use super::progress::Consumer;

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(100);

pub(super) fn start(ahead: &Ahead, consumer: &Consumer, log: &Log, supervisor: &Supervisor) {
    if !consumer.store.is_shared() {
        return;
    }
    let (ahead, consumer) = (ahead.clone(), consumer.clone());
    let partitions = log.partitions(Topic::NetworkEntries);
    supervisor.spawn("ingest.ahead", Policy::restart(), move |shutdown| {
        let (ahead, consumer) = (ahead.clone(), consumer.clone());
        async move {
            while shutdown.or(tokio::time::sleep(LOOK)).await.is_some() {
                // Nothing waits where nothing was fetched.
                if ahead.is_empty() {
                    continue;
                }
                match consumer.next_offsets(partitions).await {
                    Ok(next) => {
                        (0..).zip(next).for_each(|(partition, next)| ahead.applied(partition, next))
                    }
                    Err(error) => {
                        tracing::debug!(%error, "how far the log is applied cannot be read now")
                    }
                }
            }
            Ok(())
        }
    });
}
