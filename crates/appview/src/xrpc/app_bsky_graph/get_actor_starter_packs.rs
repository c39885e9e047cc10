//! `app.bsky.graph.getActorStarterPacks`: the starter packs an account made, the latest first.

use millrace_atproto::{AtIdentifier, Did};
use millrace_dataplane::query::starter_packs;
use serde::Serialize;
use serde_json::value::RawValue;

use super::list_page::known_uris;
use crate::error::XrpcError;
use crate::page::{Page, fill_page, raw_all};
use crate::request::params::Params;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetActorStarterPacks {
    actor: AtIdentifier,
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    starter_packs: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl Query for GetActorStarterPacks {
    const NSID: &'static str = "app.bsky.graph.getActorStarterPacks";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self {
            actor: params.required("actor")?,
            limit: params.limit()?,
            cursor: params.cursor()?,
        })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let Self { actor, limit, cursor } = self;
        let actor = call.did_of(&actor).await?;
        let actor = actor.ok_or_else(|| XrpcError::invalid("Profile not found"))?;
        let page =
            fill_page(cursor, limit, |cursor, limit| page(call, &actor, cursor, limit)).await?;
        Json::of(&Answer { starter_packs: page.items, cursor: page.cursor })
    }
}

async fn page(
    call: &Call<'_>,
    actor: &Did,
    cursor: Option<String>,
    limit: u32,
) -> Result<Page, XrpcError> {
    // skeleton
    let question = starter_packs::GetActorStarterPacks { actor: actor.clone(), limit, cursor };
    let found = call.ask(question).await?;
    // hydration
    let starter_packs = known_uris(&found.uris)?;
    let hydrated = call.hydrate(Skeleton { starter_packs, ..Skeleton::default() }).await?;
    // presentation
    let views = call.views(&hydrated);
    let items = raw_all(found.uris.iter().filter_map(|uri| views.starter_pack_basic(uri)))?;
    Ok(Page { items, cursor: found.cursor, rest: () })
}
