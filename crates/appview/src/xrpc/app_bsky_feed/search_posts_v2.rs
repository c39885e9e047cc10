//! `app.bsky.feed.searchPostsV2`: posts by their words, or by what narrows a search alone: any of some authors,
//! tags, links …, none of others, with media, replies or none, of whom the viewer follows. The best of the
//! latest come first, unless the latest are asked for.

use millrace_atproto::syntax::{Language, Uri};
use millrace_dataplane::query::search_posts::Sort;
use millrace_dataplane::query::search_posts_v2::{self as query, LIST_MAX, Marked, Rows};
use serde::Serialize;
use serde_json::value::RawValue;

use super::search_posts;
use super::tags::tags;
use crate::error::XrpcError;
use crate::page::fill_page;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct SearchPostsV2 {
    asked: query::SearchPostsV2,
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    posts: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl Query for SearchPostsV2 {
    const NSID: &'static str = "app.bsky.feed.searchPostsV2";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        // Everything is searched, and the words of every language are known by themselves.
        params.flag("allTime")?;
        params.text("queryLanguage")?;
        let asked = query::SearchPostsV2 {
            q: params.text("query")?.unwrap_or_default(),
            sort: match params.text("sort")?.as_deref() {
                Some("recent") => Sort::Latest,
                _ => Sort::Top,
            },
            since: params.text("since")?,
            until: params.text("until")?,
            any: Marked {
                authors: params.list("authors", LIST_MAX)?,
                mentions: params.list("mentions", LIST_MAX)?,
                domains: params.list("domains", LIST_MAX)?,
                urls: texts::<Uri>(params, "urls")?,
                tags: tags(params, "hashtags", LIST_MAX)?,
                languages: texts::<Language>(params, "languages")?,
            },
            none: Marked {
                authors: params.list("excludeAuthors", LIST_MAX)?,
                mentions: params.list("excludeMentions", LIST_MAX)?,
                domains: params.list("excludeDomains", LIST_MAX)?,
                urls: texts::<Uri>(params, "excludeUrls")?,
                tags: tags(params, "excludeHashtags", LIST_MAX)?,
                languages: texts::<Language>(params, "excludeLanguages")?,
            },
            only: rows(params)?,
            ..query::SearchPostsV2::default()
        };
        let limit = params.integer("limit", 1, 100, 25)?;
        Ok(Self { asked, limit, cursor: params.cursor()? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let Self { mut asked, limit, cursor } = self;
        asked.viewer = call.viewer().cloned();
        let page = |cursor, limit| {
            let limit = Some(limit);
            search_posts::page(call, query::SearchPostsV2 { limit, cursor, ..asked.clone() })
        };
        let page = fill_page(cursor, limit, page).await?;
        Json::of(&Answer { posts: page.items, cursor: page.cursor })
    }
}

fn rows(params: &Params<'_>) -> Result<Rows, XrpcError> {
    let flag = |name| params.flag(name).map(|flag| flag == Some(true));
    let replies = match (flag("repliesOnly")?, flag("excludeReplies")?) {
        (true, true) => {
            return Err(XrpcError::invalid("repliesOnly and excludeReplies exclude each other"));
        }
        (true, false) => Some(true),
        (false, true) => Some(false),
        (false, false) => None,
    };
    Ok(Rows {
        media: flag("hasMedia")?,
        video: flag("hasVideo")?,
        replies,
        parent: params.optional("replyParentUri")?,
        root: params.optional("threadRootUri")?,
        following: flag("following")?,
        quotes: params.list("embeddedAtUris", LIST_MAX)?,
        not_quotes: params.list("excludeEmbeddedAtUris", LIST_MAX)?,
    })
}

/// Values of a string format, as texts.
fn texts<T: std::str::FromStr<Err: std::fmt::Display> + AsRef<str>>(
    params: &Params<'_>,
    name: &str,
) -> Result<Vec<String>, XrpcError> {
    let values: Vec<T> = params.list(name, LIST_MAX)?;
    Ok(values.iter().map(|value| value.as_ref().to_owned()).collect())
}
