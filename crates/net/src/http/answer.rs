//! What an answer means: a redirect, a failure of the connection, an error status with its wait.

use std::error::Error as _;

use ::http::header::LOCATION;
use ::http::{HeaderMap, Method};
use bytes::{Bytes, BytesMut};
use url::Url;

use super::{BodyStream, HttpError, Response, URL_BYTES_MAX, host_of, retry_after};
use crate::guard::{NameFault, UrlFault};

/// Bytes of an error's body that are kept.
const ERROR_BODY_BYTES_MAX: usize = 16 * 1024;

/// Characters of a URL that an error shows.
const URL_SHOWN_CHARS_MAX: usize = 120;

/// A URL that the guard does not let pass.
pub(super) fn refused(url: &Url, fault: UrlFault) -> HttpError {
    match fault {
        UrlFault::Reason(reason) => HttpError::Url { url: shown(url), reason },
        UrlFault::Address { addr, reason } => {
            HttpError::Forbidden { host: host_of(url), addr, reason }
        }
    }
}

/// A URL as errors show it: without credentials and query, and not too long.
fn shown(url: &Url) -> String {
    let whole = format!("{}://{}{}", url.scheme(), host_of(url), url.path());
    whole.chars().take(URL_SHOWN_CHARS_MAX).collect()
}

/// Where an answer sends us, if anywhere.
pub(super) fn redirect(
    method: &Method,
    url: &Url,
    answer: &reqwest::Response,
) -> Result<Option<Url>, HttpError> {
    let moved = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    if !moved || !(method == Method::GET || method == Method::HEAD) {
        return Ok(None);
    }
    let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let next = location.filter(|to| to.len() <= URL_BYTES_MAX).and_then(|to| url.join(to).ok());
    let lost = || HttpError::Redirects { host: host_of(url), reason: "to nowhere" };
    next.map(Some).ok_or_else(lost)
}

/// Why the library below gave no answer.
pub(super) fn failed(host: &str, error: &reqwest::Error) -> HttpError {
    let host = host.to_owned();
    let mut cause = error.source();
    while let Some(inner) = cause {
        match inner.downcast_ref::<NameFault>() {
            Some(NameFault::Forbidden { addr, reason }) => {
                return HttpError::Forbidden { host, addr: *addr, reason };
            }
            Some(NameFault::NoSuchHost) => return HttpError::NoSuchHost { host },
            Some(NameFault::Unavailable(reason)) => {
                return HttpError::Connect { host, reason: reason.clone() };
            }
            None => cause = inner.source(),
        }
    }
    if error.is_connect() || error.is_timeout() {
        return HttpError::Connect { host, reason: deepest(error) };
    }
    HttpError::Truncated { host, reason: deepest(error) }
}

/// The innermost cause, which says most.
pub(super) fn deepest(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

pub(super) fn outcome(status: u16) -> &'static str {
    match status {
        200..=299 => "ok",
        429 => "rate_limited",
        500.. => "status_5xx",
        _ => "status_4xx",
    }
}

/// `body`, if the answer is 2xx.
pub(super) async fn succeeded(mut body: BodyStream) -> Result<BodyStream, HttpError> {
    let status = body.status();
    if (200..300).contains(&status) {
        return Ok(body);
    }
    let retry_after = retry_after::retry_after(body.answer.headers(), body.now_us);
    let host = body.host.clone();
    let body = start_of(&mut body).await;
    Err(match status {
        429 => HttpError::RateLimited { host, retry_after, body },
        _ => HttpError::Status { host, status, retry_after, body },
    })
}

/// The start of an error's body; whatever is wrong with the rest does not matter.
async fn start_of(body: &mut BodyStream) -> Bytes {
    let mut start = BytesMut::new();
    body.limits.bytes_max = body.limits.bytes_max.max(ERROR_BODY_BYTES_MAX);
    while let Ok(Some(chunk)) = body.next_chunk().await {
        let room = ERROR_BODY_BYTES_MAX - start.len();
        start.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if start.len() >= ERROR_BODY_BYTES_MAX {
            break;
        }
    }
    start.freeze()
}

pub(super) async fn finished(mut body: BodyStream) -> Result<Response, HttpError> {
    let status = body.status();
    let headers: HeaderMap = std::mem::take(body.answer.headers_mut());
    Ok(Response { status, headers, body: body.whole().await? })
}
