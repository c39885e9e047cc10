//! Datetimes and microseconds since the epoch, without a calendar library and without a clock.
//!
//! The proleptic Gregorian calendar; UTC days of 86,400 seconds. Parsing accepts what
//! <https://atproto.com/specs/lexicon#datetime> accepts and nothing else.

use std::fmt::Write as _;

const BYTES_MAX: usize = 64;
const US_PER_SECOND: i64 = 1_000_000;
const US_PER_DAY: i64 = 86_400 * US_PER_SECOND;
/// 0000-01-01T00:00:00Z.
const EPOCH_US_MIN: i64 = -719_528 * US_PER_DAY;
/// 9999-12-31T23:59:59.999999Z.
const EPOCH_US_MAX: i64 = 2_932_897 * US_PER_DAY - 1;

/// Why a text is not a datetime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DatetimeFault {
    TooLong,
    Shape,
    Date,
    Time,
    Zone,
    Range,
}

impl DatetimeFault {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "it is longer than 64 bytes",
            Self::Shape => "it must read YYYY-MM-DDThh:mm:ss[.fraction] and a zone",
            Self::Date => "there is no such day",
            Self::Time => "there is no such time of day",
            Self::Zone => "its zone must be Z or ±hh:mm, and not -00:00",
            Self::Range => "in UTC it is outside the years 0000 to 9999",
        }
    }
}

/// Microseconds since the epoch, UTC, of a datetime as the protocol spells it; finer digits are cut
/// off, offsets applied. `None` if `text` is not a valid datetime.
pub fn epoch_us(text: &str) -> Option<i64> {
    parse_us(text).ok()
}

/// Prints a moment as `2026-01-02T03:04:05.678Z`: UTC, milliseconds, finer digits cut off.
///
/// A moment outside the years 0000 to 9999 is printed as the nearest inside, so that the text is
/// always a valid datetime.
pub fn format_ms_us(us: i64) -> String {
    let us = us.clamp(EPOCH_US_MIN, EPOCH_US_MAX);
    let (year, month, day) = civil_from_days(us.div_euclid(US_PER_DAY));
    let ms_of_day = us.rem_euclid(US_PER_DAY) / 1_000;
    let (hour, minute) = (ms_of_day / 3_600_000, ms_of_day / 60_000 % 60);
    let (second, ms) = (ms_of_day / 1_000 % 60, ms_of_day % 1_000);
    let mut text = String::with_capacity(24);
    write!(text, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
        .expect("invariant: writing to a String does not fail");
    text
}

pub(crate) fn parse_us(text: &str) -> Result<i64, DatetimeFault> {
    if text.len() > BYTES_MAX {
        return Err(DatetimeFault::TooLong);
    }
    let mut cursor = Cursor(text.as_bytes());
    let day_us = date_us(&mut cursor)?;
    cursor.literal(b'T')?;
    let time_us = time_of_day_us(&mut cursor)?;
    let zone_us = zone_us(&mut cursor)?;
    let us = day_us + time_us - zone_us;
    if (EPOCH_US_MIN..=EPOCH_US_MAX).contains(&us) { Ok(us) } else { Err(DatetimeFault::Range) }
}

fn date_us(cursor: &mut Cursor<'_>) -> Result<i64, DatetimeFault> {
    let year = cursor.digits(4)?;
    cursor.literal(b'-')?;
    let month = cursor.digits(2)?;
    cursor.literal(b'-')?;
    let day = cursor.digits(2)?;
    if (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day) {
        Ok(days_from_civil(year, month, day) * US_PER_DAY)
    } else {
        Err(DatetimeFault::Date)
    }
}

fn time_of_day_us(cursor: &mut Cursor<'_>) -> Result<i64, DatetimeFault> {
    let hour = cursor.digits(2)?;
    cursor.literal(b':')?;
    let minute = cursor.digits(2)?;
    cursor.literal(b':')?;
    let second = cursor.digits(2)?;
    if hour > 23 || minute > 59 || second > 59 {
        return Err(DatetimeFault::Time);
    }
    let whole = (hour * 60 + minute) * 60 + second;
    Ok(whole * US_PER_SECOND + fraction_us(cursor)?)
}

/// `.` and one or more digits, of which six count.
fn fraction_us(cursor: &mut Cursor<'_>) -> Result<i64, DatetimeFault> {
    if !cursor.take_if(b'.') {
        return Ok(0);
    }
    let (mut us, mut digits) = (0, 0);
    while let Some(digit) = cursor.digit() {
        digits += 1;
        if digits <= 6 {
            us = us * 10 + digit;
        }
    }
    match digits {
        0 => Err(DatetimeFault::Shape),
        1..=5 => Ok(us * 10_i64.pow(6 - digits)),
        _ => Ok(us),
    }
}

/// The zone's distance from UTC, positive to the east; nothing may follow it.
fn zone_us(cursor: &mut Cursor<'_>) -> Result<i64, DatetimeFault> {
    let zone = match cursor.0 {
        b"Z" => return Ok(0),
        b"-00:00" => return Err(DatetimeFault::Zone),
        zone => zone,
    };
    let sign = match zone.first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Err(DatetimeFault::Zone),
    };
    let mut cursor = Cursor(zone.get(1..).unwrap_or_default());
    let hours = cursor.digits(2)?;
    cursor.literal(b':')?;
    let minutes = cursor.digits(2)?;
    if hours > 23 || minutes > 59 || !cursor.0.is_empty() {
        return Err(DatetimeFault::Zone);
    }
    Ok(sign * (hours * 60 + minutes) * 60 * US_PER_SECOND)
}

