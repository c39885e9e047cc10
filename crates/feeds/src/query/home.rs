//! `getHome`: a page of somebody's home.
//!
//! The first page begins an order of what is written in the home, of who is looked up now, and, where these end,
//! of posts that many care for; the pages after it go on in that order, and one behind what was begun makes it whole. Where a home is not made yet, or what is
//! new has not found its way for too long, it is read by pull.

use std::sync::Arc;

use foldhash::HashSet;
use millrace_atproto::syntax::Did;
use millrace_runtime::clock::Stopwatch;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Question;
use super::cursor::{Border, Cursor};
use super::gather::{Gathered, LINES_MAX};
use super::order::{BLOCK, Mode, begun, ordered};
use super::session::{BEGUN_LINES, Session};
use crate::client::Local;
use crate::error::FeedsError;
use crate::model::{ItemKey, Line, PostKey, Reason};
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
        let limit = self.limit as usize;
        let (session, at, source) = local.session(&asked, cursor, limit).await?;
        let home = local.page(&session, at, limit, self.mode, source).await?;
        local.deps.metrics.pages.found(source.name(), watch.elapsed());
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
        limit: usize,
    ) -> Result<(Arc<Session>, usize, Source), FeedsError> {
        let sessions = &self.deps.sessions;
        let kept = match &cursor {
            Some(cursor) => sessions.get(cursor.session).await,
            None => sessions.first(asked.user, asked.mode).await,
        };
        if let Some(session) = kept.filter(|session| session.user == asked.user) {
            let at = cursor.map_or(0, |cursor| cursor.place.saturating_sub(session.base));
            if session.reaches(at, limit) {
                sessions.hits.hit(1);
                return Ok((session, at, Source::Cache));
            }
            let mut source = Source::Cache;
            let goes_on = async |begun: &Session| {
                let (session, from) = self.goes_on(asked, begun).await?;
                source = from;
                Ok::<_, FeedsError>(session)
            };
            if let Some(session) = sessions.made_whole(session.id, goes_on).await? {
                match source {
                    Source::Cache => sessions.hits.hit(1),
                    Source::UserFeeds | Source::Pull => sessions.hits.miss(1),
                }
                return Ok((session, at, source));
            }
        }
        sessions.hits.miss(1);
        let (session, at, source) = self.made(asked, cursor.as_ref(), limit).await?;
        let session = Arc::new(session);
        sessions.keep(asked.user, asked.mode, Arc::clone(&session)).await;
        Ok((session, at, source))
    }

    /// An order that is not here: begun, or where that is not enough or an order was forgotten, made whole.
    async fn made(
        &self,
        asked: &Asked,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<(Session, usize, Source), FeedsError> {
        let id = (self.deps.rng.next_u64(), asked.user);
        if cursor.is_none() {
            let gathered = self.gather(asked, Some(BEGUN_LINES + BLOCK)).await?;
            let source = gathered.source;
            let session = match &gathered.last {
                None => Some(self.whole(asked, (id, 0), gathered).await?),
                Some(last) => {
                    let mut lines = begun(gathered.lines, asked.mode, last);
                    lines.truncate(BEGUN_LINES);
                    // Of many reposts of few posts not much is left.
                    Some(Session::new(id, 0, false, &lines)).filter(|it| it.reaches(0, limit))
                }
            };
            if let Some(session) = session {
                return Ok((session, 0, source));
            }
        }
        let mut gathered = self.gather(asked, None).await?;
        let source = gathered.source;
        let (base, at) = match cursor {
            None => (0, 0),
            Some(cursor) => {
                cursor.leave_after(&mut gathered.lines);
                (cursor.place - cursor.place % BLOCK, cursor.place % BLOCK)
            }
        };
        let session = self.whole(asked, (id, base), gathered).await?;
        Ok((session, at, source))
    }

    /// The order of everything that was gathered, and of others' posts behind it.
    async fn whole(
        &self,
        asked: &Asked,
        (id, base): ((u64, i64), usize),
        gathered: Gathered,
    ) -> Result<Session, FeedsError> {
        let Gathered { lines, reader, hidden, .. } = gathered;
        let mut lines = ordered(lines, asked.mode);
        lines.truncate(LINES_MAX);
        lines.extend(self.others(asked, &lines, (&reader, &hidden)).await?);
        Ok(Session::new(id, base, true, &lines))
    }

    /// What was begun, and behind it everything that is not in it. By time nothing comes that is newer than what was
    /// served; by score what has come or risen since stands before the rest.
    async fn goes_on(
        &self,
        asked: &Asked,
        begun: &Session,
    ) -> Result<(Session, Source), FeedsError> {
        let mut lines = begun.lines(&self.deps.profile());
        let items: HashSet<ItemKey> = lines.iter().map(|line| line.item).collect();
        let posts: HashSet<PostKey> = lines.iter().map(|line| line.post).collect();
        let gathered = self.gather(asked, None).await?;
        let Gathered { lines: mut rest, source, reader, hidden, .. } = gathered;
        rest.retain(|line| match asked.mode {
            Mode::Ranked => !items.contains(&line.item) && !posts.contains(&line.post),
            Mode::Chronological => {
                lines.last().is_none_or(|last| Line::by_time(last, line).is_lt())
            }
        });
        lines.extend(ordered(rest, asked.mode));
        lines.truncate(LINES_MAX);
        lines.extend(self.others(asked, &lines, (&reader, &hidden)).await?);
        Ok((Session::new((begun.id, begun.user), begun.base, true, &lines), source))
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
        let border = block
            .filter(|line| line.reason != Reason::Discover)
            .min_by(|left, right| mode.compare(left, right))
            .map(|line| Border::of(&line, mode));
        Cursor { mode, session: session.id, place: session.base + place, block: border }
    }
}
