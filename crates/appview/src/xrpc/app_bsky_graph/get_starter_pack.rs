//! `app.bsky.graph.getStarterPack`: a starter pack with its list, feeds and some of its people.

use millrace_atproto::{AtIdentifier, AtUri};
use serde::Serialize;

use super::starter_pack_contents;
use crate::error::XrpcError;
use crate::request::params::Params;
use crate::views::starter_pack::StarterPackView;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetStarterPack {
    starter_pack: AtUri,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    starter_pack: StarterPackView<'a>,
}

impl Query for GetStarterPack {
    const NSID: &'static str = "app.bsky.graph.getStarterPack";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { starter_pack: params.required("starterPack")? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        // skeleton
        let not_found = || XrpcError::invalid("Starter pack not found");
        let creator = call.did_of(&self.starter_pack.authority).await?.ok_or_else(not_found)?;
        let uri = AtUri { authority: AtIdentifier::Did(creator), ..self.starter_pack };
        if uri.as_record().is_none() {
            return Err(not_found());
        }
        let contents = starter_pack_contents::of(call, vec![uri.clone()]).await?;
        let pack = contents.first().ok_or_else(not_found)?;
        // hydration
        let hydrated = call.hydrate(starter_pack_contents::skeleton(vec![uri], &contents)).await?;
        // presentation
        let view = call.views(&hydrated).starter_pack(&pack.uri, &pack.sample);
        Json::of(&Answer { starter_pack: view.ok_or_else(not_found)? })
    }
}
