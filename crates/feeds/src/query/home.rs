//! `getHome`: a page of somebody's home.
//!
//! The first page makes an order of what is written in the home, of who is looked up now, and, where these end,
//! of posts that many care for; the pages after it go on in that order. Where a home is not made yet, or what is
//! new has not found its way for too long, it is read by pull.

use std::sync::Arc;

use millrace_atproto::syntax::Did;
use millrace_runtime::clock::Stopwatch;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Question;
use super::cursor::{Border, Cursor};
use super::gather::{Gathered, LINES_MAX};
use super::order::{BLOCK, Mode, ordered};
use super::session::Session;
use crate::client::Local;
use crate::error::FeedsError;
use crate::model::{Line, Reason};
use crate::names::Texts;
use crate::score::Kind;

/// Largest page.
pub const LIMIT_MAX: u32 = 100;

/// A page of `actor`'s home.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetHome {
    pub actor: Did,
    #[serde(default)]
    pub mode: Mode,
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Where a page came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// An order that was served before.
    Cache,
    /// The lines of the home.
    UserFeeds,
    /// Everybody who is followed, looked up now.
    Pull,
}

impl Source {
    pub fn name(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::UserFeeds => "user_feeds",
            Self::Pull => "pull",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Home {
    pub items: Vec<HomeLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    pub source: Source,
}

/// A line, and why it stands where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HomeLine {
    /// The post's URI.
    pub post: String,
    /// The repost that brings it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repost: Option<String>,
    pub reason: Reason,
    pub sort_at_us: i64,
    /// As of now, within 0 and 1.
    pub relevance_score: f64,
    /// What the score is made of, each within 0 and 1.
    pub affinity: f64,
    pub engagement: f64,
    pub content: f64,
    pub kind: Kind,
    pub is_read: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_at_us: Option<i64>,
    /// Its place in the order, from 0.
    pub rank_position: usize,
}

impl Question for GetHome {
    const NAME: &'static str = "getHome";
    type Answer = Home;

    async fn answer(self, local: &Local) -> Result<Home, FeedsError> {
        if !(1..=LIMIT_MAX).contains(&self.limit) {
            let limit = self.limit;
            let message = format!("limit must be between 1 and {LIMIT_MAX}, not {limit}");
            return Err(FeedsError::InvalidRequest(message));
        }
        let cursor = self.cursor.as_deref().map(Cursor::parse).transpose()?;
        if cursor.as_ref().is_some_and(|cursor| cursor.mode != self.mode) {
            let message = "malformed cursor: it is of the other mode".to_owned();
            return Err(FeedsError::InvalidRequest(message));
        }
        let watch = Stopwatch::start();
        let user = local.deps.dictionary.actor_ids(std::slice::from_ref(&self.actor)).await?;
        let user = user.first().map_or(0, |id| id.0);
        let asked = Asked { user, did: self.actor, mode: self.mode };
        let (session, at, source) = local.session(&asked, cursor).await?;
        let home = local.page(&session, at, self.limit as usize, self.mode, source).await?;
        local.deps.metrics.asked(source.name(), watch.elapsed());
        Ok(home)
    }
}

/// Whose home, and how it is read.
pub(super) struct Asked {
    pub(super) user: i64,
    pub(super) did: Did,
    pub(super) mode: Mode,
}

impl Local {
    /// The order to go on in, and where; made now if it is not here.
    async fn session(
        &self,
        asked: &Asked,
        cursor: Option<Cursor>,
    ) -> Result<(Arc<Session>, usize, Source), FeedsError> {
        let kept = match &cursor {
            Some(cursor) => self.deps.sessions.get(cursor.session).await.map(|session| {
                let at = cursor.place.saturating_sub(session.base);
                (session, at)
            }),
            None => {
                self.deps.sessions.first(asked.user, asked.mode).await.map(|session| (session, 0))
            }
        };
        if let Some((session, at)) = kept {
            self.deps.sessions.hits.hit(1);
            return Ok((session, at, Source::Cache));
        }
        self.deps.sessions.hits.miss(1);
        let Gathered { lines, source, reader, hidden } = self.gather(asked).await?;
        let (mut lines, base, at) = match &cursor {
            None => (ordered(lines, asked.mode), 0, 0),
            Some(cursor) => self.after(cursor, lines, asked.mode),
        };
        lines.truncate(LINES_MAX);
        let others = self.others(asked, &lines, (&reader, &hidden)).await?;
        lines.extend(others);
        let session = Arc::new(Session::new(self.deps.rng.next_u64(), base, &lines));
        self.deps.sessions.keep(asked.user, asked.mode, Arc::clone(&session)).await;
        Ok((session, at, source))
    }

    /// The lines of an order that was forgotten, from the block on in which a page begins.
    fn after(&self, cursor: &Cursor, lines: Vec<Line>, mode: Mode) -> (Vec<Line>, usize, usize) {
        let base = cursor.place - cursor.place % BLOCK;
        let rest = match &cursor.block {
            Some(border) => lines.into_iter().filter(|line| !border.is_after(line, mode)).collect(),
            // It was among the posts of nobody who is followed.
            None => Vec::new(),
        };
        (ordered(rest, mode), base, cursor.place - base)
    }

    async fn page(
        &self,
        session: &Session,
        at: usize,
        limit: usize,
        mode: Mode,
        source: Source,
    ) -> Result<Home, FeedsError> {
        let profile = self.deps.profile();
        let end = (at + limit).min(session.len());
        let lines: Vec<Line> =
            (at..end).filter_map(|place| session.line(place, &profile)).collect();
        let actors = lines.iter().flat_map(|line| [line.item.actor, line.post.0]);
        let rkeys = lines.iter().flat_map(|line| [line.item.rkey, line.post.1]);
        let texts = Texts::of(&self.deps.dictionary, actors, rkeys).await?;
        let now_us = self.deps.clock.now_us();
        let mut items = Vec::with_capacity(lines.len());
        for (place, line) in (at..).zip(&lines) {
            let is_repost = line.item.kind(false) == Kind::Repost;
            let post = if is_repost { texts.post_uri(line.post) } else { texts.uri(line.item) };
            let Some(post) = post else { continue };
            items.push(HomeLine {
                post,
                repost: texts.uri(line.item).filter(|_| is_repost),
                reason: line.reason,
                sort_at_us: line.sort_at_us,
                relevance_score: profile.relevance(line.rank_key, now_us),
                affinity: line.parts.affinity(),
                engagement: line.parts.engagement(),
                content: line.parts.content(),
                kind: line.parts.kind,
                is_read: line.is_read,
                read_at_us: line.read_at_us,
                rank_position: session.base + place,
            });
        }
        let cursor = (end < session.len()).then(|| self.cursor(session, end, mode).pack());
        Ok(Home { items, cursor, source })
    }

    /// Where the page after this place begins.
    fn cursor(&self, session: &Session, place: usize, mode: Mode) -> Cursor {
        let profile = self.deps.profile();
        let first = place - place % BLOCK;
        // In the raw order a block begins with its best line, wherever that stands within it.
        let block =
            (first..(first + BLOCK).min(session.len())).filter_map(|at| session.line(at, &profile));
        let ordered = |left: &Line, right: &Line| match mode {
            Mode::Ranked => Line::by_rank(left, right),
            Mode::Chronological => Line::by_time(left, right),
        };
        let border = block
            .filter(|line| line.reason != Reason::Discover)
            .min_by(ordered)
            .map(|line| Border::of(&line, mode));
        Cursor { mode, session: session.id, place: session.base + place, block: border }
    }
}
