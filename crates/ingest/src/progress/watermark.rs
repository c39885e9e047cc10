//! The position up to which every event is done, although events finish out of order.
//!
//! Where a stream's positions ascend, one that does not is refused. Where they are times, several
//! events may have the same, and a part of the stream may come again: the mark is then the highest
//! position among the events that are done with all before them.

use std::collections::VecDeque;

/// One source's outstanding events.
#[derive(Debug, Default)]
pub(crate) struct Watermark {
    /// In the order read: position, and whether it is done; the first is never done.
    outstanding: VecDeque<(i64, bool)>,
    /// The ordinal of the first.
    first: u64,
    cursor: Option<i64>,
    /// Moves with each reset; events from before one complete nothing.
    epoch: u64,
}

/// An event's place among those outstanding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    epoch: u64,
    ordinal: u64,
}

impl Watermark {
    /// An event enters. Its position must be above the last; one that is not is refused.
    pub(crate) fn begin_ascending(&mut self, position: i64) -> Option<Place> {
        let last = self.outstanding.back().map(|(position, _)| *position).or(self.cursor);
        if last.is_some_and(|last| position <= last) {
            return None;
        }
        Some(self.begin(position))
    }

    /// An event enters, wherever it stands.
    pub(crate) fn begin(&mut self, position: i64) -> Place {
        let ordinal = self.first + self.outstanding.len() as u64;
        self.outstanding.push_back((position, false));
        Place { epoch: self.epoch, ordinal }
    }

    /// What became of the event is durable.
    pub(crate) fn done(&mut self, place: Place) {
        if place.epoch != self.epoch {
            return;
        }
        let at = place.ordinal.checked_sub(self.first).and_then(|at| usize::try_from(at).ok());
        if let Some(entry) = at.and_then(|at| self.outstanding.get_mut(at)) {
            entry.1 = true;
        }
        while let Some((position, true)) = self.outstanding.front() {
            self.cursor = self.cursor.max(Some(*position));
            self.outstanding.pop_front();
            self.first += 1;
        }
    }

    /// The source counts anew, or another stream is read: forget everything and go on from `cursor`.
    pub(crate) fn reset(&mut self, cursor: Option<i64>) {
        self.outstanding.clear();
        self.cursor = cursor;
        self.epoch += 1;
    }

    /// Everything up to here is durable.
    pub(crate) fn cursor(&self) -> Option<i64> {
        self.cursor
    }

    /// Events that the cursor does not cover yet.
    pub(crate) fn outstanding(&self) -> usize {
        self.outstanding.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(cursor: Option<i64>) -> Watermark {
        let mut mark = Watermark::default();
        mark.reset(cursor);
        mark
    }

    #[test]
    fn the_cursor_waits_for_the_slowest() {
        let mut mark = at(None);
        let first = mark.begin_ascending(5).expect("ascends");
        let second = mark.begin_ascending(9).expect("ascends");
        let third = mark.begin_ascending(10).expect("ascends");
        mark.done(second);
        assert_eq!((mark.cursor(), mark.outstanding()), (None, 3));
        mark.done(first);
        assert_eq!((mark.cursor(), mark.outstanding()), (Some(9), 1));
        mark.done(third);
        assert_eq!((mark.cursor(), mark.outstanding()), (Some(10), 0));
    }

    #[test]
    fn numbers_that_do_not_ascend_are_refused() {
        let mut mark = at(Some(7));
        assert_eq!(mark.begin_ascending(7), None);
        assert!(mark.begin_ascending(8).is_some());
        assert_eq!(mark.begin_ascending(8), None);
        assert_eq!(mark.begin_ascending(3), None);
    }

    #[test]
    fn times_may_repeat_and_come_again() {
        let mut mark = at(Some(100));
        let places = [100, 100, 101, 60, 61, 102].map(|position| mark.begin(position));
        let mut cursors = Vec::new();
        for place in places {
            mark.done(place);
            cursors.push(mark.cursor().expect("a cursor"));
        }
        assert_eq!(cursors, [100, 100, 101, 101, 101, 102]);
    }

    #[test]
    fn what_is_done_twice_or_was_never_begun_changes_nothing() {
        let mut mark = at(None);
        let first = mark.begin(1);
        let second = mark.begin(2);
        mark.done(first);
        mark.done(first);
        assert_eq!(mark.cursor(), Some(1));
        mark.done(Place { ordinal: second.ordinal + 7, ..second });
        assert_eq!(mark.cursor(), Some(1));
    }

    #[test]
    fn events_from_before_a_reset_complete_nothing() {
        let mut mark = at(Some(100));
        let before = mark.begin_ascending(101).expect("ascends");
        mark.reset(Some(0));
        let after = mark.begin_ascending(101).expect("ascends again");
        mark.done(before);
        assert_eq!(mark.cursor(), Some(0));
        mark.done(after);
        assert_eq!(mark.cursor(), Some(101));
    }

    #[test]
    fn any_order_of_completion_ends_at_the_last() {
        let seqs: Vec<i64> = (1..=200).map(|n| n * 3).collect();
        let mut mark = at(None);
        let mut order: Vec<(i64, Place)> =
            seqs.iter().map(|seq| (*seq, mark.begin_ascending(*seq).expect("ascends"))).collect();
        order.sort_by_key(|(seq, _)| (seq * 7919) % 211);
        let mut pending: std::collections::BTreeSet<i64> = seqs.iter().copied().collect();
        for (seq, place) in order {
            mark.done(place);
            pending.remove(&seq);
            let first_pending = pending.first().copied().unwrap_or(i64::MAX);
            let expected = seqs.iter().copied().filter(|seq| *seq < first_pending).max();
            assert_eq!(mark.cursor(), expected);
        }
    }
}
