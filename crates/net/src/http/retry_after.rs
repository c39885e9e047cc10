//! How long a server asks to wait: `Retry-After` in seconds or as a date, else the reset time of
//! its rate limit, which PDSs send as seconds since the epoch.

use std::time::{Duration, UNIX_EPOCH};

use ::http::HeaderMap;
use ::http::header::RETRY_AFTER;

/// The longest wait that is believed.
const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Numbers from here on are times, not durations.
const EPOCH_S_MIN: u64 = 1_000_000_000;

/// The wait asked for, counted from `now_us`.
pub(super) fn retry_after(headers: &HeaderMap, now_us: i64) -> Option<Duration> {
    let now_s = u64::try_from(now_us / 1_000_000).unwrap_or(0);
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let wait_s = match text(RETRY_AFTER.as_str()) {
        Some(seconds) if seconds.bytes().all(|byte| byte.is_ascii_digit()) => {
            seconds.parse().ok()?
        }
        Some(date) => {
            let until = httpdate::parse_http_date(date).ok()?;
            until.duration_since(UNIX_EPOCH).ok()?.as_secs().saturating_sub(now_s)
        }
        None => match text("ratelimit-reset")?.parse::<u64>().ok()? {
            until if until >= EPOCH_S_MIN => until.saturating_sub(now_s),
            wait => wait,
        },
    };
    Some(Duration::from_secs(wait_s).min(WAIT_MAX))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use ::http::HeaderValue;

    use super::*;

    #[test]
    fn every_way_to_say_it_is_understood() {
        // 2024-01-01T00:00:00Z
        let now_us = 1_704_067_200_000_000;
        let check = |name: &'static str, value: &str, expected_s: Option<u64>| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_str(value).unwrap());
            assert_eq!(
                retry_after(&headers, now_us).map(|wait| wait.as_secs()),
                expected_s,
                "{value}"
            );
        };
        check("retry-after", "120", Some(120));
        check("retry-after", "0", Some(0));
        check("retry-after", "Mon, 01 Jan 2024 00:01:30 GMT", Some(90));
        check("retry-after", "Sun, 31 Dec 2023 00:00:00 GMT", Some(0));
        check("retry-after", "soon", None);
        check("retry-after", "99999999999999999999999", None);
        check("retry-after", "999999999", Some(86_400));
        check("ratelimit-reset", "1704067260", Some(60));
        check("ratelimit-reset", "30", Some(30));
        check("x-other", "30", None);
    }
}
