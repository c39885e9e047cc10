//! Where a page of a home begins, as its reader keeps it: opaque to them, and nothing of it is believed.

use super::order::Mode;
use crate::error::FeedsError;
use crate::model::{ItemKey, Line};

/// Places that a cursor may name.
const PLACE_MAX: usize = 4_000;

/// Where a page begins: a place in a session, and, should that be forgotten, the line at which its block began.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cursor {
    pub(super) mode: Mode,
    pub(super) session: u64,
    pub(super) place: usize,
    pub(super) block: Option<Border>,
}

/// The first line of a block in its raw order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Border {
    key: u64,
    item: ItemKey,
}

impl Cursor {
    /// Of the lines of an order that was forgotten, those from the block on in which the page begins.
    pub(super) fn leave_after(&self, lines: &mut Vec<Line>) {
        match &self.block {
            Some(border) => lines.retain(|line| !border.is_after(line, self.mode)),
            // It was among the posts of nobody who is followed.
            None => lines.clear(),
        }
    }

    pub(super) fn pack(&self) -> String {
        let mode = match self.mode {
            Mode::Ranked => 'r',
            Mode::Chronological => 'c',
        };
        let border = self.block.map_or_else(String::new, |border| {
            let Border { key, item } = border;
            format!(".{key:x}.{}.{}.{}", item.actor, item.rkey, item.collection)
        });
        format!("{mode}.{:x}.{}{border}", self.session, self.place)
    }

    pub(super) fn parse(text: &str) -> Result<Self, FeedsError> {
        Self::read(text).ok_or_else(|| {
            let shown: String = text.chars().take(100).collect();
            FeedsError::InvalidRequest(format!("malformed cursor: {shown}"))
        })
    }

    fn read(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('.').collect();
        let (mode, session, place, border) = match parts[..] {
            [mode, session, place] => (mode, session, place, None),
            [mode, session, place, key, actor, rkey, collection] => {
                let item = ItemKey {
                    actor: actor.parse().ok()?,
                    rkey: rkey.parse().ok()?,
                    collection: collection.parse().ok()?,
                };
                (
                    mode,
                    session,
                    place,
                    Some(Border { key: u64::from_str_radix(key, 16).ok()?, item }),
                )
            }
            _ => return None,
        };
        let mode = match mode {
            "r" => Mode::Ranked,
            "c" => Mode::Chronological,
            _ => return None,
        };
        let session = u64::from_str_radix(session, 16).ok()?;
        let place = place.parse().ok().filter(|place| *place <= PLACE_MAX)?;
        Some(Self { mode, session, place, block: border })
    }
}

impl Border {
    /// Whether a line comes before the block in the raw order.
    pub(super) fn is_after(&self, line: &Line, mode: Mode) -> bool {
        let key = match mode {
            Mode::Ranked => f64::from_bits(self.key).total_cmp(&line.rank_key),
            Mode::Chronological => self.key.cast_signed().cmp(&line.sort_at_us),
        };
        key.then_with(|| line.item.cmp(&self.item)).is_lt()
    }

    pub(super) fn of(line: &Line, mode: Mode) -> Self {
        let key = match mode {
            Mode::Ranked => line.rank_key.to_bits(),
            Mode::Chronological => line.sort_at_us.cast_unsigned(),
        };
        Self { key, item: line.item }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::model::Reason;
    use crate::score::{self, Kind};

    #[test]
    fn cursors_come_back_and_others_are_refused() {
        let item = ItemKey { actor: 7, rkey: -3, collection: 5 };
        let block = Some(Border { key: 1.5_f64.to_bits(), item });
        let cursor = Cursor { mode: Mode::Ranked, session: u64::MAX, place: 120, block };
        assert_eq!(Cursor::parse(&cursor.pack()).unwrap(), cursor);
        let plain = Cursor { mode: Mode::Chronological, session: 0, place: 0, block: None };
        assert_eq!(Cursor::parse(&plain.pack()).unwrap(), plain);
        for text in [
            "",
            "r",
            "x.1.2",
            "r.g.2",
            "r.1.-2",
            "r.1.99999999",
            "r.1.2.3",
            "r.1.2.3.4.5.6.7",
            "\0.1.2",
        ] {
            let refused = Cursor::parse(text).unwrap_err().to_string();
            assert!(refused.starts_with("malformed cursor"), "{refused}");
        }
    }

    #[test]
    fn a_border_says_what_comes_before() {
        let line = |rkey: i64, at: i64| {
            let item = ItemKey { actor: 1, rkey, collection: 1 };
            let parts = score::Parts::new(0.5, 0.5, 0.5, Kind::Post);
            Line::new((item, (1, rkey)), Reason::Follow, at, parts, &score::Profile::HALVING)
        };
        for mode in [Mode::Ranked, Mode::Chronological] {
            let border = Border::of(&line(5, 1_000_000), mode);
            assert!(!border.is_after(&line(5, 1_000_000), mode));
            assert!(border.is_after(&line(4, 1_000_000), mode));
            assert!(border.is_after(&line(9, 90_000_000_000), mode));
            assert!(!border.is_after(&line(6, 1_000_000), mode));
            assert!(!border.is_after(&line(1, -90_000_000_000), mode));
        }
    }
}
