//! `GET /api/v1/posts`: the caller's home, ranked or by time, each line with why it stands there.
//!
//! Where homes cannot be read, everybody who is followed is looked up by the data-plane; where that cannot be done
//! either, there are the caller's own posts. `x-feed-source` says which it was, and `millrace_feeds_query_seconds` counts
//! what was found without homes here; what homes find they count themselves.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue};
use millrace_atproto::Did;
use millrace_atproto::datetime::format_ms_us;
use millrace_dataplane::DataplaneError;
use millrace_dataplane::model::FeedItem;
use millrace_dataplane::query::author_feed::{AuthorFilter, FeedPage, GetAuthorFeed};
use millrace_dataplane::query::timeline::GetTimeline;
use millrace_feeds::FeedsError;
use millrace_feeds::model::Reason;
use millrace_feeds::query::home::{GetHome, Home, HomeLine};
use millrace_feeds::query::order::Mode;
use millrace_feeds::score::Kind;
use millrace_runtime::clock::Stopwatch;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::page::raw;
use crate::posting::Visibility;
use crate::request::params::Params;
use crate::views::feed::FeedLine;
use crate::xrpc::feed_page;
use crate::xrpc::{Call, Json};

use super::limited::{Limited, LimitedView, is_limited};

pub(super) const PATH: &str = "/api/v1/posts";
const SOURCE: HeaderName = HeaderName::from_static("x-feed-source");
/// A page that was looked up goes on there.
const PULL: &str = "pull:";

/// What is asked for.
pub(crate) struct Asked {
    user: Option<Did>,
    mode: Mode,
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    posts: Vec<Post>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// A line of a home.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Post {
    /// Whose home it is.
    user_id: Did,
    /// The post's URI.
    post_id: String,
    /// What brings it: its URI, or that of a repost.
    item: String,
    reason: Reason,
    /// `app.bsky.feed.defs#feedViewPost`
    view: Box<RawValue>,
    visibility: Visibility,
    created_at: String,
    is_read: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_at: Option<String>,
    #[serde(flatten)]
    rank: Option<Rank>,
}

/// Where it stands, and why.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rank {
    relevance_score: f64,
    score_updated_at: String,
    rank_position: usize,
    why: Why,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Why {
    affinity: f64,
    engagement: f64,
    content: f64,
    kind: Kind,
    age_seconds: i64,
}

/// A page of lines, from wherever.
struct Lines {
    lines: Vec<(FeedLine, Line)>,
    cursor: Option<String>,
    source: &'static str,
}

/// What is known of a line beside its view.
struct Line {
    reason: Reason,
    sort_at_us: i64,
    ranked: Option<HomeLine>,
}

impl Asked {
    /// The caller's own home.
    pub(crate) fn of(mode: Mode, limit: u32, cursor: Option<String>) -> Self {
        Self { user: None, mode, limit, cursor }
    }

    /// What everybody may see of a page, as a skeleton.
    pub(crate) async fn public_lines(
        &self,
        call: &Call<'_>,
    ) -> Result<(Vec<FeedLine>, Option<String>), XrpcError> {
        let viewer = call.account()?.clone();
        let Lines { lines, cursor, .. } = self.lines(call, &viewer).await?;
        let lines = lines.into_iter().map(|line| line.0).filter(|line| !is_limited(line));
        Ok((lines.collect(), cursor))
    }

