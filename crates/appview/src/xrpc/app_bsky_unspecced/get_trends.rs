//! `app.bsky.unspecced.getTrends`: the tags that most accounts wrote lately, and who wrote them last.

use millrace_atproto::Did;
use millrace_atproto::datetime::format_ms_us;
use millrace_dataplane::query::trends;
use serde::Serialize;
use serde_json::value::RawValue;

use super::trends::link;
use crate::error::XrpcError;
use crate::request::params::Params;
use crate::views::Views;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

/// Accounts shown with a trend.
const ACTORS_MAX: usize = 5;

pub(crate) struct GetTrends {
    limit: u32,
}

#[derive(Serialize)]
struct Answer<'a> {
    trends: Vec<TrendView<'a>>,
}

/// `app.bsky.unspecced.defs#trendView`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TrendView<'a> {
    topic: &'a str,
    display_name: &'a str,
    link: String,
    started_at: String,
    post_count: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    actors: Vec<&'a RawValue>,
}

impl Query for GetTrends {
    const NSID: &'static str = "app.bsky.unspecced.getTrends";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { limit: params.integer("limit", 1, trends::LIMIT_MAX, 10)? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        // skeleton
        let found = call.ask(trends::GetTrends { limit: self.limit }).await?.trends;
        // hydration
        let actors: Vec<Did> = found.iter().flat_map(|trend| &trend.authors).cloned().collect();
        let hydrated = call.hydrate(Skeleton { actors, ..Skeleton::default() }).await?;
        // rules, presentation
        let views = call.views(&hydrated);
        let trends = found.iter().map(|trend| present(&views, trend));
        Json::of(&Answer { trends: trends.collect() })
    }
}

fn present<'a>(views: &Views<'a>, trend: &'a trends::Trend) -> TrendView<'a> {
    let trends::Trend { tag, posts, started_at_us, is_hot, authors } = trend;
    let shown = authors.iter().filter(|did| views.hydrated.shown(did));
    TrendView {
        topic: tag,
        display_name: tag,
        link: link(tag),
        started_at: format_ms_us(*started_at_us),
        post_count: *posts,
        status: is_hot.then_some("hot"),
        actors: shown.filter_map(|did| views.profile_basic(did)).take(ACTORS_MAX).collect(),
    }
}
