//! `app.bsky.feed.getFeedGenerators`: feed generators by URI; those that cannot be shown are left out.

use millrace_atproto::AtUri;
use serde::Serialize;

use crate::error::XrpcError;
use crate::request::params::Params;
use crate::views::generator::GeneratorView;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

/// The lexicon has no bound; clients ask for the feeds somebody saved.
const FEEDS_MAX: usize = 200;

pub(crate) struct GetFeedGenerators {
    feeds: Vec<AtUri>,
}

#[derive(Serialize)]
struct Answer<'a> {
    feeds: Vec<GeneratorView<'a>>,
}

impl Query for GetFeedGenerators {
    const NSID: &'static str = "app.bsky.feed.getFeedGenerators";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { feeds: params.required_list("feeds", FEEDS_MAX)? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        // skeleton: records are known by DID; a URI by handle names none
        let mut feeds = self.feeds;
        feeds.retain(|uri| uri.as_record().is_some());
        // hydration
        let generators = feeds.clone();
        let hydrated = call.hydrate(Skeleton { generators, ..Skeleton::default() }).await?;
        // presentation
        let views = call.views(&hydrated);
        Json::of(&Answer {
            feeds: feeds.iter().filter_map(|uri| views.generator(&uri.to_string())).collect(),
        })
    }
}
