//! `app.bsky.graph.muteActor`: the viewer does not want to see an account, or only what it reposts,
//! or only its quotes. Muting again says anew what.

use millrace_atproto::AtIdentifier;
use millrace_dataplane::query::mute;
use serde::Deserialize;

use crate::error::XrpcError;
use crate::xrpc::{Call, Procedure};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MuteActor {
    actor: AtIdentifier,
    #[serde(default)]
    only_reposts: bool,
    #[serde(default)]
    only_quoteposts: bool,
}

impl Procedure for MuteActor {
    const NSID: &'static str = "app.bsky.graph.muteActor";
    type Answer = ();

    async fn run(self, call: &Call<'_>) -> Result<(), XrpcError> {
        let Self { actor, only_reposts, only_quoteposts } = self;
        let subject = call.did_of(&actor).await?;
        let subject = subject.ok_or_else(|| XrpcError::invalid("Actor not found"))?;
        let actor = call.account()?.clone();
        if actor == subject {
            return Err(XrpcError::invalid("Actor cannot mute themselves"));
        }
        let command = mute::MuteActor { actor, subject, only_reposts, only_quoteposts };
        call.api().dataplane.command(command).await?;
        Ok(())
    }
}
