//! `app.bsky.draft.updateDraft`: the viewer changes a draft. One that is not there stays so, for
//! changes are not counted against the bound.

use millrace_atproto::Tid;
use millrace_dataplane::query::draft;
use serde::Deserialize;
use serde_json::Value;

use super::checked;
use crate::error::XrpcError;
use crate::xrpc::{Call, Procedure};

#[derive(Deserialize)]
pub(crate) struct UpdateDraft {
    draft: DraftWithId,
}

/// `app.bsky.draft.defs#draftWithId`.
#[derive(Deserialize)]
struct DraftWithId {
    id: Tid,
    draft: Value,
}

impl Procedure for UpdateDraft {
    const NSID: &'static str = "app.bsky.draft.updateDraft";
    type Answer = ();

    async fn run(self, call: &Call<'_>) -> Result<(), XrpcError> {
        let actor = call.account()?.clone();
        let DraftWithId { id, draft } = self.draft;
        let command = draft::UpdateDraft { actor, id: id.to_string(), draft: checked(&draft)? };
        call.api().dataplane.command(command).await?;
        Ok(())
    }
}
