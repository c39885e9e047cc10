//! `app.bsky.notification.putPreferences`: whether the viewer, where a request does not say, is told
//! only of whom they follow.

use millrace_dataplane::query::preferences::PutNotificationPriority;
use serde::Deserialize;

use crate::error::XrpcError;
use crate::xrpc::{Call, Procedure};

#[derive(Deserialize)]
pub(crate) struct PutPreferences {
    priority: bool,
}

impl Procedure for PutPreferences {
    const NSID: &'static str = "app.bsky.notification.putPreferences";
    type Answer = ();

    async fn run(self, call: &Call<'_>) -> Result<(), XrpcError> {
        let actor = call.account()?.clone();
        let command = PutNotificationPriority { actor, priority: self.priority };
        call.api().dataplane.command(command).await?;
        Ok(())
    }
}
