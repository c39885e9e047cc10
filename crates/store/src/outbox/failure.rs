//! What the headers of an item say that a consumer failed with: on the retry topics and on the one of what was given
//! up. The names are a public contract (`docs/guides/webhooks.md`).

use millrace_atproto::datetime::{epoch_us, format_ms_us};
use millrace_log::{HEADERS_BYTES_MAX, HEADERS_MAX, Headers, Item, Topic};

/// Bytes of an error that a header carries.
pub const FAILURE_BYTES_MAX: usize = 1_024;

const CONSUMER: &str = "failed-consumer";
const ATTEMPTS: &str = "failed-attempts";
const TOPIC: &str = "failed-topic";
const PARTITION: &str = "failed-partition";
const OFFSET: &str = "failed-offset";
const REASON: &str = "failed-reason";
const ERROR: &str = "failed-error";
const FIRST_AT: &str = "failed-first-at";
const RETRY_AT: &str = "retry-at";
const ALL: [&str; 9] =
    [CONSUMER, ATTEMPTS, TOPIC, PARTITION, OFFSET, REASON, ERROR, FIRST_AT, RETRY_AT];
/// What a header costs beside its name and value.
const FRAME_BYTES: usize = 3;

/// A consumer failed with an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Whose it is: others leave the item alone.
    pub consumer: String,
    /// How often it was tried.
    pub attempts: i64,
    /// Where it stood at first.
    pub topic: Topic,
    pub partition: u32,
    pub offset: i64,
    /// A stable code.
    pub reason: String,
    /// For a person.
    pub error: String,
    /// When it failed for the first time; in whole milliseconds.
    pub first_us: i64,
    /// Not to be tried before; none where it was given up.
    pub retry_us: Option<i64>,
}

impl Failure {
    /// Whose an item is that stands on a retry topic; nobody's where no consumer is named.
    #[must_use]
    pub fn consumer_of(headers: &Headers) -> Option<&str> {
        headers.text(CONSUMER)
    }

    /// When an item may be tried again: as its header says, and never later than its topic has it wait.
    #[must_use]
    pub fn due_us(topic: Topic, item: &Item) -> Option<i64> {
        let latest_us = item.appended_us.saturating_add(topic.wait_us()?);
        let said_us = item.headers.text(RETRY_AT).and_then(epoch_us);
        Some(said_us.map_or(latest_us, |said_us| said_us.min(latest_us)))
    }

    /// What the headers say; `None` where they say less than all of it, or something else.
    #[must_use]
    pub fn read(headers: &Headers) -> Option<Self> {
        Some(Self {
            consumer: headers.text(CONSUMER)?.to_owned(),
            attempts: headers.text(ATTEMPTS)?.parse().ok().filter(|attempts| *attempts > 0)?,
            topic: headers.text(TOPIC).and_then(Topic::parse)?,
            partition: headers.text(PARTITION)?.parse().ok()?,
            offset: headers.text(OFFSET)?.parse().ok()?,
            reason: headers.text(REASON)?.to_owned(),
            error: headers.text(ERROR)?.to_owned(),
            first_us: headers.text(FIRST_AT).and_then(epoch_us)?,
            retry_us: headers.text(RETRY_AT).and_then(epoch_us),
        })
    }

    /// `original` with what this says instead of what was said before. Of headers that leave no room for it the last
    /// ones go.
    #[must_use]
    pub fn headers(&self, original: &Headers) -> Headers {
        let mut said = vec![
            (CONSUMER, self.consumer.clone()),
            (ATTEMPTS, self.attempts.to_string()),
            (TOPIC, self.topic.name().to_owned()),
            (PARTITION, self.partition.to_string()),
            (OFFSET, self.offset.to_string()),
            (REASON, self.reason.clone()),
            (ERROR, cut(&self.error).to_owned()),
            (FIRST_AT, format_ms_us(self.first_us)),
        ];
        said.extend(self.retry_us.map(|retry_us| (RETRY_AT, format_ms_us(retry_us))));
        let bytes: usize =
            said.iter().map(|(name, value)| name.len() + value.len() + FRAME_BYTES).sum();
        let mut headers = Headers::NONE;
        for header in original.iter().filter(|header| !ALL.contains(&header.name.as_str())) {
            let cost = header.name.len() + header.value.len() + FRAME_BYTES;
            let fits = headers.bytes() + cost + bytes <= HEADERS_BYTES_MAX;
            if !fits || headers.len() + said.len() >= HEADERS_MAX {
                break;
            }
            // It was a header before, and there is room.
            let _ = headers.push(header.name.clone(), header.value.clone());
        }
        for (name, value) in said {
            let _ = headers.push(name, value);
        }
        headers
    }

