//! What author feeds and timelines share: a skeleton of lines, hydrated and shown page by page.

use millrace_dataplane::model::FeedItem;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::hydration::{Hydrated, author, known_uri};
use crate::page::{Page, raw_all};
use crate::views::feed::{FeedLine, LineReason};
use crate::xrpc::Call;
use crate::xrpc::call::Skeleton;

/// A page of a feed, before it is hydrated.
pub(super) struct FeedSkeleton {
    pub(super) lines: Vec<FeedLine>,
    pub(super) cursor: Option<String>,
}

#[derive(Serialize)]
pub(super) struct FeedAnswer {
    feed: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl From<FeedItem> for FeedLine {
    fn from(item: FeedItem) -> Self {
        let reason = item.repost.map(|uri| LineReason::Repost { uri, sort_at_us: item.sort_at_us });
        Self { uri: item.uri, reason }
    }
}

impl From<Page> for FeedAnswer {
    fn from(page: Page) -> Self {
        Self { feed: page.items, cursor: page.cursor }
    }
}

/// The posts of the lines with what they answer and quote, and who reposted them.
pub(super) async fn hydrate(call: &Call<'_>, lines: &[FeedLine]) -> Result<Hydrated, XrpcError> {
    let posts = lines.iter().map(|line| known_uri(&line.uri)).collect::<Result<_, _>>()?;
    let reposters = lines.iter().filter_map(|line| match &line.reason {
        Some(LineReason::Repost { uri, .. }) => author(uri),
        _ => None,
    });
    call.hydrate(Skeleton {
        posts,
        actors: reposters.collect(),
        reply_refs: true,
        ..Skeleton::default()
    })
    .await
}

/// The lines whose posts may be shown, as views.
pub(super) fn present(
    call: &Call<'_>,
    skeleton: FeedSkeleton,
    hydrated: &Hydrated,
) -> Result<Page, XrpcError> {
    let views = call.views(hydrated);
    let items = raw_all(skeleton.lines.iter().filter_map(|line| views.feed_view_post(line)))?;
    Ok(Page { items, cursor: skeleton.cursor, rest: () })
}
