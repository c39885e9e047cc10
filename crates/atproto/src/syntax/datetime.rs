//! Datetimes as text. Records carry the author's own spelling; it is kept and never written anew.
//! Source: <https://atproto.com/specs/lexicon#datetime>; the calendar is in [`crate::datetime`].

use super::{Checked, Grammar};
use crate::datetime::{self, DatetimeFault};

/// A date, a time with seconds and a zone, for example `2026-01-02T03:04:05.678Z`; at most 64 bytes.
///
/// What RFC 3339, ISO 8601 and HTML all accept: upper-case `T` and `Z`, no `-00:00`, no second 60,
/// a day that its month has, years 0000 to 9999 in UTC.
pub type Datetime = Checked<DatetimeGrammar>;

/// The grammar of [`Datetime`].
pub enum DatetimeGrammar {}

impl Grammar for DatetimeGrammar {
    const FORMAT: &'static str = "datetime";

    fn check(text: &str) -> Result<(), &'static str> {
        datetime::parse_us(text).map(|_| ()).map_err(DatetimeFault::as_str)
    }
}

impl Datetime {
    /// Microseconds since the epoch, UTC; finer digits are cut off. Negative before 1970.
    ///
    /// Every parsed datetime has one; the option is for callers that chain on `Option`.
    pub fn epoch_us(&self) -> Option<i64> {
        datetime::epoch_us(self.as_str())
    }
}
