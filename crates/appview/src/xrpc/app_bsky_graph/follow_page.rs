//! What followers and follows share: a page of people at one account's edges, and that account.

use millrace_atproto::{AtIdentifier, Did};
use millrace_dataplane::query::follows;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::page::{Page, raw, raw_all};
use crate::xrpc::Call;
use crate::xrpc::call::Skeleton;

/// People, with the account they stand around.
pub(super) type FollowPage = Page<Box<RawValue>>;

pub(super) async fn page(
    call: &Call<'_>,
    asked: &AtIdentifier,
    found: Option<follows::FollowPage>,
) -> Result<FollowPage, XrpcError> {
    // skeleton
    let not_found = || XrpcError::invalid(format!("Actor not found: {asked}"));
    let found = found.ok_or_else(not_found)?;
    // hydration
    let mut people: Vec<Did> = found.follows.into_iter().map(|edge| edge.did).collect();
    let actors = people.iter().chain([&found.subject]).cloned().collect();
    let hydrated = call.hydrate(Skeleton { actors, ..Skeleton::default() }).await?;
    // rules: nobody who is blocked by, or blocks, the account or the viewer
    people.retain(|did| !found.blocked.contains(did) && !hydrated.blocked(did));
    // presentation
    let views = call.views(&hydrated);
    let subject = views.profile(&found.subject).ok_or_else(not_found)?;
    let items = raw_all(people.iter().filter_map(|did| views.profile(did)))?;
    Ok(Page { items, cursor: found.cursor, rest: raw(&subject)? })
}
