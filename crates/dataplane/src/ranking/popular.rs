//! The posts of the last day that people like, answer and repost most, the less the older they are. An account
//! has few of them, so that nobody fills the place of others.

use foldhash::HashMap;

use super::best::Best;

/// Posts that are remembered, and how many of one account.
const POSTS_MAX: usize = 500;
const OF_ONE_AUTHOR_MAX: usize = 3;
/// Posts that are looked at for those.
const CANDIDATES_MAX: usize = 4 * POSTS_MAX;
/// What a post counts for is half of it after so long.
const HALF_US: f64 = 6.0 * 3_600_000_000.0;
/// Parts of a halving that are told apart.
const STEPS: f64 = 1_000_000.0;

/// A post that many care for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PopularPost {
    /// Orders alike whenever it is looked at: halvings since the epoch, and what it counts for as halvings.
    score: i64,
    pub(crate) key: (i64, i64),
    pub(crate) languages: Vec<String>,
}

impl PopularPost {
    /// `weight` is what likes, answers and reposts add up to; above zero.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a score is rough"
    )]
    pub(super) fn of(
        key: (i64, i64),
        sort_at_us: i64,
        weight: i64,
        languages: Vec<String>,
    ) -> Self {
        let halvings = sort_at_us as f64 / HALF_US + (1.0 + weight as f64).ln().log2();
        Self { score: (halvings * STEPS) as i64, key, languages }
    }
}

pub(super) struct Popular(Best<PopularPost>);

impl Popular {
    pub(super) fn new() -> Self {
        Self(Best::of(CANDIDATES_MAX))
    }

    pub(super) fn add(&mut self, post: PopularPost) {
        self.0.add([post]);
    }

    /// The best first.
    pub(super) fn sorted(self) -> Vec<PopularPost> {
        let mut of_author: HashMap<i64, usize> = HashMap::default();
        let mut posts = self.0.sorted();
        posts.retain(|post| {
            let count = of_author.entry(post.key.0).or_default();
            *count += 1;
            *count <= OF_ONE_AUTHOR_MAX
        });
        posts.truncate(POSTS_MAX);
        posts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_US: i64 = 3_600_000_000;

    fn post(author: i64, rkey: i64, hour: i64, weight: i64) -> PopularPost {
        PopularPost::of((author, rkey), hour * HOUR_US, weight, Vec::new())
    }

    #[test]
    fn what_is_liked_comes_first_and_less_with_time() {
        let mut popular = Popular::new();
        for post in [post(1, 1, 100, 3), post(2, 1, 100, 40), post(3, 1, 70, 100)] {
            popular.add(post);
        }
        let keys: Vec<i64> = popular.sorted().iter().map(|post| post.key.0).collect();
        assert_eq!(keys, [2, 1, 3]);
    }

    #[test]
    fn nobody_has_more_than_a_few() {
        let mut popular = Popular::new();
        for rkey in 0..10 {
            popular.add(post(1, rkey, 100, 50));
        }
        popular.add(post(2, 1, 90, 1));
        let keys: Vec<i64> = popular.sorted().iter().map(|post| post.key.0).collect();
        assert_eq!(keys, [1, 1, 1, 2]);
    }
}
