//! `app.bsky.feed.getRepostedBy`: who reposted a record, the latest reposts first. Reposts name a
//! record, not a version of it: `cid` is given back and changes nothing.

use millrace_atproto::syntax::CidString;
use millrace_atproto::{AtUri, Did};
use millrace_dataplane::query::reposts;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::hydration::author;
use crate::page::{Page, fill_page, raw_all};
use crate::request::params::Params;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetRepostedBy {
    uri: AtUri,
    cid: Option<CidString>,
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    uri: AtUri,
    #[serde(skip_serializing_if = "Option::is_none")]
    cid: Option<CidString>,
    reposted_by: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl Query for GetRepostedBy {
    const NSID: &'static str = "app.bsky.feed.getRepostedBy";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self {
            uri: params.required("uri")?,
            cid: params.optional("cid")?,
            limit: params.limit()?,
            cursor: params.cursor()?,
        })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let Self { uri, cid, limit, cursor } = self;
        let page = match uri.as_record() {
            Some(_) => {
                fill_page(cursor, limit, |cursor, limit| page(call, &uri, cursor, limit)).await?
            }
            // Only records by DID can be reposted.
            None => Page { items: Vec::new(), cursor: None, rest: () },
        };
        Json::of(&Answer { uri, cid, reposted_by: page.items, cursor: page.cursor })
    }
}

async fn page(
    call: &Call<'_>,
    uri: &AtUri,
    cursor: Option<String>,
    limit: u32,
) -> Result<Page, XrpcError> {
    // skeleton
    let page = call.ask(reposts::GetRepostedBy { uri: uri.clone(), limit, cursor }).await?;
    let mut reposters: Vec<Did> = page.uris.iter().filter_map(|uri| author(uri)).collect();
    // hydration
    let actors = reposters.clone();
    let hydrated = call.hydrate(Skeleton { actors, ..Skeleton::default() }).await?;
    // rules
    reposters.retain(|did| !hydrated.blocked(did));
    // presentation
    let views = call.views(&hydrated);
    let items = raw_all(reposters.iter().filter_map(|did| views.profile(did)))?;
    Ok(Page { items, cursor: page.cursor, rest: () })
}