    pub(super) fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        let mode = match params.text("mode")? {
            None => Mode::Ranked,
            Some(text) => Mode::parse(&text)
                .ok_or_else(|| XrpcError::invalid("mode must be ranked or chronological"))?,
        };
        Ok(Self {
            user: params.optional("userId")?,
            mode,
            limit: params.limit()?,
            cursor: params.cursor()?,
        })
    }

    pub(super) async fn answer(self, call: &Call<'_>) -> Result<Response, XrpcError> {
        let viewer = call.account()?.clone();
        if self.user.as_ref().is_some_and(|user| *user != viewer) {
            return Err(XrpcError::NotYou);
        }
        let page = self.lines(call, &viewer).await?;
        let (skeleton, known): (Vec<FeedLine>, Vec<Line>) = page.lines.into_iter().unzip();
        let limited = Limited::of(call, &viewer, &skeleton).await?;
        let public = skeleton.iter().filter(|line| !is_limited(line));
        let hydrated = feed_page::hydrate_beside(call, public, limited.authors()).await?;
        let views = call.views(&hydrated);
        let now_us = call.api().clock.now_us();
        let mut posts = Vec::with_capacity(skeleton.len());
        for (line, known) in skeleton.iter().zip(known) {
            if !feed_page::is_free_of_blocks_and_mutes(line, &hydrated) {
                continue;
            }
            let (view, visibility) = match limited.posts.get(&line.uri) {
                Some(post) => {
                    let Some(author) = views.profile_basic(&post.actor) else { continue };
                    (raw(&LimitedView::of(post, author))?, Visibility::of(post.visibility))
                }
                None => {
                    let Some(view) = views.feed_view_post(line) else { continue };
                    (raw(&view)?, Visibility::Public)
                }
            };
            posts.push(known.post(&viewer, line, (view, visibility), now_us));
        }
        let answer = Json::of(&Answer { posts, cursor: page.cursor })?;
        let mut response = answer.into_response();
        response.headers_mut().insert(SOURCE, HeaderValue::from_static(page.source));
        Ok(response)
    }

    /// The first of the ways to a page that is open.
    async fn lines(&self, call: &Call<'_>, viewer: &Did) -> Result<Lines, XrpcError> {
        let watch = Stopwatch::start();
        let pulled = self.cursor.as_deref().is_some_and(|cursor| cursor.starts_with(PULL));
        if let Some(feeds) = call.api().feeds.as_ref().filter(|_| !pulled) {
            let (mode, limit, cursor) = (self.mode, self.limit, self.cursor.clone());
            match feeds.ask(GetHome { actor: viewer.clone(), mode, limit, cursor }).await {
                Ok(home) => return Ok(Lines::of_home(home)),
                Err(FeedsError::InvalidRequest(message)) => {
                    return Err(XrpcError::invalid(message));
                }
                Err(error) => tracing::warn!(%error, "a home is read by pull"),
            }
        }
        // What the cursor of a home names only the home knows: it begins anew.
        let cursor = self.cursor.as_deref().and_then(|cursor| cursor.strip_prefix(PULL));
        let timeline = GetTimeline {
            actor: viewer.clone(),
            limit: self.limit,
            cursor: cursor.map(str::to_owned),
        };
        match call.api().dataplane.ask(timeline).await {
            Ok(page) => return Ok(Lines::without_homes(call, page, viewer, ("pull", watch))),
            Err(DataplaneError::Unavailable(error)) => {
                tracing::warn!(
                    error,
                    "whom an account follows cannot be looked up: its own posts are shown"
                );
            }
            Err(error) => return Err(error.into()),
        }
        let own = GetAuthorFeed {
            actor: viewer.clone().into(),
            filter: AuthorFilter::default(),
            limit: self.limit,
            cursor: None,
        };
        let mut page = call.api().dataplane.ask(own).await?;
        page.cursor = None;
        Ok(Lines::without_homes(call, page, viewer, ("author", watch)))
    }
}

impl Lines {
    fn of_home(home: Home) -> Self {
        let line = |line: HomeLine| {
            let (uri, repost, sort_at_us) =
                (line.post.clone(), line.repost.clone(), line.sort_at_us);
            let item = FeedItem { uri, repost, repost_cid: None, sort_at_us };
            let known = Line { reason: line.reason, sort_at_us, ranked: Some(line) };
            (FeedLine::from(item), known)
        };
        let lines = home.items.into_iter().map(line).collect();
        Self { lines, cursor: home.cursor, source: home.source.name() }
    }

    /// A page that homes did not find, counted as such.
    fn without_homes(
        call: &Call<'_>,
        page: FeedPage,
        viewer: &Did,
        (source, watch): (&'static str, Stopwatch),
    ) -> Self {
        call.api().pages.found(source, watch.elapsed());
        Self::of_feed(page, viewer, source)
    }

    fn of_feed(page: FeedPage, viewer: &Did, source: &'static str) -> Self {
        let own = format!("at://{viewer}/");
        let line = |item: FeedItem| {
            let brought = item.repost.as_ref().unwrap_or(&item.uri);
            let reason = match (brought.starts_with(&own), item.repost.is_some()) {
                (true, _) => Reason::Own,
                (false, true) => Reason::Repost,
                (false, false) => Reason::Follow,
            };
            let known = Line { reason, sort_at_us: item.sort_at_us, ranked: None };
            (FeedLine::from(item), known)
        };
        let lines = page.items.into_iter().map(line).collect();
        Self { lines, cursor: page.cursor.map(|cursor| format!("{PULL}{cursor}")), source }
    }
}

impl Line {
    fn post(
        self,
        viewer: &Did,
        line: &FeedLine,
        (view, visibility): (Box<RawValue>, Visibility),
        now_us: i64,
    ) -> Post {
        let age_seconds = now_us.saturating_sub(self.sort_at_us).max(0) / 1_000_000;
        let repost = self.ranked.as_ref().and_then(|ranked| ranked.repost.clone());
        let read_at_us = self.ranked.as_ref().and_then(|ranked| ranked.read_at_us);
        Post {
            user_id: viewer.clone(),
            post_id: line.uri.clone(),
            item: repost
                .or_else(|| line.repost().map(str::to_owned))
                .unwrap_or_else(|| line.uri.clone()),
            reason: self.reason,
            view,
            visibility,
            created_at: format_ms_us(self.sort_at_us),
            is_read: read_at_us.is_some(),
            read_at: read_at_us.map(format_ms_us),
            rank: self.ranked.map(|ranked| Rank {
                relevance_score: ranked.relevance_score,
                score_updated_at: format_ms_us(now_us),
                rank_position: ranked.rank_position,
                why: Why {
                    affinity: ranked.affinity,
                    engagement: ranked.engagement,
                    content: ranked.content,
                    kind: ranked.kind,
                    age_seconds,
                },
            }),
        }
    }
}
