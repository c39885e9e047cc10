//! Messages that end the connection: what is no frame, and what is too large to be read. The first
//! time the connection is made again, in case the transport was at fault; the same place a second
//! time is passed over, so that one bad message does not stop a source for ever.
//!
//! A place is "the n-th bad message after event N", because a message that cannot be read has no
//! number of its own.

use std::collections::BTreeMap;

use crate::source::Wire;

/// Places remembered.
const PLACES_MAX: usize = 256;
/// A step is 2^32 µs at most, an hour and more.
const STEPS_MAX: i64 = 32;

/// The bad places of one source.
#[derive(Debug)]
pub(super) struct Broken {
    /// Whether positions are times, of which very many lie between two events.
    times: bool,
    /// How often the connection ended at each place.
    seen: BTreeMap<Place, u32>,
    /// Bad messages passed over since the last good one, on this connection.
    passed: u32,
    /// A message too large to be read was met after this event, so often.
    oversize: Option<(i64, i64)>,
}

/// The last good event, and the bad messages after it that were passed over.
type Place = (Option<i64>, u32);

impl Broken {
    /// Nothing bad was met yet.
    pub(super) fn new(wire: Wire) -> Self {
        Self { times: !wire.ascends(), seen: BTreeMap::new(), passed: 0, oversize: None }
    }

    /// A new connection: bad messages are counted anew.
    pub(super) fn connected(&mut self) {
        self.passed = 0;
    }

    /// A good event: whatever was in the way lies behind.
    pub(super) fn good(&mut self) {
        self.passed = 0;
        self.oversize = None;
    }

    /// A message that is no frame, after event `after`; whether to pass over it.
    pub(super) fn unreadable(&mut self, after: Option<i64>) -> bool {
        let times = self.times((after, self.passed));
        if times > 1 {
            self.passed += 1;
        }
        times > 1
    }

    /// A message too large to be read, after event `after`; whether it is passed over, which is worth
    /// recording, the first time only.
    pub(super) fn oversize(&mut self, after: Option<i64>) -> bool {
        let times = self.times((after, u32::MAX));
        if let Some(after) = after
            && times > 1
        {
            let met = self.oversize.filter(|(at, _)| *at == after).map_or(0, |(_, met)| met);
            self.oversize = Some((after, met + 1));
        }
        times == 2
    }

    /// The cursor to connect at. Behind an unreadable large message it moves on by one for each
    /// attempt: an event is sent if its number is not below the cursor, so that nothing but that
    /// message is ever left out. Through times it moves twice as far at each attempt.
    pub(super) fn cursor(&self, resume_at: Option<i64>) -> Option<i64> {
        match self.oversize {
            Some((after, met)) if resume_at == Some(after) => {
                let step = if self.times { 1 << met.min(STEPS_MAX) } else { met + 1 };
                Some(after.saturating_add(step))
            }
            _ => resume_at,
        }
    }

    fn times(&mut self, place: Place) -> u32 {
        if self.seen.len() >= PLACES_MAX && !self.seen.contains_key(&place) {
            self.seen.pop_first();
        }
        let times = self.seen.entry(place).or_default();
        *times = times.saturating_add(1);
        *times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_passed_over_the_second_time() {
        let mut broken = Broken::new(Wire::Firehose);
        assert!(!broken.unreadable(Some(7)));
        broken.connected();
        assert!(broken.unreadable(Some(7)), "the same place again");
        assert!(!broken.unreadable(Some(7)), "the next message after it is another place");
        broken.connected();
        assert!(broken.unreadable(Some(7)));
        assert!(broken.unreadable(Some(7)));
        broken.good();
        assert!(!broken.unreadable(Some(8)));
    }

    #[test]
    fn behind_a_large_message_the_cursor_moves_by_one() {
        let mut broken = Broken::new(Wire::Firehose);
        assert!(!broken.oversize(Some(10)));
        assert_eq!(broken.cursor(Some(10)), Some(10), "once may be the transport's fault");
        assert!(broken.oversize(Some(10)), "recorded once");
        assert_eq!(broken.cursor(Some(10)), Some(12));
        assert!(!broken.oversize(Some(10)));
        assert_eq!(broken.cursor(Some(10)), Some(13));
        broken.good();
        assert_eq!(broken.cursor(Some(14)), Some(14));
    }

    #[test]
    fn through_times_the_steps_double() {
        let mut broken = Broken::new(Wire::JetstreamV1);
        broken.oversize(Some(10));
        for expected in [12, 14, 18, 26] {
            broken.oversize(Some(10));
            assert_eq!(broken.cursor(Some(10)), Some(expected));
        }
    }

    #[test]
    fn without_a_position_nothing_can_be_passed() {
        let mut broken = Broken::new(Wire::Firehose);
        assert!(!broken.oversize(None));
        broken.oversize(None);
        assert_eq!(broken.cursor(None), None);
    }
}
