//! The order of a home: by score or by time; an author's further items count less than the first, so that
//! nobody fills a page.
//!
//! What must stay true: the order is made in blocks of [`BLOCK`] lines, each of them the best of what is left,
//! so that where a block begins says exactly what came before it, whoever makes the order again.

use std::cmp::Ordering;

use foldhash::fast::RandomState;
use foldhash::{HashMap, HashSet};

use crate::model::Line;

/// Lines between which the order makes room for others.
pub(crate) const BLOCK: usize = 50;
/// What each further item of an author counts less within a block: halvings.
const AGAIN: f64 = 0.35;

/// How a home is read.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    #[default]
    Ranked,
    Chronological,
}

impl Mode {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "ranked" => Some(Self::Ranked),
            "chronological" => Some(Self::Chronological),
            _ => None,
        }
    }

    /// Which of two lines comes first.
    pub(crate) fn compare(self, left: &Line, right: &Line) -> Ordering {
        match self {
            Self::Ranked => Line::by_rank(left, right),
            Self::Chronological => Line::by_time(left, right),
        }
    }
}

/// Puts lines in order. By score, of one post the better line stays.
pub(crate) fn ordered(lines: Vec<Line>, mode: Mode) -> Vec<Line> {
    spread_out(sorted(lines, mode), mode)
}

/// The beginning of the order of a home of which these are the best lines, `last` the least of them: whole blocks, for
/// of what comes after `last` nothing is known.
pub(crate) fn begun(lines: Vec<Line>, mode: Mode, last: &Line) -> Vec<Line> {
    let mut lines = sorted(lines, mode);
    let certain = lines.partition_point(|line| mode.compare(line, last).is_le());
    lines.truncate(certain - certain % BLOCK);
    spread_out(lines, mode)
}

fn sorted(mut lines: Vec<Line>, mode: Mode) -> Vec<Line> {
    lines.sort_unstable_by(|left, right| mode.compare(left, right));
    if mode == Mode::Ranked {
        let mut posts = HashSet::with_capacity_and_hasher(lines.len(), RandomState::default());
        lines.retain(|line| posts.insert(line.post));
    }
    lines
}

fn spread_out(mut lines: Vec<Line>, mode: Mode) -> Vec<Line> {
    if mode == Mode::Ranked {
        lines.chunks_mut(BLOCK).for_each(spread);
    }
    lines
}

/// Orders a block by key, each author's further items a little later.
fn spread(block: &mut [Line]) {
    let mut of_author: HashMap<i64, f64> = HashMap::default();
    let keys: Vec<f64> = block
        .iter()
        .map(|line| {
            let before = of_author.entry(line.post.0).or_default();
            let key = line.rank_key - AGAIN * *before;
            *before += 1.0;
            key
        })
        .collect();
    let mut places: Vec<usize> = (0..block.len()).collect();
    places.sort_by(|left, right| keys[*right].total_cmp(&keys[*left]).then(left.cmp(right)));
    let sorted: Vec<Line> = places.iter().map(|place| block[*place].clone()).collect();
    block.clone_from_slice(&sorted);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{ItemKey, POST, Reason};
    use crate::score::{Kind, Parts};

    fn line(author: i64, rkey: i64, rank_key: f64, sort_at_us: i64) -> Line {
        Line {
            item: ItemKey { actor: author, rkey, collection: POST },
            post: (author, rkey),
            reason: Reason::Follow,
            sort_at_us,
            parts: Parts::new(0.0, 0.0, 0.0, Kind::Post),
            rank_key,
            is_read: false,
            read_at_us: None,
        }
    }

    fn keys(lines: &[Line]) -> Vec<(i64, i64)> {
        lines.iter().map(|line| line.post).collect()
    }

    #[test]
    fn nobody_fills_a_page() {
        let lines =
            vec![line(1, 1, 9.0, 0), line(1, 2, 8.9, 0), line(1, 3, 8.8, 0), line(2, 1, 8.7, 0)];
        assert_eq!(keys(&ordered(lines, Mode::Ranked)), [(1, 1), (2, 1), (1, 2), (1, 3)]);
    }

    #[test]
    fn by_time_is_by_time() {
        let lines = vec![line(1, 1, 9.0, 1), line(1, 2, 1.0, 3), line(2, 3, 5.0, 2)];
        assert_eq!(keys(&ordered(lines, Mode::Chronological)), [(1, 2), (2, 3), (1, 1)]);
    }

    #[test]
    fn of_one_post_the_better_line_stays() {
        let mut repost = line(3, 7, 9.0, 5);
        repost.post = (1, 1);
        let lines = vec![line(1, 1, 4.0, 1), repost.clone()];
        assert_eq!(ordered(lines.clone(), Mode::Ranked), [repost]);
        assert_eq!(ordered(lines, Mode::Chronological).len(), 2);
    }

    proptest! {
        // What an order is begun with is how the whole order begins.
        #[test]
        fn a_beginning_is_the_beginning(
            items in prop::collection::vec((1..6_i64, -50.0..50.0, 1..200_i64), 1..300),
            others in prop::collection::vec((6..9_i64, -50.0..50.0), 0..60),
            known in 1..300_usize,
            mode in prop::sample::select(vec![Mode::Ranked, Mode::Chronological]),
        ) {
            let mut lines: Vec<Line> = (0..)
                .zip(&items)
                .map(|(rkey, (author, key, post))| Line {
                    post: (*author, *post),
                    ..line(*author, rkey, *key, rkey * 7 % 50)
                })
                .collect();
            lines.sort_unstable_by(|left, right| mode.compare(left, right));
            let others = (0..).zip(&others).map(|(rkey, (author, key))| line(*author, rkey, *key, rkey));
            let others: Vec<Line> = others.collect();
            let whole = ordered([lines.clone(), others.clone()].concat(), mode);
            lines.truncate(known);
            let last = lines[lines.len() - 1].clone();
            let beginning = begun([lines, others].concat(), mode, &last);
            prop_assert_eq!(beginning.len() % BLOCK, 0);
            prop_assert_eq!(&whole[..beginning.len()], &beginning[..]);
        }

        // Whoever begins at a block's border has the same order from there on.
        #[test]
        fn a_block_begins_where_it_began(
            items in prop::collection::vec((1..6_i64, -50.0..50.0), 0..300),
            at in 0..6_usize,
        ) {
            let lines: Vec<Line> =
                (0..).zip(&items).map(|(rkey, (author, key))| line(*author, rkey, *key, rkey)).collect();
            let whole = ordered(lines.clone(), Mode::Ranked);
            prop_assert_eq!(whole.len(), lines.len());
            let mut raw = lines;
            raw.sort_unstable_by(Line::by_rank);
            let rest = raw.split_off((at * BLOCK).min(raw.len()));
            let again = ordered(rest, Mode::Ranked);
            prop_assert_eq!(&whole[(at * BLOCK).min(whole.len())..], &again[..]);
        }
    }
}
