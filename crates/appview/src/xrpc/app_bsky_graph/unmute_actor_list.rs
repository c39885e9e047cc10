//! `app.bsky.graph.unmuteActorList`: the viewer no longer mutes a list. Accounts that are muted by
//! themselves stay so.

use millrace_atproto::AtUri;
use millrace_dataplane::query::mute;
use serde::Deserialize;

use crate::error::XrpcError;
use crate::xrpc::{Call, Procedure};

#[derive(Deserialize)]
pub(crate) struct UnmuteActorList {
    list: AtUri,
}

impl Procedure for UnmuteActorList {
    const NSID: &'static str = "app.bsky.graph.unmuteActorList";
    type Answer = ();

    async fn run(self, call: &Call<'_>) -> Result<(), XrpcError> {
        let command = mute::UnmuteActorList { actor: call.account()?.clone(), list: self.list };
        call.api().dataplane.command(command).await?;
        Ok(())
    }
}
