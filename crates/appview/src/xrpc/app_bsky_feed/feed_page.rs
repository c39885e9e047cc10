//! What feeds share: a skeleton of lines, hydrated, freed of what the viewer must not see, and
//! shown page by page.

use millrace_atproto::{AtUri, Did};
use millrace_dataplane::model::FeedItem;
use millrace_dataplane::query::author_feed::FeedPage;
use millrace_dataplane::query::uri_page::UriPage;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::hydration::{Hydrated, HydratedPost, author, known_uri};
use crate::page::{Page, raw_all};
use crate::views::feed::{FeedLine, LineReason};
use crate::xrpc::Call;
use crate::xrpc::call::Skeleton;
use crate::xrpc::method::Json;

/// A page of a feed, before it is hydrated.
pub(super) struct FeedSkeleton {
    pub(super) lines: Vec<FeedLine>,
    pub(super) cursor: Option<String>,
}

/// Bytes of an answer beside its lines: names and a cursor.
const BESIDE_LINES: usize = 256;

#[derive(Serialize)]
struct FeedAnswer {
    feed: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl From<FeedItem> for FeedLine {
    fn from(item: FeedItem) -> Self {
        let FeedItem { uri, repost, repost_cid, sort_at_us } = item;
        let reason = repost.map(|uri| LineReason::Repost { uri, cid: repost_cid, sort_at_us });
        Self { uri, reason }
    }
}

/// The answer of a method whose lines are `feed`.
pub(super) fn answer(page: Page) -> Result<Json, XrpcError> {
    let bytes: usize = page.items.iter().map(|item| item.get().len() + 1).sum();
    let answer = FeedAnswer { feed: page.items, cursor: page.cursor };
    Json::sized(&answer, bytes + BESIDE_LINES)
}

impl FeedSkeleton {
    /// No line of what is not known here.
    pub(super) fn of(page: Option<FeedPage>) -> Self {
        let FeedPage { items, cursor } = page.unwrap_or_default();
        Self { lines: items.into_iter().map(FeedLine::from).collect(), cursor }
    }

    /// Posts by name, without reasons.
    pub(super) fn of_uris(page: Option<UriPage>) -> Self {
        let UriPage { uris, cursor } = page.unwrap_or_default();
        let lines = uris.into_iter().map(|uri| FeedLine { uri, reason: None });
        Self { lines: lines.collect(), cursor }
    }
}

/// What a feed's views show besides its posts and who reposted them: what these answer.
pub(super) fn of_feed() -> Skeleton {
    Skeleton { reply_refs: true, ..Skeleton::default() }
}

/// The posts of the lines with what they answer and quote, and who reposted them.
pub(crate) async fn hydrate(call: &Call<'_>, lines: &[FeedLine]) -> Result<Hydrated, XrpcError> {
    hydrate_beside(call, lines.iter(), Vec::new()).await
}

/// The same, and accounts that are shown beside them.
pub(crate) async fn hydrate_beside<'l>(
    call: &Call<'_>,
    lines: impl Iterator<Item = &'l FeedLine> + Clone,
    beside: Vec<Did>,
) -> Result<Hydrated, XrpcError> {
    let posts: Vec<AtUri> =
        lines.clone().map(|line| known_uri(&line.uri)).collect::<Result<_, _>>()?;
    let actors = lines.clone().filter_map(reposter).chain(beside).collect();
    let reposts = lines.filter_map(FeedLine::repost).filter_map(|uri| AtUri::parse(uri).ok());
    let reposts = reposts.collect();
    call.hydrate(Skeleton { posts, actors, reposts, ..of_feed() }).await
}

/// Who reposted the line's post, where that is why it is there.
fn reposter(line: &FeedLine) -> Option<Did> {
    line.repost().and_then(author)
}

/// What the viewer's blocks and mutes say about a line. Whoever reposted the post, or else wrote
/// it, is the line's originator.
pub(super) struct LineRules<'a> {
    hydrated: &'a Hydrated,
    author: Option<Did>,
    originator: Option<Did>,
}

impl<'a> LineRules<'a> {
    pub(super) fn of(line: &FeedLine, hydrated: &'a Hydrated) -> Self {
        let author = author(&line.uri);
        let originator = reposter(line).or_else(|| author.clone());
        Self { hydrated, author, originator }
    }

    /// A block stands before the author or the originator.
    pub(super) fn blocked(&self) -> bool {
        [&self.author, &self.originator].into_iter().flatten().any(|did| self.hydrated.blocked(did))
    }

    pub(super) fn author_muted(&self) -> bool {
        self.author.as_ref().is_some_and(|did| self.hydrated.muted(did))
    }

    pub(super) fn originator_muted(&self) -> bool {
        self.originator.as_ref().is_some_and(|did| self.hydrated.muted(did))
    }

    /// The viewer mutes what somebody reposts, or one's posts that quote others, and this is one.
    fn kind_muted(&self, line: &FeedLine) -> bool {
        let hydrated = self.hydrated;
        let quotes = hydrated.post(&line.uri).is_some_and(|known| known.post.quoted.is_some());
        let author = self.author.as_ref().filter(|_| quotes);
        author.is_some_and(|did| hydrated.quoteposts_muted(did))
            || reposter(line).is_some_and(|did| hydrated.reposts_muted(&did))
    }

    /// A block stands before whom the post answers, or whom that one answers; also where the one
    /// between is not shown.
    fn ancestor_blocked(&self, line: &FeedLine) -> bool {
        let parent_of = |uri| self.hydrated.any_post(uri).and_then(HydratedPost::parent);
        let parent = parent_of(&line.uri);
        let above = parent.and_then(parent_of);
        [parent, above].into_iter().flatten().any(|uri| self.hydrated.post_blocked(uri))
    }
}

/// Leaves the lines in which nobody is behind a block or muted: the rule of feeds that bring
/// many accounts together.
pub(super) fn without_blocks_or_mutes(skeleton: &mut FeedSkeleton, hydrated: &Hydrated) {
    skeleton.lines.retain(|line| is_free_of_blocks_and_mutes(line, hydrated));
}

pub(crate) fn is_free_of_blocks_and_mutes(line: &FeedLine, hydrated: &Hydrated) -> bool {
    let rules = LineRules::of(line, hydrated);
    !rules.blocked()
        && !rules.author_muted()
        && !rules.originator_muted()
        && !rules.kind_muted(line)
        && !rules.ancestor_blocked(line)
}

/// The lines whose posts may be shown, as views.
pub(super) fn present(
    call: &Call<'_>,
    skeleton: FeedSkeleton,
    hydrated: &Hydrated,
) -> Result<Page, XrpcError> {
    let _span = tracing::info_span!("present").entered();
    let views = call.views(hydrated);
    let items = raw_all(skeleton.lines.iter().filter_map(|line| views.feed_view_post(line)))?;
    Ok(Page { items, cursor: skeleton.cursor, rest: () })
}
