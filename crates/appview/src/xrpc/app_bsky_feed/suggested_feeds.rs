//! Feeds that are suggested, what the operator chose and then the most liked first; or those whose names have some
//! words, also of whom the viewer blocks: those were searched for.

use millrace_dataplane::query::suggestions::GetSuggestedFeeds;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::hydration::known_uri;
use crate::page::{Page, fill_page, raw_all};
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json};

#[derive(Serialize)]
struct Answer {
    feeds: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// A page as the answer of a method.
pub(in crate::xrpc) async fn answer(
    call: &Call<'_>,
    q: &str,
    cursor: Option<String>,
    limit: u32,
) -> Result<Json, XrpcError> {
    let page = fill_page(cursor, limit, |cursor, limit| page(call, q, cursor, limit)).await?;
    Json::of(&Answer { feeds: page.items, cursor: page.cursor })
}

pub(in crate::xrpc) async fn page(
    call: &Call<'_>,
    q: &str,
    cursor: Option<String>,
    limit: u32,
) -> Result<Page, XrpcError> {
    // skeleton
    let found = call.ask(GetSuggestedFeeds { q: q.to_owned(), limit, cursor }).await?;
    // hydration
    let generators = found.uris.iter().map(|uri| known_uri(uri)).collect::<Result<_, _>>()?;
    let hydrated = call.hydrate(Skeleton { generators, ..Skeleton::default() }).await?;
    // rules
    let shown = found.uris.iter().filter(|uri| !q.trim().is_empty() || !hydrated.post_blocked(uri));
    // presentation
    let views = call.views(&hydrated);
    let items = raw_all(shown.filter_map(|uri| views.generator(uri)))?;
    Ok(Page { items, cursor: found.cursor, rest: () })
}
