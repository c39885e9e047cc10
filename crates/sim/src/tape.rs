//! Events kept for readers with a cursor, the oldest go first when they take too many bytes.
//!
//! A reader holds a *place*: it counts every event ever put on the tape, so it stays right when sequence
//! numbers repeat or start again. Sequence numbers on one tape never fall, except at a [`Tape::reset`],
//! after which no earlier place is valid.

use std::collections::VecDeque;

/// An ordered, bounded store of events.
#[derive(Debug)]
pub(crate) struct Tape<T> {
    kept: VecDeque<Kept<T>>,
    /// The place of the first event kept.
    first: u64,
    bytes: u64,
    bytes_max: u64,
    next_seq: i64,
    /// How often the tape was reset.
    epoch: u64,
}

#[derive(Debug)]
struct Kept<T> {
    seq: i64,
    bytes: u64,
    event: T,
}

/// What a reader finds at its place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read<T> {
    /// The next events and the place after them; none if the reader has caught up.
    Events(Vec<T>, u64),
    /// The place was dropped, or the tape was reset.
    Lost,
}

impl<T: Clone> Tape<T> {
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self { kept: VecDeque::new(), first: 0, bytes: 0, bytes_max, next_seq: 1, epoch: 0 }
    }

    /// Gives out the next sequence number.
    pub(crate) fn take_seq(&mut self) -> i64 {
        let seq = self.next_seq;
        self.next_seq += 1;
        seq
    }

    /// Passes over sequence numbers, as hosts may.
    pub(crate) fn skip_seqs(&mut self, count: i64) {
        self.next_seq += count;
    }

    /// Appends an event under a number that [`Tape::take_seq`] gave.
    pub(crate) fn push(&mut self, seq: i64, bytes: usize, event: T) {
        let bytes = bytes as u64;
        self.bytes += bytes;
        self.kept.push_back(Kept { seq, bytes, event });
        while self.bytes > self.bytes_max && self.drop_first() {}
    }

    /// Drops what is older than `seq`, as retention does.
    pub(crate) fn forget_before(&mut self, seq: i64) {
        while self.kept.front().is_some_and(|kept| kept.seq < seq) && self.drop_first() {}
    }

    /// Forgets everything and counts from 1 again, as a host does that lost its disk.
    pub(crate) fn reset(&mut self) {
        while self.drop_first() {}
        self.next_seq = 1;
        self.epoch += 1;
    }

    fn drop_first(&mut self) -> bool {
        let Some(dropped) = self.kept.pop_front() else { return false };
        self.bytes -= dropped.bytes;
        self.first += 1;
        true
    }

    /// The newest number given out; 0 before the first.
    pub(crate) fn last_seq(&self) -> i64 {
        self.next_seq - 1
    }

    /// The oldest number still kept; the next one if nothing is.
    pub(crate) fn oldest_seq(&self) -> i64 {
        self.kept.front().map_or(self.next_seq, |kept| kept.seq)
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The place after the newest event.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.kept.len() as u64
    }

    /// The place of the first event for which `reached` holds; it must hold for all that follow.
    pub(crate) fn place_where(&self, reached: impl Fn(i64, &T) -> bool) -> u64 {
        self.first + self.kept.partition_point(|kept| !reached(kept.seq, &kept.event)) as u64
    }

    /// The place of the first event from `seq` on.
    pub(crate) fn place_of(&self, seq: i64) -> u64 {
        self.place_where(|kept, _| kept >= seq)
    }

    /// Up to `events_max` events from `place` on.
    pub(crate) fn read(&self, place: u64, epoch: u64, events_max: usize) -> Read<T> {
        let Some(skip) = place.checked_sub(self.first).filter(|_| epoch == self.epoch) else {
            return Read::Lost;
        };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let events: Vec<T> =
            self.kept.iter().skip(skip).take(events_max).map(|kept| kept.event.clone()).collect();
        let next = place + events.len() as u64;
        Read::Events(events, next)
    }

    /// All events kept, with their numbers.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (i64, &T)> {
        self.kept.iter().map(|kept| (kept.seq, &kept.event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tape(bytes_max: u64, events: usize) -> Tape<usize> {
        let mut tape = Tape::new(bytes_max);
        for event in 0..events {
            let seq = tape.take_seq();
            tape.push(seq, 10, event);
        }
        tape
    }

    #[test]
    fn the_oldest_go_first_and_their_readers_are_lost() {
        let tape = tape(30, 5);
        assert_eq!((tape.oldest_seq(), tape.last_seq(), tape.end()), (3, 5, 5));
        assert_eq!(tape.read(1, 0, 9), Read::Lost);
        assert_eq!(tape.read(tape.place_of(4), 0, 9), Read::Events(vec![3, 4], 5));
        assert_eq!(tape.read(5, 0, 9), Read::Events(vec![], 5));
        assert_eq!(tape.place_of(0), 2);
        assert_eq!(tape.place_of(99), 5);
    }

    #[test]
    fn a_reset_counts_from_one_and_loses_every_reader() {
        let mut tape = tape(1_000, 3);
        let place = tape.end();
        tape.reset();
        assert_eq!((tape.oldest_seq(), tape.last_seq()), (1, 0));
        assert_eq!(tape.read(place, 0, 9), Read::Lost);
        let seq = tape.take_seq();
        tape.push(seq, 10, 7);
        assert_eq!(seq, 1);
        assert_eq!(tape.read(tape.place_of(1), 1, 9), Read::Events(vec![7], tape.end()));
    }
}
