//! `app.bsky.actor.searchActors`: accounts by handle, name and description, the best known first.

use millrace_dataplane::query::search_actors;
use serde::Serialize;
use serde_json::value::RawValue;

use super::search_text::search_text;
use crate::error::XrpcError;
use crate::page::{Page, fill_page, raw_all};
use crate::request::params::Params;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct SearchActors {
    q: String,
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    actors: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl Query for SearchActors {
    const NSID: &'static str = "app.bsky.actor.searchActors";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        let limit = params.integer("limit", 1, 100, 25)?;
        Ok(Self { q: search_text(params)?, limit, cursor: params.cursor()? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let Self { q, limit, cursor } = self;
        let page = fill_page(cursor, limit, |cursor, limit| page(call, &q, cursor, limit)).await?;
        Json::of(&Answer { actors: page.items, cursor: page.cursor })
    }
}

async fn page(
    call: &Call<'_>,
    q: &str,
    cursor: Option<String>,
    limit: u32,
) -> Result<Page, XrpcError> {
    // skeleton
    let asked = search_actors::SearchActors { q: q.to_owned(), typeahead: false, limit, cursor };
    let mut page = call.ask(asked).await?;
    // hydration
    let actors = page.dids.clone();
    let hydrated = call.hydrate(Skeleton { actors, ..Skeleton::default() }).await?;
    // rules
    page.dids.retain(|did| hydrated.shown(did));
    // presentation
    let views = call.views(&hydrated);
    let items = raw_all(page.dids.iter().filter_map(|did| views.profile(did)))?;
    Ok(Page { items, cursor: page.cursor, rest: () })
}