    /// `headers` of an item that goes out again now.
    #[must_use]
    pub fn retried(headers: &Headers, now_us: i64) -> Headers {
        let mut again = headers.clone();
        // Room was left for it, unless whoever wrote them left none; then it waits for its topic's time.
        let _ = again.set(RETRY_AT, format_ms_us(now_us));
        again
    }
}

/// `text`, cut at a character's border.
fn cut(text: &str) -> &str {
    let end = (0..=text.len().min(FAILURE_BYTES_MAX)).rev().find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn failure() -> Failure {
        Failure {
            consumer: "webhook:a".to_owned(),
            attempts: 2,
            topic: Topic::PostUpdated,
            partition: 3,
            offset: 7,
            reason: "status".to_owned(),
            error: "status 500".to_owned(),
            first_us: 1_767_225_600_123_000,
            retry_us: Some(1_767_225_660_000_000),
        }
    }

    #[test]
    fn what_is_said_comes_back_and_replaces_what_was_said() {
        let mut original = Headers::NONE;
        original.push("ce_id", "1").unwrap();
        let first = failure().headers(&original);
        assert_eq!(first.text("ce_id"), Some("1"));
        assert_eq!(Failure::read(&first), Some(failure()));
        let last = Failure { attempts: 4, retry_us: None, ..failure() };
        let second = last.headers(&first);
        assert_eq!((second.len(), Failure::read(&second)), (9, Some(last)));
        assert_eq!(Failure::read(&original), None);
        assert_eq!(Failure::consumer_of(&second), Some("webhook:a"));
    }

    #[test]
    fn headers_without_room_lose_their_last() {
        let mut many = Headers::NONE;
        for n in 0..HEADERS_MAX {
            many.push(format!("n{n}"), "").unwrap();
        }
        let mut large = Headers::NONE;
        large.push("small", "").unwrap();
        large.push("large", vec![0; 15_900]).unwrap();
        for original in [many, large] {
            let long = Failure { error: "é".repeat(2_000), ..failure() };
            let headers = long.headers(&original);
            let read = Failure::read(&headers).unwrap();
            assert_eq!((read.error.len(), read.attempts), (FAILURE_BYTES_MAX, 2));
            assert!(headers.bytes() <= HEADERS_BYTES_MAX && headers.len() > ALL.len());
        }
    }

    #[test]
    fn nothing_waits_longer_than_its_topic_has_it_wait() {
        let check = |topic: Topic, said: Option<&str>, expected: Option<i64>| {
            let mut headers = Headers::NONE;
            said.iter().for_each(|said| headers.push(RETRY_AT, (*said).to_owned()).unwrap());
            let payload = bytes::Bytes::new();
            let item = Item { offset: 0, appended_us: 1_767_225_600_000_000, payload, headers };
            assert_eq!(Failure::due_us(topic, &item), expected, "{topic} {said:?}");
        };
        let minute = Some(1_767_225_660_000_000);
        check(Topic::PostCreatedRetry1m, None, minute);
        check(Topic::PostCreatedRetry1m, Some("soon"), minute);
        check(Topic::PostCreatedRetry1m, Some("9999-01-01T00:00:00Z"), minute);
        check(
            Topic::PostCreatedRetry1m,
            Some("2026-01-01T00:00:30.000Z"),
            Some(1_767_225_630_000_000),
        );
        check(Topic::PostCreatedRetry1h, None, Some(1_767_229_200_000_000));
        check(Topic::PostCreated, Some("9999-01-01T00:00:00Z"), None);
    }
}
