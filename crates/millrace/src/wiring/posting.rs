//! The task that goes on with posts which their authors' PDSs do not have yet.

use std::time::Duration;

use millrace_appview::Posting;
use millrace_runtime::supervise::{Policy, Shutdown, Supervisor};

/// How often it is looked for posts whose time has come.
const EVERY: Duration = Duration::from_secs(1);

pub(super) fn start(posting: Posting, supervisor: &Supervisor) {
    supervisor.spawn("posts", Policy::restart(), move |shutdown| {
        let posting = posting.clone();
        async move {
            go_on(&posting, &shutdown).await;
            Ok(())
        }
    });
}

async fn go_on(posting: &Posting, shutdown: &Shutdown) {
    while shutdown.or(tokio::time::sleep(EVERY)).await.is_some() {
        loop {
            match shutdown.or(posting.pass()).await {
                None => return,
                Some(Ok(true)) => {}
                Some(Ok(false)) => break,
                Some(Err(error)) => {
                    tracing::warn!(%error, "posts on their way are not looked at, trying again");
                    break;
                }
            }
        }
    }
}
