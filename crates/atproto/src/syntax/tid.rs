//! TIDs: 64-bit timestamps in 13 sortable characters; revisions and most record keys.
//!
//! ```text
//!  63  62              10 9        0
//! ┌───┬──────────────────┬──────────┐
//! │ 0 │ microseconds, 53 │ clock id │   13 characters of 234567abcdefghijklmnopqrstuvwxyz, high first
//! └───┴──────────────────┴──────────┘
//! ```
//! The order of numbers is the order of texts. Source: <https://atproto.com/specs/tid>.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{SyntaxError, deserialize_parsed};

const FORMAT: &str = "tid";
const CHARS: usize = 13;
const ALPHABET: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";
const CLOCK_ID_BITS: u32 = 10;
const CLOCK_ID_MASK: u64 = (1 << CLOCK_ID_BITS) - 1;
const TIME_US_MAX: i64 = (1 << 53) - 1;

/// A timestamp identifier.
///
/// The text grammar reaches all 64 bits; generators leave the top bit clear, and so does
/// [`Tid::from_time`], but a parsed one may have it set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tid(u64);

impl Tid {
    /// Reads the 13 characters.
    ///
    /// # Errors
    /// [`SyntaxError`] for another length, a character outside the alphabet, or a first character
    /// past `j` (more than 64 bits).
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let fail = |fault| SyntaxError::new(FORMAT, fault);
        if text.len() != CHARS {
            return Err(fail("it must have 13 characters"));
        }
        let mut value = 0u128;
        for byte in text.bytes() {
            let digit = digit(byte).ok_or_else(|| fail("a character is not allowed in a TID"))?;
            value = value << 5 | u128::from(digit);
        }
        u64::try_from(value).map(Self).map_err(|_| fail("its first character must not be past 'j'"))
    }

    /// The number behind the text. As `i64` it is not negative unless the top bit is set.
    pub fn to_u64(self) -> u64 {
        self.0
    }

    /// The inverse of [`Tid::to_u64`].
    pub fn from_u64(value: u64) -> Self {
        Self(value)
    }

    /// Microseconds since the epoch that the maker claims. Only a claim: see [`super::RecordKey`].
    pub fn time_us(self) -> i64 {
        i64::try_from(self.0 >> CLOCK_ID_BITS).expect("invariant: 54 bits fit")
    }

    /// The low ten bits, which keep generators apart.
    pub fn clock_id(self) -> u16 {
        u16::try_from(self.0 & CLOCK_ID_MASK).expect("invariant: 10 bits fit")
    }

    /// The TID of a moment. Times before the epoch or past the year 2255 are taken as the nearest
    /// that fits; of `clock_id` the low ten bits count.
    pub fn from_time(time_us: i64, clock_id: u16) -> Self {
        let time = time_us.clamp(0, TIME_US_MAX).unsigned_abs();
        Self(time << CLOCK_ID_BITS | (u64::from(clock_id) & CLOCK_ID_MASK))
    }
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'2'..=b'7' => Some(byte - b'2'),
        b'a'..=b'z' => Some(byte - b'a' + 6),
        _ => None,
    }
}

impl fmt::Display for Tid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; CHARS];
        for (index, place) in text.iter_mut().rev().enumerate() {
            let digit = (self.0 >> (5 * index)) & 31;
            *place = ALPHABET[usize::try_from(digit).expect("invariant: 5 bits fit")];
        }
        f.pad(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Tid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl FromStr for Tid {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        Self::parse(text)
    }
}

impl Serialize for Tid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Tid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_parsed(deserializer, FORMAT)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn time_and_clock_id() {
        let tid = Tid::from_time(1_700_000_000_000_000, 42);
        assert_eq!(tid.time_us(), 1_700_000_000_000_000);
        assert_eq!(tid.clock_id(), 42);
        assert_eq!(Tid::parse(&tid.to_string()).unwrap(), tid);
        assert_eq!(tid.to_u64() >> 63, 0);
    }

    #[test]
    fn known_text() {
        assert_eq!(Tid::from_u64(0).to_string(), "2222222222222");
        assert_eq!(Tid::from_u64(u64::MAX).to_string(), "jzzzzzzzzzzzz");
        // 2023-10-30T08:59:45.966688Z
        let tid = Tid::parse("3kcxh3bqcn22j").unwrap();
        assert_eq!(tid.time_us(), 1_698_656_385_966_688);
        assert_eq!(tid.clock_id(), 15);
        assert_eq!(tid.to_string(), "3kcxh3bqcn22j");
    }

    #[test]
    fn times_out_of_range_are_clamped() {
        assert_eq!(Tid::from_time(-1, 0).time_us(), 0);
        assert_eq!(Tid::from_time(i64::MAX, 0).time_us(), TIME_US_MAX);
        assert_eq!(Tid::from_time(i64::MAX, u16::MAX).to_u64(), u64::MAX >> 1);
    }
}
