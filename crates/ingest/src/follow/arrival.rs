//! Whether a source goes on where it was left. It may not, without a word: a cursor that is too old is
//! clamped, one of the future means "from now on", a source set up anew counts from 1, a time jumps.
//!
//! What tells is the first event of a connection. Where the cursor names an event we had, that event
//! must come again; if it does not, what lies between is suspect.

use crate::source::Wire;

/// Numbers that a firehose does not skip on its own account.
const SEQ_JUMP_MAX: i64 = 1_000_000;
/// By how much a time may be before the one asked for.
const BACK_US: i64 = 1_000_000;
/// By how much a time may be before the latest, while the source goes on.
const BACK_LIVE_US: i64 = 60 * 1_000_000;
/// How far ahead of our clock a source's time is believed.
const AHEAD_US: i64 = 5 * 60 * 1_000_000;

/// Where a connection was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Resumed {
    /// What was sent.
    pub(super) cursor: Option<i64>,
    /// The last event read before, in the same numbers; none if the connection begins somewhere else.
    pub(super) position: Option<i64>,
}

/// What is to be done about an event's position, beside taking the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Events between these positions may be missing.
    Gap { reason: &'static str, from: i64, to: i64 },
    /// The stream went back to this time and goes on from there.
    Back(i64),
    /// The event's time is not believed; ours is used.
    Ahead,
    /// The source counts anew.
    Reset { from: i64 },
}

/// What one connection showed so far.
#[derive(Debug)]
pub(super) struct Arrival {
    wire: Wire,
    resumed: Resumed,
    first: bool,
    /// Whether the position of before was reached again.
    caught_up: bool,
}

impl Arrival {
    pub(super) fn new(wire: Wire, resumed: Resumed) -> Self {
        Self { wire, resumed, first: true, caught_up: resumed.position.is_none() }
    }

    /// Whether an event at this position was read before this connection was made.
    pub(super) fn is_again(&self, position: i64) -> bool {
        self.resumed.position.is_some_and(|last| position <= last)
    }

    /// An event arrived; `last` is the highest position read so far.
    pub(super) fn event(&mut self, position: i64, last: Option<i64>, now_us: i64) -> Option<Turn> {
        let first = std::mem::replace(&mut self.first, false);
        let turn = match self.wire {
            Wire::JetstreamV1 if position > now_us.saturating_add(AHEAD_US) => {
                return Some(Turn::Ahead);
            }
            Wire::JetstreamV1 => self.at_time(position, last, first),
            Wire::JetstreamV2 if first => self.at_number(position),
            Wire::JetstreamV2 => None,
            Wire::Firehose => last
                .filter(|last| position.saturating_sub(*last) > SEQ_JUMP_MAX)
                .map(|last| Turn::Gap { reason: "jump", from: last, to: position }),
        };
        self.caught_up |= self.resumed.position.is_some_and(|before| position >= before);
        turn
    }

    fn at_time(&self, time_us: i64, last: Option<i64>, first: bool) -> Option<Turn> {
        let Resumed { cursor: Some(cursor), position: Some(before) } = self.resumed else {
            return self.live_at_time(time_us, last);
        };
        if !first {
            return self.live_at_time(time_us, last);
        }
        if time_us > before && cursor != before {
            // Without a rewind the server may rightly begin after the last event. A cursor beyond it
            // was meant to pass over a message that cannot be read, and others with it perhaps.
            let reason = if cursor < before { "clamped" } else { "jump" };
            return Some(Turn::Gap { reason, from: before, to: time_us });
        }
        (time_us < cursor.saturating_sub(BACK_US)).then_some(Turn::Back(time_us))
    }

    fn live_at_time(&self, time_us: i64, last: Option<i64>) -> Option<Turn> {
        let back = last.is_some_and(|last| time_us < last.saturating_sub(BACK_LIVE_US));
        (self.caught_up && back).then_some(Turn::Back(time_us))
    }

