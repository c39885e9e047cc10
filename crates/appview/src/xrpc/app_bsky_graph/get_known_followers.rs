//! `app.bsky.graph.getKnownFollowers`: those of an account's followers whom the viewer follows.
//! There is one page of them, the first ones, and so no cursor.

use millrace_atproto::{AtIdentifier, Did};
use millrace_dataplane::query::known_followers;
use serde::Serialize;

use crate::error::XrpcError;
use crate::request::params::Params;
use crate::views::profile::ProfileView;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetKnownFollowers {
    actor: AtIdentifier,
    limit: u32,
}

#[derive(Serialize)]
struct Answer<'a> {
    subject: ProfileView<'a>,
    followers: Vec<ProfileView<'a>>,
}

impl Query for GetKnownFollowers {
    const NSID: &'static str = "app.bsky.graph.getKnownFollowers";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        if params.cursor()?.is_some() {
            return Err(XrpcError::invalid("malformed cursor: there is one page"));
        }
        Ok(Self { actor: params.required("actor")?, limit: params.limit()? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        // skeleton
        let Self { actor, limit } = self;
        let not_found = || XrpcError::invalid(format!("Actor not found: {actor}"));
        let viewer = call.account()?.clone();
        let question = known_followers::GetKnownFollowers { actor: actor.clone(), viewer, limit };
        let found = call.find(question).await?.ok_or_else(not_found)?;
        // hydration
        let actors: Vec<Did> = found.followers.iter().chain([&found.subject]).cloned().collect();
        let hydrated = call.hydrate(Skeleton { actors, ..Skeleton::default() }).await?;
        // rules
        let shown = found.followers.iter().filter(|did| !hydrated.blocked(did));
        // presentation
        let views = call.views(&hydrated);
        Json::of(&Answer {
            subject: views.profile(&found.subject).ok_or_else(not_found)?,
            followers: shown.filter_map(|did| views.profile(did)).collect(),
        })
    }
}
