//! `app.bsky.unspecced.getTrendingTopics`: the tags that most accounts wrote lately, and beside them the feeds
//! that are liked most.

use millrace_atproto::Did;
use millrace_dataplane::query::suggestions::GetSuggestedFeeds;
use millrace_dataplane::query::trends::{self, GetTrends};
use serde::{Deserialize, Serialize};

use super::trends::link;
use crate::error::XrpcError;
use crate::hydration::{Hydrated, known_uri};
use crate::request::params::Params;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetTrendingTopics {
    limit: u32,
}

#[derive(Serialize)]
struct Answer {
    topics: Vec<TrendingTopic>,
    suggested: Vec<TrendingTopic>,
}

/// `app.bsky.unspecced.defs#trendingTopic`.
#[derive(Serialize)]
struct TrendingTopic {
    topic: String,
    link: String,
}

/// How a feed calls itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Called {
    display_name: String,
}

impl Query for GetTrendingTopics {
    const NSID: &'static str = "app.bsky.unspecced.getTrendingTopics";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        // Whoever asks says so by a token; the parameter is for services that are asked in turn.
        params.optional::<Did>("viewer")?;
        Ok(Self { limit: params.integer("limit", 1, trends::LIMIT_MAX, 10)? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let limit = self.limit;
        // skeleton
        let trends = call.ask(GetTrends { limit }).await?.trends;
        let feeds = call.ask(GetSuggestedFeeds { q: String::new(), limit, cursor: None }).await?;
        // hydration
        let generators = feeds.uris.iter().map(|uri| known_uri(uri)).collect::<Result<_, _>>()?;
        let hydrated = call.hydrate(Skeleton { generators, ..Skeleton::default() }).await?;
        // presentation
        let topic =
            |trend: trends::Trend| TrendingTopic { link: link(&trend.tag), topic: trend.tag };
        let suggested = feeds.uris.iter().filter_map(|uri| feed(&hydrated, uri));
        Json::of(&Answer {
            topics: trends.into_iter().map(topic).collect(),
            suggested: suggested.collect(),
        })
    }
}

/// A feed that may be shown, and its page in the client.
fn feed(hydrated: &Hydrated, uri: &str) -> Option<TrendingTopic> {
    let generator = hydrated.generator(uri).filter(|known| !hydrated.blocked(&known.creator))?;
    let called: Called = serde_json::from_str(generator.record.value.get()).ok()?;
    let rkey = uri.rsplit('/').next()?;
    let link = format!("/profile/{}/feed/{rkey}", generator.creator);
    Some(TrendingTopic { topic: called.display_name, link })
}
