//! One delivery on its way to a receiver.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use millrace_net::http::{HttpClient, HttpError, Limits, Request};

use crate::message::Message;
use crate::sign::Signer;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
/// Bytes of a receiver's answer; of an error the beginning is shown to an operator.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Characters of an answer that are shown.
const SHOWN_CHARS_MAX: usize = 200;

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Delivered,
    /// It may be taken later.
    Failed(Reason, String),
    /// It never will be.
    Refused(String),
}

/// Why it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The receiver answered something else.
    Status,
    /// It did not answer.
    Unreachable,
}

impl Reason {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Unreachable => "unreachable",
        }
    }
}

/// The one receiver, and how it is told.
pub(crate) struct Sender {
    pub(crate) http: HttpClient,
    pub(crate) url: String,
    pub(crate) signer: Signer,
    pub(crate) timeout: Duration,
}

impl Sender {
    pub(crate) async fn send(&self, message: &Message, now_us: i64) -> Outcome {
        let request = match self.request(message, now_us.div_euclid(1_000_000)) {
            Ok(request) => request,
            Err(error) => return Outcome::Refused(error.to_string()),
        };
        let limits = Limits::new(ANSWER_BYTES_MAX, self.timeout);
        match self.http.open(request, limits).await {
            Ok(mut answer) => match answer.status() {
                // The event was taken; what is said about it is read so that the connection can be used again.
                200..300 => {
                    let _ = answer.whole().await;
                    Outcome::Delivered
                }
                status => {
                    let said = answer.next_chunk().await.ok().flatten();
                    judged(status, &said.unwrap_or_default())
                }
            },
            Err(error) => match error.status() {
                Some(status) => judged(status, b""),
                None => Outcome::Failed(reason(&error), error.to_string()),
            },
        }
    }

    fn request(
        &self,
        message: &Message,
        time_s: i64,
    ) -> Result<Request, http::header::InvalidHeaderValue> {
        let signature = self.signer.signature(&message.id, time_s, &message.body);
        let mut request = Request::new(Method::POST, self.url.as_str()).unredirected();
        for (name, value) in &message.headers {
            request = request.header(name.clone(), value.clone());
        }
        Ok(request
            .header(ID, HeaderValue::from_str(&message.id)?)
            .header(TIMESTAMP, HeaderValue::from(time_s))
            .header(SIGNATURE, HeaderValue::from_str(&signature)?)
            .body(message.body.clone()))
    }
}

fn reason(error: &HttpError) -> Reason {
    match error {
        HttpError::Redirects { .. } => Reason::Status,
        _ => Reason::Unreachable,
    }
}

/// What a status means. 408, 425 and 429 ask for patience; any other of 4xx says no.
fn judged(status: u16, answer: &[u8]) -> Outcome {
    let said = || {
        let text = String::from_utf8_lossy(answer);
        let shown: String =
            text.chars().filter(|c| !c.is_control()).take(SHOWN_CHARS_MAX).collect();
        match shown.trim() {
            "" => format!("status {status}"),
            shown => format!("status {status}: {shown}"),
        }
    };
    match status {
        200..300 => Outcome::Delivered,
        408 | 425 | 429 => Outcome::Failed(Reason::Status, said()),
        400..500 => Outcome::Refused(said()),
        _ => Outcome::Failed(Reason::Status, said()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_decides() {
        let check = |status: u16, expected: &str| {
            let found = match judged(status, b"told\n why") {
                Outcome::Delivered => "delivered".to_owned(),
                Outcome::Failed(reason, said) => format!("{} {said}", reason.code()),
                Outcome::Refused(said) => format!("refused {said}"),
            };
            assert_eq!(found, expected);
        };
        check(200, "delivered");
        check(204, "delivered");
        for status in [301, 408, 425, 429, 500, 503] {
            check(status, &format!("status status {status}: told why"));
        }
        for status in [400, 401, 404, 410, 422] {
            check(status, &format!("refused status {status}: told why"));
        }
        assert_eq!(judged(500, b" "), Outcome::Failed(Reason::Status, "status 500".to_owned()));
    }
}
