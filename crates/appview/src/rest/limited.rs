//! Posts with a limit among the lines of a home: looked up again for each page, so that who may not see one any more
//! does not.

use foldhash::HashMap;
use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::{AtUri, Did};
use millrace_dataplane::query::limited_post::{GetLimitedPosts, LIMITED_POST, LimitedPost};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::error::XrpcError;
use crate::views::feed::FeedLine;
use crate::xrpc::Call;

/// Whether a line shows one.
pub(super) fn is_limited(line: &FeedLine) -> bool {
    line.uri.split('/').nth(3) == Some(LIMITED_POST)
}

/// Those of a page that the reader may see, by URI.
pub(super) struct Limited {
    pub(super) posts: HashMap<String, LimitedPost>,
}

impl Limited {
    pub(super) async fn of(
        call: &Call<'_>,
        viewer: &Did,
        lines: &[FeedLine],
    ) -> Result<Self, XrpcError> {
        let uris = lines.iter().filter(|line| is_limited(line));
        let uris: Vec<AtUri> = uris.filter_map(|line| AtUri::parse(&line.uri).ok()).collect();
        let posts = match uris.is_empty() {
            true => Vec::new(),
            false => call.ask(GetLimitedPosts { viewer: viewer.clone(), uris }).await?.posts,
        };
        Ok(Self { posts: posts.into_iter().map(|post| (post.uri().to_string(), post)).collect() })
    }

    pub(super) fn authors(&self) -> Vec<Did> {
        self.posts.values().map(|post| post.actor.clone()).collect()
    }
}

/// As `app.bsky.feed.defs#feedViewPost`, but that there is no record with a CID.
#[derive(Serialize)]
pub(super) struct LimitedView<'a> {
    post: PostView<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PostView<'a> {
    uri: String,
    author: &'a RawValue,
    record: Value,
    reply_count: u32,
    repost_count: u32,
    like_count: u32,
    quote_count: u32,
    indexed_at: String,
}

impl<'a> LimitedView<'a> {
    pub(super) fn of(post: &LimitedPost, author: &'a RawValue) -> Self {
        let record = json!({
            "$type": "app.bsky.feed.post",
            "text": post.content,
            "langs": post.langs,
            "createdAt": format_ms_us(post.created_at_us),
        });
        let post = PostView {
            uri: post.uri().to_string(),
            author,
            record,
            reply_count: 0,
            repost_count: 0,
            like_count: 0,
            quote_count: 0,
            indexed_at: format_ms_us(post.created_at_us),
        };
        Self { post }
    }
}
