//! How many bytes each partition holds: what retention by size and `log.disk_bytes_max` are decided on.
//!
//! Kafka does not tell it in our measure, so it is counted: from what this process appends and reads anyway, and
//! for the rest by reading. Retention keeps the count with the cluster, as the metadata of an offset committed for
//! our group, so that a restart need not read everything again. A count that does not fit what the cluster holds
//! is dropped and made anew: it is never guessed.

use parking_lot::Mutex;

use crate::Topic;

/// Of each topic and partition, what was counted.
pub(super) struct Ledger {
    topics: [Vec<Mutex<Count>>; Topic::ALL.len()],
}

/// The items from offset `front` up to `next` cost `bytes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) front: i64,
    pub(super) next: i64,
    pub(super) bytes: i64,
    /// Offset and time of the first item, once retention has seen it stay.
    pub(super) eldest: Option<(i64, i64)>,
}

impl Ledger {
    pub(super) fn new(counts: [Vec<Count>; Topic::ALL.len()]) -> Self {
        Self { topics: counts.map(|counts| counts.into_iter().map(Mutex::new).collect()) }
    }

    /// The partition's count, to look at or to change.
    pub(super) fn count(&self, topic: Topic, partition: u32) -> &Mutex<Count> {
        &self.topics[topic.index()][partition as usize]
    }

    /// Bytes counted over all partitions.
    pub(super) fn bytes(&self) -> i64 {
        self.topics.iter().flatten().map(|count| count.lock().bytes).sum()
    }
}

impl Count {
    /// Nothing counted yet in a partition that begins at `oldest`.
    pub(super) const fn from(oldest: i64) -> Self {
        Self { front: oldest, next: oldest, bytes: 0, eldest: None }
    }

    /// What is kept beside the committed offset `next`.
    pub(super) fn to_metadata(self) -> String {
        format!("v1 {} {}", self.front, self.bytes)
    }

    /// A count as kept, if it fits a partition that holds `oldest` up to `tail`.
    pub(super) fn from_metadata(next: i64, metadata: &str, oldest: i64, tail: i64) -> Option<Self> {
        let mut words = metadata.split(' ');
        let version = words.next()?;
        let front = words.next()?.parse().ok()?;
        let bytes = words.next()?.parse().ok()?;
        let count = Self { front, next, bytes, eldest: None };
        let fits = version == "v1"
            && words.next().is_none()
            && front == oldest
            && (front..=tail).contains(&next)
            && bytes >= 0;
        fits.then_some(count)
    }

    /// Fits the count to a partition that begins at `oldest`, whoever moved its front.
    pub(super) fn align(&mut self, oldest: i64) {
        if oldest != self.front {
            *self = Self::from(oldest);
        }
    }

    /// Items were seen that stand from `from` up to `to`, all there are: their offsets and costs, in order.
    pub(super) fn saw(&mut self, from: i64, to: i64, items: impl Iterator<Item = (i64, usize)>) {
        if from > self.next || to <= self.next {
            return;
        }
        let new = items.filter(|(offset, _)| *offset >= self.next);
        self.bytes += new.map(|(_, cost)| i64::try_from(cost).unwrap_or(0)).sum::<i64>();
        self.next = to;
    }

    /// The items below `to`, which cost `bytes`, were removed.
    pub(super) fn removed(&mut self, to: i64, bytes: i64) {
        *self = if to <= self.next {
            Self { front: to, bytes: (self.bytes - bytes).max(0), eldest: None, ..*self }
        } else {
            Self::from(to)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::Count;

    #[test]
    fn only_what_follows_is_counted_and_only_once() {
        let mut count = Count::from(10);
        let mut check = |from, to, items: &[(i64, usize)], expected: (i64, i64)| {
            count.saw(from, to, items.iter().copied());
            assert_eq!((count.next, count.bytes), expected);
        };
        check(10, 12, &[(10, 5), (11, 6)], (12, 11));
        check(10, 12, &[(10, 5), (11, 6)], (12, 11));
        check(11, 13, &[(11, 6), (12, 7)], (13, 18));
        check(14, 15, &[(14, 9)], (13, 18));
        check(13, 20, &[(17, 1)], (20, 19));
    }

    #[test]
    fn what_goes_is_subtracted_or_the_count_begins_anew() {
        let mut count = Count { bytes: 100, next: 10, ..Count::from(0) };
        count.removed(4, 40);
        assert_eq!(count, Count { bytes: 60, next: 10, ..Count::from(4) });
        count.align(4);
        assert_eq!(count.bytes, 60);
        count.align(6);
        assert_eq!(count, Count::from(6));
        count.removed(9, 1);
        assert_eq!(count, Count::from(9));
    }

    #[test]
    fn a_kept_count_is_taken_only_where_it_fits() {
        let count = Count { bytes: 60, next: 10, ..Count::from(4) };
        let kept = count.to_metadata();
        let check = |next, metadata: &str, oldest, tail, fits: bool| {
            let taken = Count::from_metadata(next, metadata, oldest, tail);
            assert_eq!(taken, fits.then_some(Count { next, ..count }), "{metadata:?}");
        };
        check(10, &kept, 4, 12, true);
        check(10, &kept, 4, 10, true);
        check(10, &kept, 5, 12, false);
        check(10, &kept, 4, 9, false);
        check(3, &kept, 4, 9, false);
        check(10, "", 4, 12, false);
        check(10, "v2 4 60", 4, 12, false);
        check(10, "v1 4 -1", 4, 12, false);
        check(10, "v1 4 60 7", 4, 12, false);
        check(10, "v1 4 99999999999999999999", 4, 12, false);
    }
}
