//! `app.bsky.graph.getSuggestedFollowsByActor`: whom somebody who follows an account may want to follow
//! besides: whose posts it likes, and whom it follows.

use millrace_atproto::AtIdentifier;
use millrace_dataplane::query::suggested_actors::GetSuggestedFollows;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::page::raw_all;
use crate::request::params::Params;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetSuggestedFollowsByActor {
    actor: AtIdentifier,
}

#[derive(Serialize)]
struct Answer {
    suggestions: Vec<Box<RawValue>>,
}

impl Query for GetSuggestedFollowsByActor {
    const NSID: &'static str = "app.bsky.graph.getSuggestedFollowsByActor";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { actor: params.required("actor")? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        // skeleton
        let viewer = call.viewer().cloned();
        let found = call.find(GetSuggestedFollows { actor: self.actor, viewer }).await?;
        let mut dids = found.ok_or_else(|| XrpcError::invalid("Actor not found"))?.dids;
        // hydration
        let detailed = dids.clone();
        let hydrated = call.hydrate(Skeleton { detailed, ..Skeleton::default() }).await?;
        // rules
        dids.retain(|did| hydrated.shown(did) && !hydrated.muted(did));
        // presentation
        let views = call.views(&hydrated);
        let suggestions = dids.iter().filter_map(|did| views.profile_known_followers(did));
        Json::of(&Answer { suggestions: raw_all(suggestions)? })
    }
}