/// What of the text is still unread.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn digit(&mut self) -> Option<i64> {
        let (first, rest) = self.0.split_first()?;
        let digit = first.is_ascii_digit().then(|| i64::from(first - b'0'))?;
        self.0 = rest;
        Some(digit)
    }

    fn digits(&mut self, count: usize) -> Result<i64, DatetimeFault> {
        (0..count).try_fold(0, |value, _| {
            let digit = self.digit().ok_or(DatetimeFault::Shape)?;
            Ok(value * 10 + digit)
        })
    }

    fn take_if(&mut self, byte: u8) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if *first == byte => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn literal(&mut self, byte: u8) -> Result<(), DatetimeFault> {
        if self.take_if(byte) { Ok(()) } else { Err(DatetimeFault::Shape) }
    }
}

fn is_leap_year(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap_year(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

// Both directions count years from the first of March, so that the leap day is a year's last day,
// and months in the five-month rhythm of 153 days that then repeats.
const DAYS_PER_400_YEARS: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const MARCH_0_TO_EPOCH: i64 = 719_468;

/// Days since the epoch of a day of the calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let march_year = if month > 2 { year } else { year - 1 };
    let march_month = (month + 9) % 12;
    let leap_days =
        march_year.div_euclid(4) - march_year.div_euclid(100) + march_year.div_euclid(400);
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    march_year * 365 + leap_days + day_of_year - MARCH_0_TO_EPOCH
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + MARCH_0_TO_EPOCH;
    let cycle = days.div_euclid(DAYS_PER_400_YEARS);
    let day_of_cycle = days.rem_euclid(DAYS_PER_400_YEARS);
    // Take out the leap days passed so far, then years are even.
    let leap_days = day_of_cycle / 1_460 - day_of_cycle / 36_524 + day_of_cycle / 146_096;
    let year_of_cycle = (day_of_cycle - leap_days) / 365;
    let year_start = 365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100;
    let day_of_year = day_of_cycle - year_start;
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12 + 1;
    let year = cycle * 400 + year_of_cycle + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(epoch_us(text), expected, "{text}");
    }

    #[test]
    fn known_moments() {
        check("1970-01-01T00:00:00Z", Some(0));
        check("1969-12-31T23:59:59.999999Z", Some(-1));
        check("2000-02-29T12:00:00Z", Some(951_825_600_000_000));
        check("2026-01-02T03:04:05.678Z", Some(1_767_323_045_678_000));
        check("2026-01-02T03:04:05.6789999Z", Some(1_767_323_045_678_999));
        check("2026-01-02T03:04:05.6Z", Some(1_767_323_045_600_000));
        check("2026-01-02T05:04:05.678+02:00", Some(1_767_323_045_678_000));
        check("2026-01-01T19:34:05.678-07:30", Some(1_767_323_045_678_000));
    }

    #[test]
    fn edges_of_the_calendar() {
        check("0000-01-01T00:00:00Z", Some(EPOCH_US_MIN));
        check("9999-12-31T23:59:59.999999Z", Some(EPOCH_US_MAX));
        check("9999-12-31T23:59:59-00:01", None);
        check("0000-01-01T00:00:00+00:01", None);
        check("2023-02-29T00:00:00Z", None);
        check("1900-02-29T00:00:00Z", None);
        check("2024-02-29T00:00:00Z", Some(1_709_164_800_000_000));
        check("2016-12-31T23:59:60Z", None);
        check("2026-01-02T24:00:00Z", None);
        check("2026-01-02T03:04:05+24:00", None);
        check("2026-01-02T03:04:05-00:00", None);
    }

    #[test]
    fn bounded() {
        let fraction = "1".repeat(43);
        check(&format!("1970-01-01T00:00:00.{fraction}Z"), Some(111_111));
        check(&format!("1970-01-01T00:00:00.{fraction}1Z"), None);
    }

    #[test]
    fn formats_what_it_parses() {
        assert_eq!(format_ms_us(1_767_323_045_678_999), "2026-01-02T03:04:05.678Z");
        assert_eq!(format_ms_us(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(format_ms_us(i64::MIN), "0000-01-01T00:00:00.000Z");
        assert_eq!(format_ms_us(i64::MAX), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn every_day_of_eight_centuries_round_trips() {
        for days in -146_097..146_097 {
            let (year, month, day) = civil_from_days(days);
            assert!((1..=days_in_month(year, month)).contains(&day), "{days}");
            assert_eq!(days_from_civil(year, month, day), days);
        }
    }
}
