//! Homes as they were served: the order of a first page is kept for the pages after it, so that none of them
//! skips or repeats a line whatever happens meanwhile.
//!
//! Most who read look at a page or two, so that an order is begun with a few blocks ([`BEGUN_LINES`]); who reads on
//! has it made whole: what was served stays as it was, and the rest follows.

use std::sync::Arc;
use std::time::Duration;

use foldhash::HashMap;
use futures_util::future::BoxFuture;
use millrace_runtime::caches::{Cached, Hits, Usage};
use millrace_runtime::metrics::Registry;
use moka::future::Cache;
use moka::ops::compute::{CompResult, Op};

use super::order::{BLOCK, Mode};
use crate::apply::items::NewItem;
use crate::config::FeedsConfig;
use crate::model::{ItemKey, LIMITED, Line, POST, PostKey, REPOST, Reason};
use crate::score::{Parts, Profile};

/// Lines that an order is begun with. The last block is not served: it says where what comes next begins, should the
/// session be forgotten.
pub(super) const BEGUN_LINES: usize = 4 * BLOCK;

/// What a session takes beside its lines, roughly.
const SESSION_BYTES: usize = 256;
/// What a line takes, and more where a repost brings it or it was read.
const LINE_BYTES: usize = std::mem::size_of::<Kept>();
const MORE_BYTES: usize = 40;

/// An order that was served.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: u64,
    /// Whose home it is.
    pub(crate) user: i64,
    /// Places before its first line: it goes on with an order that was served before.
    pub(crate) base: usize,
    /// There is nothing behind its last line.
    pub(crate) is_whole: bool,
    lines: Box<[Kept]>,
    /// What reposts show, and when lines were read, by place.
    shown: HashMap<u32, PostKey>,
    read_at_us: HashMap<u32, i64>,
}

/// A line in four numbers.
#[derive(Debug, Clone, Copy)]
struct Kept {
    actor: i64,
    rkey: i64,
    sort_at_us: i64,
    /// The parts, above them the reason.
    packed: i64,
}

const REASON_BITS: u32 = 48;
/// Above the reason: the post is not public.
const LIMITED_BIT: u32 = 60;

impl Session {
    pub(crate) fn new((id, user): (u64, i64), base: usize, is_whole: bool, lines: &[Line]) -> Self {
        let (mut shown, mut read_at_us) = (HashMap::default(), HashMap::default());
        let kept = (0..).zip(lines).map(|(place, line)| {
            if line.item.collection == REPOST {
                shown.insert(place, line.post);
            }
            let is_limited = i64::from(line.item.collection == LIMITED);
            if line.is_read {
                read_at_us.insert(place, line.read_at_us.unwrap_or_default());
            }
            Kept {
                actor: line.item.actor,
                rkey: line.item.rkey,
                sort_at_us: line.sort_at_us,
                packed: is_limited << LIMITED_BIT
                    | line.reason.code() << REASON_BITS
                    | line.parts.pack(),
            }
        });
        let lines = kept.collect();
        Self { id, user, base, is_whole, lines, shown, read_at_us }
    }

    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether so many lines from this place on may be served, or as many as there will ever be.
    pub(crate) fn reaches(&self, at: usize, limit: usize) -> bool {
        self.is_whole || at.saturating_add(limit).saturating_add(BLOCK) <= self.len()
    }

    /// All of its lines.
    pub(crate) fn lines(&self, profile: &Profile) -> Vec<Line> {
        (0..self.len()).filter_map(|place| self.line(place, profile)).collect()
    }

    /// The line at a place of this session.
    pub(crate) fn line(&self, place: usize, profile: &Profile) -> Option<Line> {
        let kept = self.lines.get(place)?;
        let place = u32::try_from(place).ok()?;
        let (collection, post) = match self.shown.get(&place) {
            Some(post) => (REPOST, *post),
            None if kept.packed >> LIMITED_BIT != 0 => (LIMITED, (kept.actor, kept.rkey)),
            None => (POST, (kept.actor, kept.rkey)),
        };
        let item = ItemKey { actor: kept.actor, rkey: kept.rkey, collection };
        let parts = Parts::unpack(kept.packed & ((1 << REASON_BITS) - 1));
        let reason = Reason::from_code(kept.packed >> REASON_BITS & 7);
        let mut line = Line::new((item, post), reason, kept.sort_at_us, parts, profile);
        line.read_at_us = self.read_at_us.get(&place).copied();
        line.is_read = line.read_at_us.is_some();
        Some(line)
    }

