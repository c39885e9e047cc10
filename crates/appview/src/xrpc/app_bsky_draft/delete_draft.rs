//! `app.bsky.draft.deleteDraft`: the viewer gives up a draft. Giving up what is not there changes
//! nothing.

use millrace_atproto::Tid;
use millrace_dataplane::query::draft;
use serde::Deserialize;

use crate::error::XrpcError;
use crate::xrpc::{Call, Procedure};

#[derive(Deserialize)]
pub(crate) struct DeleteDraft {
    id: Tid,
}

impl Procedure for DeleteDraft {
    const NSID: &'static str = "app.bsky.draft.deleteDraft";
    type Answer = ();

    async fn run(self, call: &Call<'_>) -> Result<(), XrpcError> {
        let command =
            draft::DeleteDraft { actor: call.account()?.clone(), id: self.id.to_string() };
        call.api().dataplane.command(command).await?;
        Ok(())
    }
}
