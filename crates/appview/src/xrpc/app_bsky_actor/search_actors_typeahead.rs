//! `app.bsky.actor.searchActorsTypeahead`: whom somebody may mean who is still typing. An account
//! behind a block is found by its whole handle, so that it can be unblocked.

use millrace_dataplane::query::search_actors;
use serde::Serialize;
use serde_json::value::RawValue;

use super::search_text::search_text;
use crate::error::XrpcError;
use crate::page::raw_all;
use crate::request::params::Params;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct SearchActorsTypeahead {
    q: String,
    limit: u32,
}

#[derive(Serialize)]
struct Answer {
    actors: Vec<Box<RawValue>>,
}

impl Query for SearchActorsTypeahead {
    const NSID: &'static str = "app.bsky.actor.searchActorsTypeahead";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        let limit = params.integer("limit", 1, 100, 10)?;
        Ok(Self { q: search_text(params)?, limit })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        // skeleton
        let asked = search_actors::SearchActors {
            q: self.q.clone(),
            typeahead: true,
            limit: self.limit,
            cursor: None,
        };
        let mut dids = call.ask(asked).await?.dids;
        // hydration
        let hydrated =
            call.hydrate(Skeleton { actors: dids.clone(), ..Skeleton::default() }).await?;
        // rules
        let typed = self.q.to_lowercase();
        dids.retain(|did| {
            let handle = hydrated.actor(did).and_then(|known| known.actor.handle.as_ref());
            hydrated.shown(did) || handle.is_some_and(|handle| handle.as_str() == typed)
        });
        // presentation
        let views = call.views(&hydrated);
        let actors = raw_all(dids.iter().filter_map(|did| views.profile_basic(did)))?;
        Json::of(&Answer { actors })
    }
}
