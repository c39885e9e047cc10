//! `app.bsky.graph.muteThread`: the viewer is told no more of what happens in the thread that
//! begins with a post.

use millrace_atproto::AtUri;
use millrace_dataplane::query::mute;
use serde::Deserialize;

use crate::error::XrpcError;
use crate::xrpc::{Call, Procedure};

#[derive(Deserialize)]
pub(crate) struct MuteThread {
    root: AtUri,
}

impl Procedure for MuteThread {
    const NSID: &'static str = "app.bsky.graph.muteThread";
    type Answer = ();

    async fn run(self, call: &Call<'_>) -> Result<(), XrpcError> {
        let command = mute::MuteThread { actor: call.account()?.clone(), root: self.root };
        call.api().dataplane.command(command).await?;
        Ok(())
    }
}
