//! A page of people, as blocks and mutes are listed: whoever is still there and may be shown.

use millrace_atproto::Did;

use crate::error::XrpcError;
use crate::page::{Page, raw_all};
use crate::xrpc::Call;
use crate::xrpc::call::Skeleton;

pub(super) async fn page(
    call: &Call<'_>,
    people: Vec<Did>,
    cursor: Option<String>,
) -> Result<Page, XrpcError> {
    // hydration
    let actors = people.clone();
    let hydrated = call.hydrate(Skeleton { actors, ..Skeleton::default() }).await?;
    // presentation
    let views = call.views(&hydrated);
    let items = raw_all(people.iter().filter_map(|did| views.profile(did)))?;
    Ok(Page { items, cursor, rest: () })
}
