//! Whom the viewer may want to follow, a few at once; of a category, those who say something of it about
//! themselves, the best known first.

use millrace_dataplane::query::search_actors::SearchActors;
use millrace_dataplane::query::suggested_actors::GetSuggestedActors;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::page::{Page, fill_page, raw_all};
use crate::request::params::Params;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json};

const LIMIT_DEFAULT: u32 = 25;
const LIMIT_MAX: u32 = 50;

pub(super) struct SuggestedUsers {
    category: Option<String>,
    limit: u32,
}

#[derive(Serialize)]
struct Answer {
    actors: Vec<Box<RawValue>>,
}

impl SuggestedUsers {
    pub(super) fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { category: params.text("category")?, ..Self::of_all(params)? })
    }

    /// Where the method knows no categories.
    pub(super) fn of_all(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { category: None, limit: params.integer("limit", 1, LIMIT_MAX, LIMIT_DEFAULT)? })
    }

    pub(super) async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let Self { category, limit } = self;
        let category = category.as_deref();
        let page = fill_page(None, limit, |cursor, limit| page(call, category, cursor, limit));
        Json::of(&Answer { actors: page.await?.items })
    }
}

async fn page(
    call: &Call<'_>,
    category: Option<&str>,
    cursor: Option<String>,
    limit: u32,
) -> Result<Page, XrpcError> {
    // skeleton
    let viewer = call.viewer().cloned();
    let mut found = match category {
        Some(category) => {
            let q = category.to_owned();
            call.ask(SearchActors { q, typeahead: false, limit, cursor }).await?
        }
        None => call.ask(GetSuggestedActors { viewer: viewer.clone(), limit, cursor }).await?,
    };
    // hydration
    let actors = found.dids.clone();
    let hydrated = call.hydrate(Skeleton { actors, ..Skeleton::default() }).await?;
    // rules
    found.dids.retain(|did| {
        let followed = hydrated.relation(did).is_some_and(|relation| relation.following.is_some());
        hydrated.shown(did) && !hydrated.muted(did) && !followed && Some(did) != viewer.as_ref()
    });
    // presentation
    let views = call.views(&hydrated);
    let items = raw_all(found.dids.iter().filter_map(|did| views.profile(did)))?;
    Ok(Page { items, cursor: found.cursor, rest: () })
}
