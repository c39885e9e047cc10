//! Pages of starter packs, those by which most came first: all of them, or those whose names have some words.

use millrace_dataplane::query::suggestions::{FoundPage, GetSuggestedStarterPacks};

use super::list_page::known_uris;
use super::starter_pack_contents;
use crate::error::XrpcError;
use crate::page::{Page, raw_all};
use crate::xrpc::Call;
use crate::xrpc::call::Skeleton;

/// With their lists, feeds and some of their people; and how many there are in all.
pub(in crate::xrpc) async fn whole_page(
    call: &Call<'_>,
    q: &str,
    cursor: Option<String>,
    limit: u32,
) -> Result<Page<u64>, XrpcError> {
    // skeleton
    let found = found(call, q, cursor, limit).await?;
    let starter_packs = known_uris(&found.uris)?;
    let contents = starter_pack_contents::of(call, starter_packs.clone()).await?;
    // hydration
    let hydrated = call.hydrate(starter_pack_contents::skeleton(starter_packs, &contents)).await?;
    // rules
    let shown = contents.iter().filter(|pack| !hydrated.post_blocked(&pack.uri));
    // presentation
    let views = call.views(&hydrated);
    let items = raw_all(shown.filter_map(|pack| views.starter_pack(&pack.uri, &pack.sample)))?;
    Ok(Page { items, cursor: found.cursor, rest: found.hits_total })
}

/// In short.
pub(super) async fn short_page(
    call: &Call<'_>,
    q: &str,
    cursor: Option<String>,
    limit: u32,
) -> Result<Page, XrpcError> {
    // skeleton
    let found = found(call, q, cursor, limit).await?;
    // hydration
    let starter_packs = known_uris(&found.uris)?;
    let hydrated = call.hydrate(Skeleton { starter_packs, ..Skeleton::default() }).await?;
    // rules
    let shown = found.uris.iter().filter(|uri| !hydrated.post_blocked(uri));
    // presentation
    let views = call.views(&hydrated);
    let items = raw_all(shown.filter_map(|uri| views.starter_pack_basic(uri)))?;
    Ok(Page { items, cursor: found.cursor, rest: () })
}

async fn found(
    call: &Call<'_>,
    q: &str,
    cursor: Option<String>,
    limit: u32,
) -> Result<FoundPage, XrpcError> {
    call.ask(GetSuggestedStarterPacks { q: q.to_owned(), limit, cursor }).await
}
