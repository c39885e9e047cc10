//! `app.bsky.notification.updateSeen`: up to when the viewer has seen their notifications.

use millrace_atproto::Datetime;
use millrace_dataplane::query::notifications;
use serde::Deserialize;

use crate::error::XrpcError;
use crate::xrpc::{Call, Procedure};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpdateSeen {
    seen_at: Datetime,
}

impl Procedure for UpdateSeen {
    const NSID: &'static str = "app.bsky.notification.updateSeen";
    type Answer = ();

    async fn run(self, call: &Call<'_>) -> Result<(), XrpcError> {
        let seen_at_us =
            self.seen_at.epoch_us().ok_or_else(|| XrpcError::invalid("seenAt is no datetime"))?;
        let actor = call.account()?.clone();
        call.api().dataplane.command(notifications::UpdateSeen { actor, seen_at_us }).await?;
        Ok(())
    }
}