    fn bytes(&self) -> u32 {
        let more = self.shown.len() + self.read_at_us.len();
        let bytes = SESSION_BYTES + self.lines.len() * LINE_BYTES + more * MORE_BYTES;
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}

/// Posts that many care for, by the languages of who is shown them: the same for all of these.
type Popular = Cache<Vec<String>, Arc<Vec<NewItem>>>;

/// Sessions by their ids, and of each home the one whose first page is served again for a while.
#[derive(Clone)]
pub struct Sessions {
    by_id: Cache<u64, Arc<Session>>,
    first: Cache<(i64, Mode), u64>,
    popular: Popular,
    pub(crate) hits: Hits,
}

impl Sessions {
    /// Empty, and known to the operator by its name among caches.
    pub fn new(config: &FeedsConfig, registry: &Registry) -> Self {
        let by_id = Cache::builder()
            .max_capacity(config.session_cache_bytes)
            .weigher(|_, session: &Arc<Session>| session.bytes())
            .time_to_live(Duration::from_secs(u64::from(config.session_minutes) * 60))
            .build();
        let first = Cache::builder()
            .max_capacity(FIRST_MAX)
            .time_to_live(Duration::from_secs(config.page_seconds.into()))
            .build();
        let popular = Cache::builder().max_capacity(POPULAR_MAX).time_to_live(POPULAR_KEPT).build();
        let sessions = Self { by_id, first, popular, hits: Hits::default() };
        let (hits, kept) = (sessions.hits.clone(), Arc::new(sessions.clone()));
        registry.caches().add("homes", config.session_cache_bytes, hits, kept);
        sessions
    }

    pub(crate) async fn get(&self, id: u64) -> Option<Arc<Session>> {
        self.by_id.get(&id).await
    }

    /// The session whose first page is served again.
    pub(crate) async fn first(&self, user: i64, mode: Mode) -> Option<Arc<Session>> {
        let id = self.first.get(&(user, mode)).await?;
        self.get(id).await
    }

    pub(crate) async fn keep(&self, user: i64, mode: Mode, session: Arc<Session>) {
        if session.base == 0 {
            self.first.insert((user, mode), session.id).await;
        }
        self.by_id.insert(session.id, session).await;
    }

    /// The session of that id made whole, by one of those who want it at the same time; nothing where it is forgotten.
    pub(crate) async fn made_whole<E: Send + Sync + 'static>(
        &self,
        id: u64,
        make: impl AsyncFnOnce(&Session) -> Result<Session, E>,
    ) -> Result<Option<Arc<Session>>, E> {
        let entry = self.by_id.entry(id);
        let made = entry.and_try_compute_with(async |kept| match kept {
            None => Ok(Op::Nop),
            Some(kept) if kept.value().is_whole => Ok(Op::Nop),
            Some(kept) => Ok(Op::Put(Arc::new(make(kept.value()).await?))),
        });
        Ok(match made.await? {
            CompResult::StillNone(_) | CompResult::Removed(_) => None,
            CompResult::Unchanged(entry)
            | CompResult::Inserted(entry)
            | CompResult::ReplacedWith(entry) => Some(entry.into_value()),
        })
    }

    /// What many care for in these languages, asked for now and then.
    pub(crate) async fn popular<E>(
        &self,
        languages: &[String],
        ask: impl AsyncFnOnce() -> Result<Vec<NewItem>, E>,
    ) -> Result<Arc<Vec<NewItem>>, E> {
        if let Some(items) = self.popular.get(languages).await {
            return Ok(items);
        }
        let items = Arc::new(ask().await?);
        self.popular.insert(languages.to_vec(), Arc::clone(&items)).await;
        Ok(items)
    }

    /// The next first page is made anew.
    pub(crate) async fn changed(&self, user: i64) {
        for mode in [Mode::Ranked, Mode::Chronological] {
            self.first.invalidate(&(user, mode)).await;
        }
    }
}

impl Cached for Sessions {
    fn usage(&self) -> BoxFuture<'_, Usage> {
        let (entries, bytes) = (self.by_id.entry_count(), self.by_id.weighted_size());
        Box::pin(std::future::ready(Usage { entries, bytes }))
    }

    fn clear(&self) {
        self.first.invalidate_all();
        self.popular.invalidate_all();
        self.by_id.invalidate_all();
    }

    fn forget<'a>(&'a self, _: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(std::future::ready(false))
    }
}

/// Lists of what many care for, each of some hundred posts; how long one is shown.
const POPULAR_MAX: u64 = 200;
const POPULAR_KEPT: Duration = Duration::from_secs(30);
/// First pages that are remembered.
const FIRST_MAX: u64 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::Kind;

    #[test]
    fn lines_come_back_as_they_were_kept() {
        let profile = Profile::HALVING;
        let key = |rkey, collection| ItemKey { actor: 3, rkey, collection };
        let parts = |kind| Parts::new(0.25, 0.5, 0.75, kind);
        let mut read =
            Line::new((key(-4, POST), (3, -4)), Reason::Own, 77, parts(Kind::Reply), &profile);
        (read.is_read, read.read_at_us) = (true, Some(99));
        let lines = [
            Line::new((key(1, POST), (3, 1)), Reason::Follow, 5, parts(Kind::Post), &profile),
            Line::new(
                (key(2, REPOST), (8, 9)),
                Reason::Repost,
                i64::MAX,
                parts(Kind::Repost),
                &profile,
            ),
            read,
            Line::new((key(6, POST), (3, 6)), Reason::Discover, 0, parts(Kind::Post), &profile),
            Line::new((key(7, LIMITED), (3, 7)), Reason::Discover, 1, parts(Kind::Post), &profile),
        ];
        let session = Session::new((1, 2), 0, true, &lines);
        assert_eq!(session.lines(&profile), lines);
        assert_eq!(session.line(lines.len(), &profile), None);
    }
}
