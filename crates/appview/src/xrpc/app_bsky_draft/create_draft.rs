//! `app.bsky.draft.createDraft`: the viewer keeps posts that are not written yet.

use millrace_dataplane::query::draft;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::checked;
use crate::error::XrpcError;
use crate::xrpc::{Call, Json, Procedure};

#[derive(Deserialize)]
pub(crate) struct CreateDraft {
    draft: Value,
}

#[derive(Serialize)]
struct Answer {
    id: String,
}

impl Procedure for CreateDraft {
    const NSID: &'static str = "app.bsky.draft.createDraft";
    type Answer = Json;

    async fn run(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let actor = call.account()?.clone();
        let command = draft::CreateDraft { actor, draft: checked(&self.draft)? };
        let created = call.api().dataplane.command(command).await?;
        let id = created
            .id
            .ok_or_else(|| XrpcError::named("DraftLimitReached", "Drafts limit reached"))?;
        Json::of(&Answer { id })
    }
}
