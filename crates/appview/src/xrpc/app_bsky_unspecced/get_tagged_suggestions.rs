//! `app.bsky.unspecced.getTaggedSuggestions`: accounts and feeds by what they are about: who wrote about a
//! trend last, and the feeds whose names have it.

use millrace_atproto::{AtUri, Did};
use millrace_dataplane::query::suggestions::GetSuggestedFeeds;
use millrace_dataplane::query::trends::{GetTrends, Trend};
use serde::Serialize;

use crate::error::XrpcError;
use crate::hydration::{Hydrated, known_uri};
use crate::request::params::Params;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

/// Trends, and of each so many accounts and feeds.
const TAGS_MAX: u32 = 10;
const EACH_MAX: u32 = 5;

pub(crate) struct GetTaggedSuggestions;

#[derive(Serialize)]
struct Answer {
    suggestions: Vec<Suggestion>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Suggestion {
    tag: String,
    subject_type: &'static str,
    subject: String,
}

/// A trend with the feeds whose names have it.
struct Tagged {
    trend: Trend,
    feeds: Vec<String>,
}

impl Query for GetTaggedSuggestions {
    const NSID: &'static str = "app.bsky.unspecced.getTaggedSuggestions";

    fn parse(_: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self)
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        // skeleton
        let mut tagged = Vec::new();
        for trend in call.ask(GetTrends { limit: TAGS_MAX }).await?.trends {
            let named = GetSuggestedFeeds { q: trend.tag.clone(), limit: EACH_MAX, cursor: None };
            tagged.push(Tagged { trend, feeds: call.ask(named).await?.uris });
        }
        // hydration
        let authors = tagged.iter().flat_map(|tagged| &tagged.trend.authors);
        let feeds = tagged.iter().flat_map(|tagged| &tagged.feeds);
        let generators: Vec<AtUri> = feeds.map(|uri| known_uri(uri)).collect::<Result<_, _>>()?;
        let actors: Vec<Did> = authors.cloned().collect();
        let hydrated = call.hydrate(Skeleton { actors, generators, ..Skeleton::default() }).await?;
        // presentation
        let suggestions = tagged.iter().flat_map(|tagged| tagged.present(&hydrated)).collect();
        Json::of(&Answer { suggestions })
    }
}

impl Tagged {
    fn present(&self, hydrated: &Hydrated) -> Vec<Suggestion> {
        let suggestion = |subject_type, subject| {
            let tag = self.trend.tag.clone();
            Suggestion { tag, subject_type, subject }
        };
        let actors = self.trend.authors.iter().filter(|did| hydrated.shown(did));
        let actors = actors.take(EACH_MAX as usize).map(|did| suggestion("actor", did.to_string()));
        let feeds = self.feeds.iter().filter(|uri| hydrated.generator(uri).is_some());
        actors.chain(feeds.map(|uri| suggestion("feed", uri.clone()))).collect()
    }
}
