//! The words of homes: items, reasons, lines.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::score::{Kind, Parts, Profile};

/// Codes of the two collections whose records bring posts into homes, as the data-plane stores them.
pub(crate) const POST: i64 = 1;
pub(crate) const REPOST: i64 = 5;
/// Of posts that are not public: no collection of a repository.
pub(crate) const LIMITED: i64 = 63;

/// A post by ids: who wrote it, and under which key.
pub(crate) type PostKey = (i64, i64);

/// What brings a post into a home: the post itself, or a repost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ItemKey {
    pub actor: i64,
    pub rkey: i64,
    pub collection: i64,
}

impl ItemKey {
    /// What it is to a score.
    pub(crate) fn kind(self, is_reply: bool) -> Kind {
        match (self.collection == REPOST, is_reply) {
            (true, _) => Kind::Repost,
            (false, true) => Kind::Reply,
            (false, false) => Kind::Post,
        }
    }

    /// Why it stands in the home of somebody who follows whoever brought it.
    pub(crate) fn reason(self) -> Reason {
        if self.collection == REPOST { Reason::Repost } else { Reason::Follow }
    }
}

/// Why an item stands in a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// The reader's own.
    Own,
    /// Of somebody the reader follows.
    Follow,
    /// Reposted by somebody the reader follows.
    Repost,
    /// Nobody the reader follows brought it: many care for it.
    Discover,
}

impl Reason {
    /// As it is stored; what is discovered is not.
    pub(crate) fn code(self) -> i64 {
        match self {
            Self::Own => 0,
            Self::Follow => 1,
            Self::Repost => 2,
            Self::Discover => 3,
        }
    }

    pub(crate) fn from_code(code: i64) -> Self {
        match code {
            0 => Self::Own,
            2 => Self::Repost,
            3 => Self::Discover,
            _ => Self::Follow,
        }
    }
}

/// A line of a home.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub item: ItemKey,
    pub post: PostKey,
    pub reason: Reason,
    pub sort_at_us: i64,
    pub parts: Parts,
    pub rank_key: f64,
    pub is_read: bool,
    pub read_at_us: Option<i64>,
}

impl Line {
    pub(crate) fn new(
        (item, post): (ItemKey, PostKey),
        reason: Reason,
        sort_at_us: i64,
        parts: Parts,
        profile: &Profile,
    ) -> Self {
        let rank_key = profile.key(parts, sort_at_us);
        Self { item, post, reason, sort_at_us, parts, rank_key, is_read: false, read_at_us: None }
    }

    /// The better first; of equal ones the order is that of their keys.
    pub(crate) fn by_rank(left: &Self, right: &Self) -> std::cmp::Ordering {
        right.rank_key.total_cmp(&left.rank_key).then_with(|| left.item.cmp(&right.item))
    }

    /// The later first.
    pub(crate) fn by_time(left: &Self, right: &Self) -> std::cmp::Ordering {
        right.sort_at_us.cmp(&left.sort_at_us).then_with(|| left.item.cmp(&right.item))
    }
}
