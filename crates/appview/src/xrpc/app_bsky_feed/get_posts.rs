//! `app.bsky.feed.getPosts`: posts by URI; those that cannot be shown are left out.

use std::collections::HashSet;

use millrace_atproto::AtUri;
use serde::Serialize;

use crate::error::XrpcError;
use crate::request::params::Params;
use crate::views::post::PostView;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

const URIS_MAX: usize = 25;

pub(crate) struct GetPosts {
    uris: Vec<AtUri>,
}

#[derive(Serialize)]
struct Answer<'a> {
    posts: Vec<PostView<'a>>,
}

impl Query for GetPosts {
    const NSID: &'static str = "app.bsky.feed.getPosts";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { uris: params.required_list("uris", URIS_MAX)? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        // skeleton: records are known by DID; a URI by handle names none
        let mut seen = HashSet::new();
        let posts: Vec<AtUri> = self
            .uris
            .into_iter()
            .filter(|uri| uri.as_record().is_some() && seen.insert(uri.clone()))
            .collect();
        // hydration
        let hydrated =
            call.hydrate(Skeleton { posts: posts.clone(), ..Skeleton::default() }).await?;
        // rules
        let names = posts.iter().map(AtUri::to_string);
        let shown = names.filter(|uri| !hydrated.post_blocked(uri));
        // presentation
        let views = call.views(&hydrated);
        Json::of(&Answer { posts: shown.filter_map(|uri| views.post(&uri)).collect() })
    }
}
