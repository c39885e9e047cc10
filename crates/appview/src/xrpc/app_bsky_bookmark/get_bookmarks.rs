//! `app.bsky.bookmark.getBookmarks`: the posts the viewer keeps, the last kept first. What is gone or
//! behind a block stands as that; whom the viewer mutes is shown, for the viewer chose to keep it.

use millrace_atproto::AtUri;
use millrace_dataplane::query::bookmarks;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::hydration::known_uri;
use crate::page::{Page, fill_page, raw_all};
use crate::request::params::Params;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetBookmarks {
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    bookmarks: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl Query for GetBookmarks {
    const NSID: &'static str = "app.bsky.bookmark.getBookmarks";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { limit: params.limit()?, cursor: params.cursor()? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let page =
            fill_page(self.cursor, self.limit, |cursor, limit| page(call, cursor, limit)).await?;
        Json::of(&Answer { bookmarks: page.items, cursor: page.cursor })
    }
}

async fn page(call: &Call<'_>, cursor: Option<String>, limit: u32) -> Result<Page, XrpcError> {
    // skeleton
    let actor = call.account()?.clone();
    let found = call.ask(bookmarks::GetBookmarks { actor, limit, cursor }).await?;
    // hydration
    let posts: Vec<AtUri> =
        found.bookmarks.iter().map(|kept| known_uri(&kept.uri)).collect::<Result<_, _>>()?;
    let hydrated = call.hydrate(Skeleton { posts, ..Skeleton::default() }).await?;
    // presentation
    let views = call.views(&hydrated);
    let items = raw_all(found.bookmarks.iter().map(|kept| views.bookmark(kept)))?;
    Ok(Page { items, cursor: found.cursor, rest: () })
}
