//! `app.bsky.feed.getQuotes`: the posts that quote a post, the latest first. Quotes name a record, not
//! a version of it: `cid` is given back and changes nothing.

use millrace_atproto::AtUri;
use millrace_atproto::syntax::CidString;
use millrace_dataplane::query::quotes;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::hydration::{Hydrated, author};
use crate::page::{Page, fill_page, raw_all};
use crate::request::params::Params;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetQuotes {
    uri: AtUri,
    cid: Option<CidString>,
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    uri: AtUri,
    #[serde(skip_serializing_if = "Option::is_none")]
    cid: Option<CidString>,
    posts: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl Query for GetQuotes {
    const NSID: &'static str = "app.bsky.feed.getQuotes";

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
            // Posts are quoted by DID.
            None => Page { items: Vec::new(), cursor: None, rest: () },
        };
        Json::of(&Answer { uri, cid, posts: page.items, cursor: page.cursor })
    }
}

async fn page(
    call: &Call<'_>,
    uri: &AtUri,
    cursor: Option<String>,
    limit: u32,
) -> Result<Page, XrpcError> {
    // skeleton, hydration
    let question = quotes::GetQuotes { uri: uri.clone(), limit, cursor };
    let (page, hydrated) = call.ask_hydrated(question, Skeleton::default()).await?;
    let mut page = page.unwrap_or_default();
    // rules
    page.uris.retain(|uri| {
        !hydrated.post_blocked(uri)
            && !quotes_behind_block(uri, &hydrated)
            && !author(uri).is_some_and(|did| hydrated.held_back(call.viewer(), &did, uri))
    });
    // presentation
    let views = call.views(&hydrated);
    let items = raw_all(page.uris.iter().filter_map(|uri| views.post(uri)))?;
    Ok(Page { items, cursor: page.cursor, rest: () })
}

/// A block stands between who quotes and who is quoted.
fn quotes_behind_block(uri: &str, hydrated: &Hydrated) -> bool {
    hydrated.post(uri).is_some_and(|known| known.post.quote_blocked)
}
