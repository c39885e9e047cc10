//! `app.bsky.actor.getSuggestions`: whom the viewer may want to follow: first whom those whom they follow
//! follow, then the best known here.

use millrace_dataplane::query::suggested_actors::GetSuggestedActors;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::page::{Page, fill_page, raw_all};
use crate::request::params::Params;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetSuggestions {
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    actors: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl Query for GetSuggestions {
    const NSID: &'static str = "app.bsky.actor.getSuggestions";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { limit: params.limit()?, cursor: params.cursor()? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let page = |cursor, limit| page(call, cursor, limit);
        let page = fill_page(self.cursor, self.limit, page).await?;
        Json::of(&Answer { actors: page.items, cursor: page.cursor })
    }
}

async fn page(call: &Call<'_>, cursor: Option<String>, limit: u32) -> Result<Page, XrpcError> {
    // skeleton
    let viewer = call.viewer().cloned();
    let mut found = call.ask(GetSuggestedActors { viewer, limit, cursor }).await?;
    // hydration
    let detailed = found.dids.clone();
    let hydrated = call.hydrate(Skeleton { detailed, ..Skeleton::default() }).await?;
    // rules
    found.dids.retain(|did| hydrated.shown(did) && !hydrated.muted(did));
    // presentation
    let views = call.views(&hydrated);
    let items = raw_all(found.dids.iter().filter_map(|did| views.profile_known_followers(did)))?;
    Ok(Page { items, cursor: found.cursor, rest: () })
}
