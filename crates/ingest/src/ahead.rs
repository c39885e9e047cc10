//! What was fetched and waits in the log to be applied: bounded, so that what is new does not wait long behind
//! whole repositories.
//!
//! A part of a repository takes its bytes before it is handed on, and gives them back when whoever applies the
//! log has passed its offset. Fetching is then as fast as applying, and not much ahead of it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use millrace_log::Position;
use parking_lot::Mutex;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// The bound, and what is ahead. Clones are the same.
#[derive(Debug, Clone)]
pub struct Ahead {
    bytes_max: u32,
    room: Arc<Semaphore>,
    partitions: Arc<Mutex<HashMap<u32, Partition>>>,
}

/// Of one partition of the log.
#[derive(Debug, Default)]
struct Partition {
    /// Everything below it is applied.
    next: i64,
    /// In the order of their offsets.
    waiting: VecDeque<(i64, OwnedSemaphorePermit)>,
}

impl Ahead {
    /// At most so many bytes.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        let bytes_max = u32::try_from(bytes_max).unwrap_or(u32::MAX).max(1);
        Self {
            bytes_max,
            room: Arc::new(Semaphore::new(bytes_max as usize)),
            partitions: Arc::default(),
        }
    }

    /// Everything below this offset is applied.
    pub fn applied(&self, partition: u32, next: i64) {
        let mut partitions = self.partitions.lock();
        let of = partitions.entry(partition).or_default();
        of.next = next.max(of.next);
        let next = of.next;
        while of.waiting.pop_front_if(|(offset, _)| *offset < next).is_some() {}
    }

    /// Nothing that was fetched waits to be applied.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.room.available_permits() == self.bytes_max as usize
    }

    /// Waits until there is room for so much; what is larger than the bound goes alone.
    pub(crate) async fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, AcquireError> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.bytes_max);
        Arc::clone(&self.room).acquire_many_owned(bytes).await
    }

    /// It is in the log now.
    pub(crate) fn appended(&self, at: Position, room: OwnedSemaphorePermit) {
        let mut partitions = self.partitions.lock();
        let of = partitions.entry(at.partition).or_default();
        // It may have been applied before this is noted.
        if at.offset >= of.next {
            of.waiting.push_back((at.offset, room));
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn at(offset: i64) -> Position {
        Position { partition: 0, offset }
    }

    #[tokio::test]
    async fn room_comes_back_when_what_took_it_is_applied() {
        let ahead = Ahead::new(100);
        ahead.appended(at(5), ahead.room(60).await.unwrap());
        ahead.appended(at(7), ahead.room(40).await.unwrap());
        assert_eq!(ahead.room.available_permits(), 0);
        ahead.applied(1, 100);
        ahead.applied(0, 5);
        assert_eq!(ahead.room.available_permits(), 0);
        ahead.applied(0, 7);
        assert_eq!(ahead.room.available_permits(), 60);
        ahead.applied(0, 8);
        assert_eq!(ahead.room.available_permits(), 100);
    }

    #[tokio::test]
    async fn what_was_applied_before_it_was_noted_takes_no_room() {
        let ahead = Ahead::new(100);
        let room = ahead.room(60).await.unwrap();
        ahead.applied(0, 9);
        ahead.appended(at(8), room);
        assert_eq!(ahead.room.available_permits(), 100);
        // Offsets go back only where the log was replaced; room is not lost by it.
        ahead.applied(0, 3);
        ahead.appended(at(8), ahead.room(60).await.unwrap());
        assert_eq!(ahead.room.available_permits(), 100);
    }

    #[tokio::test]
    async fn what_is_larger_than_the_bound_goes_alone() {
        let ahead = Ahead::new(100);
        let room = ahead.room(1_000).await.unwrap();
        assert_eq!(ahead.room.available_permits(), 0);
        drop(room);
        assert_eq!(ahead.room.available_permits(), 100);
    }
}
