//! How values were spread over some time: what a histogram's buckets say of it.

/// How the values of a histogram were spread over some time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spread {
    /// Upper bounds and how many values were at or below them.
    buckets: Vec<(f64, f64)>,
    /// All values together.
    pub sum: f64,
}

impl Spread {
    /// `count` values more, or less, were at or below `bound`.
    pub fn add(&mut self, bound: f64, count: f64) {
        match self.buckets.iter_mut().find(|(known, _)| *known == bound) {
            Some((_, sum)) => *sum += count,
            None => {
                self.buckets.push((bound, count));
                self.buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
            }
        }
    }

    /// How many values there were.
    pub fn count(&self) -> f64 {
        self.buckets.last().map_or(0.0, |(_, count)| *count)
    }

    /// The value below which `share` of them are: interpolated within its bucket.
    pub fn quantile(&self, share: f64) -> f64 {
        let wanted = self.count() * share;
        let (mut lower, mut below) = (0.0, 0.0);
        for (bound, count) in &self.buckets {
            if *count >= wanted {
                // Of the last bucket nothing is known but where it begins.
                if bound.is_infinite() || *count <= below {
                    return lower;
                }
                return lower + (bound - lower) * (wanted - below) / (count - below);
            }
            (lower, below) = (*bound, *count);
        }
        lower
    }
}
