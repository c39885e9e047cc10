//! `app.bsky.feed.getActorFeeds`: the feed generators an account offers, the latest first.

use millrace_atproto::AtIdentifier;
use millrace_dataplane::query::actor_feeds;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::hydration::known_uri;
use crate::page::{Page, fill_page, raw_all};
use crate::request::params::Params;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetActorFeeds {
    actor: AtIdentifier,
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    feeds: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl Query for GetActorFeeds {
    const NSID: &'static str = "app.bsky.feed.getActorFeeds";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self {
            actor: params.required("actor")?,
            limit: params.limit()?,
            cursor: params.cursor()?,
        })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let Self { actor, limit, cursor } = self;
        let page = fill_page(cursor, limit, |cursor, limit| page(call, &actor, cursor, limit));
        let page = page.await?;
        Json::of(&Answer { feeds: page.items, cursor: page.cursor })
    }
}

async fn page(
    call: &Call<'_>,
    actor: &AtIdentifier,
    cursor: Option<String>,
    limit: u32,
) -> Result<Page, XrpcError> {
    // skeleton
    let question = actor_feeds::GetActorFeeds { actor: actor.clone(), limit, cursor };
    let page = call.find(question).await?;
    let page = page.ok_or_else(|| XrpcError::invalid("Profile not found"))?;
    // hydration
    let generators = page.uris.iter().map(|uri| known_uri(uri)).collect::<Result<_, _>>()?;
    let hydrated = call.hydrate(Skeleton { generators, ..Skeleton::default() }).await?;
    // presentation
    let views = call.views(&hydrated);
    let items = raw_all(page.uris.iter().filter_map(|uri| views.generator(uri)))?;
    Ok(Page { items, cursor: page.cursor, rest: () })
}
