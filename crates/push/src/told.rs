//! What a device was told lately. What happened is told of by the time it says, and may come a while after: a time
//! alone would leave that out.

use millrace_atproto::crypto::sha256;
use millrace_dataplane::query::push_news::PushedNotice;

/// What comes so much later than it says is still told.
pub(crate) const LATE_US: i64 = 10 * 60 * 1_000_000;
/// Things that are remembered; older ones go.
const MAX: usize = 200;

/// When each of them happened, and the start of a hash of its name; the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Told(Vec<(i64, u64)>);

impl Told {
    /// Reads what [`Told::text`] wrote; what it did not write is left out.
    pub(crate) fn parse(text: &str) -> Self {
        let one = |part: &str| {
            let (at_us, hash) = part.split_once(':')?;
            Some((at_us.parse().ok()?, u64::from_str_radix(hash, 16).ok()?))
        };
        Self(text.split(' ').filter_map(one).take(MAX).collect())
    }

    pub(crate) fn text(&self) -> String {
        let parts: Vec<String> =
            self.0.iter().map(|(at_us, hash)| format!("{at_us}:{hash:x}")).collect();
        parts.join(" ")
    }

    /// What was not told yet.
    pub(crate) fn fresh(&self, news: Vec<PushedNotice>) -> Vec<PushedNotice> {
        news.into_iter().filter(|one| !self.0.contains(&key(one))).collect()
    }

    /// With what was told now, without what happened up to a time.
    pub(crate) fn with(&self, told: &[PushedNotice], after_us: i64) -> Self {
        let mut all: Vec<(i64, u64)> = told.iter().map(key).chain(self.0.iter().copied()).collect();
        all.retain(|(at_us, _)| *at_us > after_us);
        all.sort_unstable_by(|left, right| right.cmp(left));
        all.dedup();
        all.truncate(MAX);
        Self(all)
    }
}

fn key(notice: &PushedNotice) -> (i64, u64) {
    let hash = sha256(notice.uri.as_bytes());
    let start = hash.first_chunk().expect("invariant: a hash has 32 bytes");
    (notice.sort_at_us, u64::from_be_bytes(*start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::notice;

    #[test]
    fn what_was_told_is_not_told_again_and_is_forgotten_in_time() {
        let (first, second) = (notice("a", 10), notice("b", 20));
        let told = Told::default().with(std::slice::from_ref(&first), 0);
        assert_eq!(Told::parse(&told.text()), told);
        let fresh = told.fresh(vec![second.clone(), first.clone()]);
        assert_eq!(fresh, std::slice::from_ref(&second));
        let both = told.with(&fresh, 0);
        assert!(both.fresh(vec![second.clone(), first.clone()]).is_empty());
        assert_eq!(both.with(&[], 10).fresh(vec![second, first.clone()]), [first]);
    }

    #[test]
    fn it_is_bounded_and_reads_anything() {
        let many: Vec<PushedNotice> =
            (0..300).map(|n| notice(&n.to_string(), i64::MAX - n)).collect();
        let told = Told::default().with(&many, 0);
        assert_eq!(told.0.len(), MAX);
        assert!(told.text().len() < 8_192);
        for text in ["", " ", ":", "x:y", "1:", "1", "99999999999999999999:1", "é:ü"] {
            assert_eq!(Told::parse(text), Told::default(), "{text:?}");
        }
    }
}
