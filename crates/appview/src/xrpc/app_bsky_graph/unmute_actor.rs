//! `app.bsky.graph.unmuteActor`: the viewer wants to see an account again.

use millrace_atproto::AtIdentifier;
use millrace_dataplane::query::mute;
use serde::Deserialize;

use crate::error::XrpcError;
use crate::xrpc::{Call, Procedure};

#[derive(Deserialize)]
pub(crate) struct UnmuteActor {
    actor: AtIdentifier,
}

impl Procedure for UnmuteActor {
    const NSID: &'static str = "app.bsky.graph.unmuteActor";
    type Answer = ();

    async fn run(self, call: &Call<'_>) -> Result<(), XrpcError> {
        let subject = call.did_of(&self.actor).await?;
        let subject = subject.ok_or_else(|| XrpcError::invalid("Actor not found"))?;
        let actor = call.account()?.clone();
        call.api().dataplane.command(mute::UnmuteActor { actor, subject }).await?;
        Ok(())
    }
}
