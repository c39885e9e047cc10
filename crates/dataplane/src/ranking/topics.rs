//! What the newest posts are about: the tags that most accounts wrote lately. Each account counts once for a
//! tag, the less the longer ago it wrote it; posts that their authors label themselves do not count.

use foldhash::HashMap;

use super::best::Best;

/// Accounts that must have written a tag.
const AUTHORS_MIN: usize = 2;
/// Topics that are remembered, and of each so many who wrote about it last.
const TOPICS_MAX: usize = 50;
const AUTHORS_MAX: usize = 12;
/// What an account counts for when it has just written; half of it for each so many hours since.
const WEIGHT: i64 = 1 << 16;
const HALF_US: i64 = 4 * HOUR_US;
const HOUR_US: i64 = 3_600_000_000;

/// Something many write about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Topic {
    pub(crate) score: i64,
    /// As it was written last, without the number sign.
    pub(crate) tag: String,
    pub(crate) posts: i64,
    /// The first of those posts.
    pub(crate) started_at_us: i64,
    /// At least half of them are of the last hour.
    pub(crate) is_hot: bool,
    /// Who wrote about it, the last first.
    pub(crate) authors: Vec<i64>,
}

/// Tags of one post.
pub(super) struct Tagged {
    pub(super) author: i64,
    pub(super) sort_at_us: i64,
    pub(super) tags: Vec<String>,
}

/// What was written of each tag, by the tag in lower case.
#[derive(Default)]
pub(super) struct Tallies(HashMap<String, Tally>);

#[derive(Default)]
struct Tally {
    /// As the newest post writes it, and when that was.
    shown: (i64, String),
    /// When each post was written.
    posts_us: Vec<i64>,
    /// When each account wrote last.
    authors: HashMap<i64, i64>,
}

impl Tallies {
    pub(super) fn add(&mut self, post: Tagged) {
        let Tagged { author, sort_at_us, tags } = post;
        let mut seen: Vec<String> = Vec::with_capacity(tags.len());
        for tag in tags {
            let key = tag.to_lowercase();
            if seen.contains(&key) {
                continue;
            }
            let tally = self.0.entry(key.clone()).or_default();
            seen.push(key);
            if tally.shown.1.is_empty() || tally.shown.0 < sort_at_us {
                tally.shown = (sort_at_us, tag);
            }
            tally.posts_us.push(sort_at_us);
            let last_us = tally.authors.entry(author).or_insert(sort_at_us);
            *last_us = sort_at_us.max(*last_us);
        }
    }

    pub(super) fn topics(self, now_us: i64) -> Vec<Topic> {
        let mut best = Best::of(TOPICS_MAX);
        let tallies = self.0.into_values();
        best.add(
            tallies
                .filter(|tally| tally.authors.len() >= AUTHORS_MIN)
                .map(|tally| tally.topic(now_us)),
        );
        best.sorted()
    }
}

impl Tally {
    fn topic(self, now_us: i64) -> Topic {
        let weight = |at_us: i64| {
            let halves = now_us.saturating_sub(at_us).max(0) / HALF_US;
            WEIGHT >> halves.min(62)
        };
        let score = self.authors.values().map(|at_us| weight(*at_us)).sum();
        let mut authors: Vec<(i64, i64)> =
            self.authors.into_iter().map(|(author, at_us)| (at_us, author)).collect();
        authors.sort_unstable_by(|left, right| right.cmp(left));
        authors.truncate(AUTHORS_MAX);
        let posts = self.posts_us.len();
        let fresh_us = now_us.saturating_sub(HOUR_US);
        let fresh = self.posts_us.iter().filter(|at_us| **at_us >= fresh_us).count();
        Topic {
            score,
            tag: self.shown.1,
            posts: i64::try_from(posts).unwrap_or(i64::MAX),
            started_at_us: self.posts_us.iter().copied().min().unwrap_or(now_us),
            is_hot: 2 * fresh >= posts,
            authors: authors.into_iter().map(|author| author.1).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_US: i64 = 100 * HOUR_US;

    fn post(author: i64, hours_ago: i64, tags: &[&str]) -> Tagged {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        Tagged { author, sort_at_us: NOW_US - hours_ago * HOUR_US, tags }
    }

    #[test]
    fn accounts_count_once_and_less_with_time() {
        let mut tallies = Tallies::default();
        for again in 0..5 {
            tallies.add(post(1, again, &["Alone"]));
        }
        for author in 1..=4 {
            tallies.add(post(author, 20, &["old"]));
        }
        for author in 1..=3 {
            tallies.add(post(author, author - 1, &["Mill", "mill"]));
        }
        let topics = tallies.topics(NOW_US);
        let names: Vec<&str> = topics.iter().map(|topic| topic.tag.as_str()).collect();
        assert_eq!(names, ["Mill", "old"]);
        let mill = &topics[0];
        assert_eq!((mill.posts, mill.score, mill.is_hot), (3, 3 * WEIGHT, true));
        assert_eq!(mill.started_at_us, NOW_US - 2 * HOUR_US);
        assert_eq!(mill.authors, [1, 2, 3]);
        assert_eq!((topics[1].score, topics[1].is_hot), (4 * (WEIGHT >> 5), false));
    }
}
