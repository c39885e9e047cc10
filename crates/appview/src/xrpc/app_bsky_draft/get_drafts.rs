//! `app.bsky.draft.getDrafts`: the viewer's drafts, the last changed first.

use millrace_atproto::datetime::format_ms_us;
use millrace_dataplane::query::drafts;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetDrafts {
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Answer<'a> {
    drafts: Vec<DraftView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// `app.bsky.draft.defs#draftView`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DraftView<'a> {
    id: &'a str,
    draft: &'a RawValue,
    created_at: String,
    updated_at: String,
}

impl Query for GetDrafts {
    const NSID: &'static str = "app.bsky.draft.getDrafts";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { limit: params.limit()?, cursor: params.cursor()? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let Self { limit, cursor } = self;
        let actor = call.account()?.clone();
        let found = call.ask(drafts::GetDrafts { actor, limit, cursor }).await?;
        let drafts = found.drafts.iter().map(|kept| DraftView {
            id: &kept.id,
            draft: &kept.draft,
            created_at: format_ms_us(kept.created_at_us),
            updated_at: format_ms_us(kept.updated_at_us),
        });
        Json::of(&Answer { drafts: drafts.collect(), cursor: found.cursor })
    }
}
