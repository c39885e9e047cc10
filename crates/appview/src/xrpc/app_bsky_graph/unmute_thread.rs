//! `app.bsky.graph.unmuteThread`: the viewer wants to be told of a thread again.

use millrace_atproto::AtUri;
use millrace_dataplane::query::mute;
use serde::Deserialize;

use crate::error::XrpcError;
use crate::xrpc::{Call, Procedure};

#[derive(Deserialize)]
pub(crate) struct UnmuteThread {
    root: AtUri,
}

impl Procedure for UnmuteThread {
    const NSID: &'static str = "app.bsky.graph.unmuteThread";
    type Answer = ();

    async fn run(self, call: &Call<'_>) -> Result<(), XrpcError> {
        let command = mute::UnmuteThread { actor: call.account()?.clone(), root: self.root };
        call.api().dataplane.command(command).await?;
        Ok(())
    }
}
