//! What retention may remove: the question, its answer, and the decision that every engine makes alike.

use crate::{LogError, Topic};

/// What may be removed from a topic. An item goes when it is too old, or when its partition holds
/// more than its share of `bytes_max`; and in any case only from the front, and only below the floor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// Items older than this may go.
    pub age_us: Option<i64>,
    /// Bytes the topic may hold; each partition has an equal share.
    pub bytes_max: Option<u64>,
    /// One for each partition: the lowest offset that some consumer has yet to read.
    pub floors: Vec<i64>,
}

/// What retention removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Items removed.
    pub items: u64,
    /// Their bytes, frames included.
    pub bytes: u64,
}

impl std::ops::AddAssign for Removed {
    fn add_assign(&mut self, other: Self) {
        self.items += other.items;
        self.bytes += other.bytes;
    }
}

/// What may go from one partition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) topic: Topic,
    pub(crate) partition: u32,
    /// Items appended before this may go.
    before_us: Option<i64>,
    /// While the partition holds more bytes than this, its oldest item may go.
    pub(crate) bytes_max: Option<i64>,
    /// Nothing at or beyond this offset may go.
    pub(crate) floor: i64,
}

impl Rule {
    /// Whether the oldest item of a partition that holds `bytes` may go.
    pub(crate) fn lets_go(&self, offset: i64, appended_us: i64, bytes: i64) -> bool {
        let too_old = self.before_us.is_some_and(|before_us| appended_us < before_us);
        let too_much = self.bytes_max.is_some_and(|bytes_max| bytes > bytes_max);
        offset < self.floor && (too_old || too_much)
    }
}

/// The rule of each partition.
pub(crate) fn rules(
    topic: Topic,
    retention: &Retention,
    partitions: u32,
    now_us: i64,
) -> Result<Vec<Rule>, LogError> {
    check_floors(topic, &retention.floors, partitions)?;
    let before_us = retention.age_us.map(|age_us| now_us.saturating_sub(age_us));
    let bytes_max = retention.bytes_max.map(|bytes| share(bytes, partitions));
    let rule = |(partition, floor): (u32, &i64)| Rule {
        topic,
        partition,
        before_us,
        bytes_max,
        floor: *floor,
    };
    Ok((0..partitions).zip(&retention.floors).map(rule).collect())
}

/// There must be one floor for each partition.
pub(crate) fn check_floors(topic: Topic, floors: &[i64], partitions: u32) -> Result<(), LogError> {
    let floors = floors.len();
    if floors == partitions as usize {
        Ok(())
    } else {
        Err(LogError::FloorsMismatch { topic, floors, partitions })
    }
}

/// A partition's part of a topic's bytes.
fn share(bytes: u64, partitions: u32) -> i64 {
    i64::try_from(bytes / u64::from(partitions)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Retention, rules};
    use crate::Topic;

    #[test]
    fn an_item_goes_when_old_or_too_much_and_below_the_floor() {
        let check = |age_us, bytes_max, floor, expected: bool| {
            let retention = Retention { age_us, bytes_max, floors: vec![floor, floor] };
            let rules = rules(Topic::NetworkEntries, &retention, 2, 1_000).expect("floors fit");
            assert_eq!(rules[1].lets_go(5, 900, 50), expected, "{retention:?}");
        };
        check(None, None, 9, false);
        check(Some(100), None, 9, false);
        check(Some(99), None, 9, true);
        check(Some(99), None, 5, false);
        check(None, Some(100), 9, false);
        check(None, Some(98), 9, true);
        check(Some(99), Some(0), 5, false);
        check(Some(i64::MAX), Some(u64::MAX), 9, false);
    }
}
