//! The highest sequence number up to which every event is done, although events finish out of order.

use std::collections::VecDeque;

/// One source's outstanding events.
#[derive(Debug, Default)]
pub(crate) struct Watermark {
    /// Ascending sequence numbers, each with whether it is done; the first is never done.
    outstanding: VecDeque<(i64, bool)>,
    cursor: Option<i64>,
    /// Moves with each reset; events from before one complete nothing.
    epoch: u64,
}

impl Watermark {
    /// Nothing outstanding, everything up to `cursor` done.
    pub(crate) fn at(cursor: Option<i64>) -> Self {
        Self { outstanding: VecDeque::new(), cursor, epoch: 0 }
    }

    /// An event enters. Numbers must ascend; one that does not is refused.
    pub(crate) fn begin(&mut self, seq: i64) -> Option<u64> {
        let last = self.outstanding.back().map(|(seq, _)| *seq).or(self.cursor);
        if last.is_some_and(|last| seq <= last) {
            return None;
        }
        self.outstanding.push_back((seq, false));
        Some(self.epoch)
    }

    /// What became of the event is durable.
    pub(crate) fn done(&mut self, epoch: u64, seq: i64) {
        if epoch != self.epoch {
            return;
        }
        if let Ok(at) = self.outstanding.binary_search_by_key(&seq, |(seq, _)| *seq)
            && let Some(entry) = self.outstanding.get_mut(at)
        {
            entry.1 = true;
        }
        while let Some((seq, true)) = self.outstanding.front() {
            self.cursor = Some(*seq);
            self.outstanding.pop_front();
        }
    }

    /// The source counts anew: forget everything and go on from `cursor`.
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

    #[test]
    fn the_cursor_waits_for_the_slowest() {
        let mut mark = Watermark::at(None);
        let epoch = mark.begin(5).expect("ascends");
        mark.begin(9).expect("ascends");
        mark.begin(10).expect("ascends");
        mark.done(epoch, 9);
        assert_eq!((mark.cursor(), mark.outstanding()), (None, 3));
        mark.done(epoch, 5);
        assert_eq!((mark.cursor(), mark.outstanding()), (Some(9), 1));
        mark.done(epoch, 10);
        assert_eq!((mark.cursor(), mark.outstanding()), (Some(10), 0));
    }

    #[test]
    fn numbers_that_do_not_ascend_are_refused() {
        let mut mark = Watermark::at(Some(7));
        assert_eq!(mark.begin(7), None);
        assert!(mark.begin(8).is_some());
        assert_eq!(mark.begin(8), None);
        assert_eq!(mark.begin(3), None);
    }

    #[test]
    fn events_from_before_a_reset_complete_nothing() {
        let mut mark = Watermark::at(Some(100));
        let before = mark.begin(101).expect("ascends");
        mark.reset(Some(0));
        let after = mark.begin(101).expect("ascends again");
        mark.done(before, 101);
        assert_eq!(mark.cursor(), Some(0));
        mark.done(after, 101);
        assert_eq!(mark.cursor(), Some(101));
    }

    #[test]
    fn any_order_of_completion_ends_at_the_last() {
        let seqs: Vec<i64> = (1..=200).map(|n| n * 3).collect();
        let mut mark = Watermark::at(None);
        for seq in &seqs {
            assert_eq!(mark.begin(*seq), Some(0));
        }
        let mut order = seqs.clone();
        order.sort_by_key(|seq| (seq * 7919) % 211);
        let mut pending: std::collections::BTreeSet<i64> = seqs.iter().copied().collect();
        for seq in order {
            mark.done(0, seq);
            pending.remove(&seq);
            let first_pending = pending.first().copied().unwrap_or(i64::MAX);
            let expected = seqs.iter().copied().filter(|seq| *seq < first_pending).max();
            assert_eq!(mark.cursor(), expected);
        }
    }
}
