//! `app.bsky.graph.muteActorList`: the viewer does not want to see whoever is on a list, now or
//! later. The list need not be known here.

use millrace_atproto::AtUri;
use millrace_dataplane::query::mute;
use serde::Deserialize;

use crate::error::XrpcError;
use crate::xrpc::{Call, Procedure};

#[derive(Deserialize)]
pub(crate) struct MuteActorList {
    list: AtUri,
}

impl Procedure for MuteActorList {
    const NSID: &'static str = "app.bsky.graph.muteActorList";
    type Answer = ();

    async fn run(self, call: &Call<'_>) -> Result<(), XrpcError> {
        let command = mute::MuteActorList { actor: call.account()?.clone(), list: self.list };
        call.api().dataplane.command(command).await?;
        Ok(())
    }
}
