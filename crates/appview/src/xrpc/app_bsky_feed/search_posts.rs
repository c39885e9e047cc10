//! `app.bsky.feed.searchPosts`: posts by their words, the latest first or the best of the latest.

use millrace_atproto::AtIdentifier;
use millrace_atproto::syntax::{Language, Uri};
use millrace_dataplane::query::hydrating;
use millrace_dataplane::query::search_posts::{self, Sort};
use millrace_dataplane::query::uri_page::UriPage;
use serde::Serialize;
use serde_json::value::RawValue;

use super::tags::tags;
use crate::error::XrpcError;
use crate::hydration::{Hydrated, author};
use crate::page::{Page, fill_page, raw_all};
use crate::request::params::Params;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

/// Most tags a search may name.
const TAGS_MAX: usize = 25;

pub(crate) struct SearchPosts {
    asked: search_posts::SearchPosts,
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    posts: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl Query for SearchPosts {
    const NSID: &'static str = "app.bsky.feed.searchPosts";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        let tags = tags(params, "tag", TAGS_MAX)?;
        let lang: Option<Language> = params.optional("lang")?;
        let url: Option<Uri> = params.optional("url")?;
        let asked = search_posts::SearchPosts {
            q: params.required("q")?,
            sort: match params.text("sort")?.as_deref() {
                Some("top") => Sort::Top,
                _ => Sort::Latest,
            },
            since: params.text("since")?,
            until: params.text("until")?,
            author: params.optional::<AtIdentifier>("author")?,
            mentions: params.optional::<AtIdentifier>("mentions")?,
            lang: lang.map(|lang| lang.as_str().to_owned()),
            domain: params.text("domain")?,
            url: url.map(|url| url.as_str().to_owned()),
            tags,
            ..search_posts::SearchPosts::default()
        };
        let limit = params.integer("limit", 1, 100, 25)?;
        Ok(Self { asked, limit, cursor: params.cursor()? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let Self { mut asked, limit, cursor } = self;
        asked.viewer = call.viewer().cloned();
        let page = |cursor, limit| {
            let limit = Some(limit);
            page(call, search_posts::SearchPosts { limit, cursor, ..asked.clone() })
        };
        let page = fill_page(cursor, limit, page).await?;
        Json::of(&Answer { posts: page.items, cursor: page.cursor })
    }
}

/// A page of posts that a search finds.
pub(super) async fn page(
    call: &Call<'_>,
    asked: impl hydrating::Skeleton<Answer = UriPage>,
) -> Result<Page, XrpcError> {
    // skeleton, hydration
    let (page, hydrated) = call.ask_hydrated(asked, Skeleton::default()).await?;
    let mut page = page.unwrap_or_default();
    // rules
    page.uris.retain(|uri| is_own(call, uri) || !hydrated.post_blocked(uri));
    // presentation
    present(call, &hydrated, &page.uris, page.cursor)
}

fn is_own(call: &Call<'_>, uri: &str) -> bool {
    call.viewer().is_some() && author(uri).as_ref() == call.viewer()
}

fn present(
    call: &Call<'_>,
    hydrated: &Hydrated,
    uris: &[String],
    cursor: Option<String>,
) -> Result<Page, XrpcError> {
    let views = call.views(hydrated);
    let items = raw_all(uris.iter().filter_map(|uri| views.post(uri)))?;
    Ok(Page { items, cursor, rest: () })
}
