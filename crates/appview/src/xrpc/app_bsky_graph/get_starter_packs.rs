//! `app.bsky.graph.getStarterPacks`: starter packs by name, in short; unknown ones are left out.

use millrace_atproto::AtUri;
use serde::Serialize;

use crate::error::XrpcError;
use crate::request::params::Params;
use crate::views::starter_pack::StarterPackViewBasic;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

const URIS_MAX: usize = 25;

pub(crate) struct GetStarterPacks {
    uris: Vec<AtUri>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    starter_packs: Vec<StarterPackViewBasic<'a>>,
}

impl Query for GetStarterPacks {
    const NSID: &'static str = "app.bsky.graph.getStarterPacks";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { uris: params.list("uris", URIS_MAX)? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        // skeleton: only records by DID can be known
        let uris: Vec<AtUri> =
            self.uris.into_iter().filter(|uri| uri.as_record().is_some()).collect();
        // hydration
        let starter_packs = uris.clone();
        let hydrated = call.hydrate(Skeleton { starter_packs, ..Skeleton::default() }).await?;
        // presentation
        let views = call.views(&hydrated);
        let shown = uris.iter().filter_map(|uri| views.starter_pack_basic(&uri.to_string()));
        Json::of(&Answer { starter_packs: shown.collect() })
    }
}
