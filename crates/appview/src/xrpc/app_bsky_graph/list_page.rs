//! A page of lists: those whose creators may be shown.

use millrace_atproto::AtUri;
use millrace_dataplane::query::uri_page::UriPage;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::hydration::known_uri;
use crate::page::{Page, raw_all};
use crate::xrpc::Call;
use crate::xrpc::call::Skeleton;

/// The answer of every method that lists lists.
#[derive(Serialize)]
pub(super) struct Lists {
    lists: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl From<Page> for Lists {
    fn from(page: Page) -> Self {
        Self { lists: page.items, cursor: page.cursor }
    }
}

pub(super) async fn page(call: &Call<'_>, found: UriPage) -> Result<Page, XrpcError> {
    // hydration
    let lists = known_uris(&found.uris)?;
    let hydrated = call.hydrate(Skeleton { lists, ..Skeleton::default() }).await?;
    // presentation
    let views = call.views(&hydrated);
    let items = raw_all(found.uris.iter().filter_map(|uri| views.list(uri)))?;
    Ok(Page { items, cursor: found.cursor, rest: () })
}

/// URIs of the data-plane's, parsed again for a question.
pub(super) fn known_uris(uris: &[String]) -> Result<Vec<AtUri>, XrpcError> {
    uris.iter().map(|uri| known_uri(uri)).collect()
}
