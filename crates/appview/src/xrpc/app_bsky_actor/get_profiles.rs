//! `app.bsky.actor.getProfiles`: several accounts in detail; those that cannot be shown are left
//! out.

use std::collections::HashMap;

use millrace_atproto::{AtIdentifier, Did};
use serde::Serialize;

use crate::error::XrpcError;
use crate::request::params::Params;
use crate::views::profile::ProfileViewDetailed;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

const ACTORS_MAX: usize = 25;

pub(crate) struct GetProfiles {
    actors: Vec<AtIdentifier>,
}

#[derive(Serialize)]
struct Answer<'a> {
    profiles: Vec<ProfileViewDetailed<'a>>,
}

impl Query for GetProfiles {
    const NSID: &'static str = "app.bsky.actor.getProfiles";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { actors: params.required_list("actors", ACTORS_MAX)? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        // skeleton
        let dids = self.dids(call).await?;
        // hydration
        let detailed = dids.clone();
        let hydrated = call.hydrate(Skeleton { detailed, ..Skeleton::default() }).await?;
        // presentation
        let views = call.views(&hydrated);
        Json::of(&Answer {
            profiles: dids.iter().filter_map(|did| views.profile_detailed(did)).collect(),
        })
    }
}

impl GetProfiles {
    /// The accounts meant, in the order asked for.
    async fn dids(self, call: &Call<'_>) -> Result<Vec<Did>, XrpcError> {
        let handles: Vec<AtIdentifier> =
            self.actors.iter().filter(|actor| actor.as_handle().is_some()).cloned().collect();
        let mut by_name: HashMap<AtIdentifier, Did> = HashMap::new();
        if !handles.is_empty() {
            let known = call.standings(handles).await?;
            by_name.extend(known.into_iter().map(|standing| (standing.asked, standing.did)));
        }
        let did = |actor: AtIdentifier| match actor {
            AtIdentifier::Did(did) => Some(did),
            AtIdentifier::Handle(_) => by_name.get(&actor).cloned(),
        };
        Ok(self.actors.into_iter().filter_map(did).collect())
    }
}
