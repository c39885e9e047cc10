//! One message on its way to a push service (RFC 8030).

use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method};
use millrace_dataplane::query::web_push::PushSubscription;
use millrace_net::http::{HttpClient, HttpError, Limits, Request};
use millrace_runtime::rng::Rng;
use url::Url;

use crate::encrypt::{EncryptError, Fresh, Recipient};
use crate::vapid::Vapid;

/// How long a push service keeps a message for a browser that is away, in seconds.
const TTL: HeaderValue = HeaderValue::from_static("86400");
const TTL_NAME: HeaderName = HeaderName::from_static("ttl");
const URGENCY_NAME: HeaderName = HeaderName::from_static("urgency");
/// Bytes of a push service's answer, of which nothing is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Sent,
    /// There is no such browser any more, or there never can be one.
    Gone(String),
    /// It may be there later; how long the push service wants to be left alone.
    Failed(String, Option<Duration>),
}

pub(crate) struct Sender {
    pub(crate) http: HttpClient,
    pub(crate) vapid: Vapid,
    pub(crate) timeout: Duration,
    pub(crate) rng: Rng,
}

impl Sender {
    /// Encrypts the message for the browser and hands it to its push service.
    pub(crate) async fn send(&self, to: &PushSubscription, message: &[u8], now_us: i64) -> Outcome {
        let request = match self.request(to, message, now_us) {
            Ok(request) => request,
            Err(reason) => return Outcome::Gone(reason),
        };
        let limits = Limits::new(ANSWER_BYTES_MAX, self.timeout);
        match self.http.send(request, limits).await {
            Ok(answer) => match answer.status {
                200..300 => Outcome::Sent,
                status @ (404 | 410) => Outcome::Gone(format!("status {status}")),
                status => Outcome::Failed(format!("status {status}"), answer.retry_after(now_us)),
            },
            Err(error) => refused(&error),
        }
    }

    fn request(
        &self,
        to: &PushSubscription,
        message: &[u8],
        now_us: i64,
    ) -> Result<Request, String> {
        let endpoint: Url = to.endpoint.parse().map_err(|error| format!("its URL: {error}"))?;
        let said = |error: EncryptError| error.to_string();
        let fresh = Fresh::new(&mut |bytes| self.rng.fill(bytes));
        let body = Recipient::of(&to.keys).map_err(said)?.encrypt(message, &fresh).map_err(said)?;
        let authorization = self.vapid.authorization(&endpoint, now_us / 1_000_000);
        let authorization = HeaderValue::from_str(&authorization)
            .map_err(|_| "its URL is no header's value".to_owned())?;
        Ok(Request::new(Method::POST, endpoint)
            .unredirected()
            .header(AUTHORIZATION, authorization)
            .header(TTL_NAME, TTL)
            .header(URGENCY_NAME, HeaderValue::from_static("normal"))
            .header(CONTENT_ENCODING, HeaderValue::from_static("aes128gcm"))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
            .body(body))
    }
}

/// No answer came; one with any status is none of these.
fn refused(error: &HttpError) -> Outcome {
    match error {
        HttpError::Url { .. } | HttpError::Forbidden { .. } => Outcome::Gone(error.to_string()),
        error => Outcome::Failed(error.to_string(), error.retry_after()),
    }
}