    fn at_number(&self, seq: i64) -> Option<Turn> {
        let before = self.resumed.position?;
        if seq < before {
            return Some(Turn::Reset { from: before });
        }
        (seq > before && self.resumed.cursor == Some(before)).then_some(Turn::Gap {
            reason: "clamped",
            from: before,
            to: seq,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_US: i64 = 1_760_000_000_000_000;
    const S: i64 = 1_000_000;

    fn v1(rewind_us: i64) -> Arrival {
        let position = NOW_US - 100 * S;
        let resumed = Resumed { cursor: Some(position - rewind_us), position: Some(position) };
        Arrival::new(Wire::JetstreamV1, resumed)
    }

    #[test]
    fn a_time_that_is_clamped_silently_is_noticed() {
        let before = NOW_US - 100 * S;
        let check = |first: i64, expected: Option<Turn>| {
            assert_eq!(v1(5 * S).event(first, Some(before), NOW_US), expected, "{first}");
        };
        check(before - 5 * S, None);
        check(before - 6 * S, None);
        check(before, None);
        let to = before + 1;
        check(to, Some(Turn::Gap { reason: "clamped", from: before, to }));
        check(before - 3_600 * S, Some(Turn::Back(before - 3_600 * S)));
        assert_eq!(v1(0).event(before + 1, Some(before), NOW_US), None, "nothing to compare with");
    }

    #[test]
    fn a_replay_is_no_jump_and_a_jump_after_it_is() {
        let before = NOW_US - 100 * S;
        let mut arrival = v1(5 * S);
        assert_eq!(arrival.event(before - 5 * S, Some(before), NOW_US), None);
        assert!(arrival.is_again(before) && !arrival.is_again(before + 1));
        assert_eq!(arrival.event(before - 4 * S, Some(before), NOW_US), None);
        assert_eq!(arrival.event(before + S, Some(before), NOW_US), None);
        assert_eq!(arrival.event(before - S, Some(before + S), NOW_US), None);
        let back = before - 600 * S;
        assert_eq!(arrival.event(back, Some(before + S), NOW_US), Some(Turn::Back(back)));
    }

    #[test]
    fn a_time_far_ahead_of_ours_is_not_believed() {
        let mut arrival = Arrival::new(Wire::JetstreamV1, Resumed::default());
        assert_eq!(arrival.event(NOW_US + 60 * S, None, NOW_US), None);
        assert_eq!(arrival.event(NOW_US + 600 * S, None, NOW_US), Some(Turn::Ahead));
    }

    #[test]
    fn the_event_that_a_number_names_must_come_again() {
        let resumed = Resumed { cursor: Some(50), position: Some(50) };
        let first = |seq| Arrival::new(Wire::JetstreamV2, resumed).event(seq, Some(50), NOW_US);
        assert_eq!(first(50), None);
        assert_eq!(first(51), Some(Turn::Gap { reason: "clamped", from: 50, to: 51 }));
        assert_eq!(first(3), Some(Turn::Reset { from: 50 }));
        let elsewhere = Resumed { cursor: Some(NOW_US), position: None };
        assert_eq!(Arrival::new(Wire::JetstreamV2, elsewhere).event(3, None, NOW_US), None);
        let oldest = Resumed { cursor: Some(0), position: Some(50) };
        assert_eq!(Arrival::new(Wire::JetstreamV2, oldest).event(90, Some(50), NOW_US), None);
    }

    #[test]
    fn a_firehose_may_leave_out_numbers_but_not_a_million() {
        let mut arrival = Arrival::new(Wire::Firehose, Resumed::default());
        assert_eq!(arrival.event(7, None, NOW_US), None);
        assert_eq!(arrival.event(900_000, Some(7), NOW_US), None);
        let jump = arrival.event(9_000_000, Some(900_000), NOW_US);
        assert_eq!(jump, Some(Turn::Gap { reason: "jump", from: 900_000, to: 9_000_000 }));
    }
}
