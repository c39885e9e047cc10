//! Which of the replies to a post comes first.
//!
//! The next post of the thread its author wrote on their own, then that author's other replies,
//! the viewer's own, those of whom the viewer follows, then everybody's; within each of these by
//! the order asked for. The other list ends with what is hidden by the gate, then what is muted.

use std::cmp::Ordering;

use crate::hydration::HydratedPost;

/// How much the root author's like lifts a reply.
const LIKED_BY_ROOT_AUTHOR: f64 = 1.45;

/// The lexicon's words; others mean the newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Newest,
    Oldest,
    Top,
}

impl Sort {
    pub(crate) fn of(text: Option<&str>) -> Self {
        match text {
            None | Some("oldest") => Self::Oldest,
            Some("top") => Self::Top,
            Some(_) => Self::Newest,
        }
    }
}

/// Before all else: lower ranks come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    OpThread,
    ByRootAuthor,
    ByViewer,
    Followed,
    Anybody,
    HiddenByThreadgate,
    Muted,
}

/// A reply as it is sorted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sortable {
    pub(super) rank: Rank,
    likes: i64,
    liked_by_root_author: bool,
    /// As it is shown: finer parts of a time must not decide.
    at_ms: i64,
}

impl Sortable {
    pub(super) fn of(known: &HydratedPost, rank: Rank, liked_by_root_author: bool) -> Self {
        let post = &known.post;
        let at_ms = post.sort_at_us.div_euclid(1_000);
        Self { rank, likes: post.like_count, liked_by_root_author, at_ms }
    }

    /// A reply with many likes stands above one with few, but not by as much as it has more.
    fn weight(&self) -> f64 {
        let lift = if self.liked_by_root_author { LIKED_BY_ROOT_AUTHOR } else { 1.0 };
        (3.0 + self.likes.max(0) as f64).ln() * lift
    }
}

/// Which of two comes first; replies of equal place keep theirs.
pub(super) fn compare(left: &Sortable, right: &Sortable, sort: Sort) -> Ordering {
    let newest = || right.at_ms.cmp(&left.at_ms);
    left.rank.cmp(&right.rank).then_with(|| match sort {
        Sort::Newest => newest(),
        Sort::Oldest => left.at_ms.cmp(&right.at_ms),
        Sort::Top => right.weight().total_cmp(&left.weight()).then_with(newest),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(rank: Rank, likes: i64, liked_by_root_author: bool, at_ms: i64) -> Sortable {
        Sortable { rank, likes, liked_by_root_author, at_ms }
    }

    #[track_caller]
    fn check(sort: Sort, replies: &[Sortable], expected: &[usize]) {
        let mut order: Vec<usize> = (0..replies.len()).collect();
        order.sort_by(|left, right| compare(&replies[*left], &replies[*right], sort));
        assert_eq!(order, expected, "{sort:?}");
    }

    #[test]
    fn by_time_and_by_likes() {
        use Rank::Anybody;
        let replies = [
            reply(Anybody, 10, false, 1),
            reply(Anybody, 0, false, 2),
            reply(Anybody, 10, false, 3),
            reply(Anybody, 5, true, 2),
        ];
        check(Sort::Oldest, &replies, &[0, 1, 3, 2]);
        check(Sort::Newest, &replies, &[2, 1, 3, 0]);
        check(Sort::Top, &replies, &[3, 2, 0, 1]);
    }

    #[test]
    fn ranks_come_before_the_order_asked_for() {
        let ranks = [
            Rank::Muted,
            Rank::HiddenByThreadgate,
            Rank::Anybody,
            Rank::Followed,
            Rank::ByViewer,
            Rank::ByRootAuthor,
            Rank::OpThread,
        ];
        let replies: Vec<Sortable> =
            (0..).zip(ranks).map(|(at, rank)| reply(rank, 100 - at, false, at)).collect();
        for sort in [Sort::Oldest, Sort::Newest, Sort::Top] {
            check(sort, &replies, &[6, 5, 4, 3, 2, 1, 0]);
        }
    }

    #[test]
    fn words() {
        assert_eq!(Sort::of(None), Sort::Oldest);
        assert_eq!(Sort::of(Some("oldest")), Sort::Oldest);
        assert_eq!(Sort::of(Some("top")), Sort::Top);
        assert_eq!(Sort::of(Some("newest")), Sort::Newest);
        assert_eq!(Sort::of(Some("hottest")), Sort::Newest);
    }
}
