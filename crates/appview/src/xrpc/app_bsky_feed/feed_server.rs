//! Third parties that serve feeds: where a generator's service is, and what it answers.
//!
//! A service is anybody's: it has a bound in time and in bytes, is asked through the guarded client
//! alone, and what it says is checked before anything is done with it. Its own refusals are passed
//! on; everything else that goes wrong there is its fault, not ours.

use std::collections::BTreeMap;
use std::time::Duration;

use http::header::{ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_LANGUAGE, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use millrace_atproto::{AtUri, Did};
use millrace_net::{Limits, Request, Response};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::auth::is_api_token;
use crate::error::XrpcError;
use crate::xrpc::Call;

const SERVICE: (&str, &str) = ("#bsky_fg", "BskyFeedGenerator");
const METHOD: &str = "/xrpc/app.bsky.feed.getFeedSkeleton";
const TOPICS: HeaderName = HeaderName::from_static("x-bsky-topics");

/// Bytes of a skeleton: many times those of a full page with all it may carry.
const SKELETON_BYTES_MAX: usize = 2 << 20;
/// Bytes of what a feed passes through its readers, as its lexicon bounds them.
const FEED_CONTEXT_BYTES_MAX: usize = 2_000;
const REQ_ID_BYTES_MAX: usize = 100;
/// Characters of a refusal that are passed on.
const ERROR_NAME_CHARS_MAX: usize = 100;
const ERROR_MESSAGE_CHARS_MAX: usize = 1_000;

/// What is asked of a feed.
pub(super) struct Asked<'a> {
    pub(super) feed: &'a AtUri,
    pub(super) limit: u32,
    pub(super) cursor: Option<&'a str>,
}

/// What a service answered.
pub(super) struct Answered {
    pub(super) skeleton: Skeleton,
    pub(super) language: Option<HeaderValue>,
}

/// `app.bsky.feed.getFeedSkeleton`'s output, with whatever else there was.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Skeleton {
    pub(super) feed: Vec<Item>,
    pub(super) cursor: Option<String>,
    pub(super) req_id: Option<String>,
    #[serde(flatten)]
    pub(super) rest: BTreeMap<String, Value>,
}

/// `app.bsky.feed.defs#skeletonFeedPost`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item {
    pub(super) post: String,
    pub(super) reason: Option<Reason>,
    pub(super) feed_context: Option<String>,
}

/// Why a post is in the feed; reasons of other kinds are none.
#[derive(Deserialize)]
#[serde(tag = "$type")]
pub(super) enum Reason {
    #[serde(rename = "app.bsky.feed.defs#skeletonReasonRepost")]
    Repost { repost: String },
    #[serde(rename = "app.bsky.feed.defs#skeletonReasonPin")]
    Pin {},
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    message: Option<String>,
}

/// Where the service of that DID is reached.
pub(super) async fn endpoint(call: &Call<'_>, service: &str) -> Result<Url, XrpcError> {
    let unresolved = || XrpcError::invalid(format!("could not resolve identity: {service}"));
    let did = Did::parse(service).map_err(|_| unresolved())?;
    let identity = match call.api().resolver.identity(&did).await {
        Err(error) if error.is_transient() => {
            return Err(XrpcError::Unavailable(format!("the service of a feed: {error}")));
        }
        identity => identity.map_err(|_| unresolved())?,
    };
    let named = identity.service(SERVICE.0, SERVICE.1);
    let url = named.and_then(|service| Url::parse(&service.endpoint).ok());
    url.ok_or_else(|| {
        let message = format!("invalid feed generator service details in did document: {service}");
        XrpcError::invalid(message)
    })
}

/// Asks the service for a page, in the caller's name where the caller has one.
pub(super) async fn skeleton(
    call: &Call<'_>,
    endpoint: &Url,
    asked: Asked<'_>,
) -> Result<Answered, XrpcError> {
    let api = call.api();
    let request = Request { headers: passed_on(call), ..Request::get(url(endpoint, &asked)?) };
    let limits = Limits::new(SKELETON_BYTES_MAX, Duration::from_millis(api.feed_timeout_ms));
    let response = api.feed_servers.send(request, limits).await.map_err(|error| {
        tracing::debug!(%error, feed = %asked.feed, "a feed is not available");
        XrpcError::bad_gateway("UpstreamFailure", "feed unavailable")
    })?;
    if response.status >= 400 {
        return Err(refused(&response));
    }
    let skeleton = read(&response).ok_or_else(|| {
        XrpcError::bad_gateway("InvalidFeedResponse", "feed provided an invalid response")
    })?;
    Ok(Answered { skeleton, language: response.headers.get(CONTENT_LANGUAGE).cloned() })
}

fn url(endpoint: &Url, asked: &Asked<'_>) -> Result<String, XrpcError> {
    let mut url = endpoint.join(METHOD).map_err(|error| XrpcError::invalid(error.to_string()))?;
    url.query_pairs_mut()
        .append_pair("feed", &asked.feed.to_string())
        .append_pair("limit", &asked.limit.to_string())
        .extend_pairs(asked.cursor.map(|cursor| ("cursor", cursor)));
    Ok(url.into())
}

/// Whether it is by which a program acts here for an account: nobody else may see that.
fn is_of_program(authorization: &HeaderValue) -> bool {
    let line = authorization.to_str().unwrap_or_default();
    line.split_once(' ').is_some_and(|(_, token)| is_api_token(token.trim()))
}

/// The caller's token and what they like to read. No other credentials ever leave.
fn passed_on(call: &Call<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let asked = call.headers();
    if let Some(token) = asked.get(AUTHORIZATION).filter(|_| call.viewer().is_some())
        && !is_of_program(token)
    {
        headers.insert(AUTHORIZATION, token.clone());
    }
    if let Some(languages) = asked.get(ACCEPT_LANGUAGE) {
        headers.insert(ACCEPT_LANGUAGE, languages.clone());
    }
    let topics: Vec<&[u8]> = asked.get_all(&TOPICS).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(topics) = HeaderValue::from_bytes(&topics.join(&b","[..]))
        && !topics.is_empty()
    {
        headers.insert(TOPICS, topics);
    }
    headers
}

/// The skeleton, if it is one.
fn read(response: &Response) -> Option<Skeleton> {
    if !(200..300).contains(&response.status) || !is_json(response) {
        return None;
    }
    let skeleton: Skeleton = serde_json::from_slice(&response.body).ok()?;
    let short = |text: &Option<String>, bytes_max| {
        text.as_ref().is_none_or(|text: &String| text.len() <= bytes_max)
    };
    let sound = |item: &Item| {
        item.post.starts_with("at://") && short(&item.feed_context, FEED_CONTEXT_BYTES_MAX)
    };
    let is_sound = short(&skeleton.req_id, REQ_ID_BYTES_MAX) && skeleton.feed.iter().all(sound);
    is_sound.then_some(skeleton)
}

fn is_json(response: &Response) -> bool {
    let kind = response.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// The service's refusal in its own words, if it has any. A fault of its own is a bad gateway here.
fn refused(response: &Response) -> XrpcError {
    let status = match StatusCode::from_u16(response.status) {
        Ok(StatusCode::INTERNAL_SERVER_ERROR) | Err(_) => StatusCode::BAD_GATEWAY,
        Ok(status) => status,
    };
    let refusal = is_json(response).then(|| serde_json::from_slice::<Refusal>(&response.body).ok());
    let (name, message) = match refusal.flatten() {
        Some(Refusal { error, message }) => (error, message.unwrap_or_default()),
        None => {
            let message = format!("the feed answered with status {}", response.status);
            (name_of(response.status).to_owned(), message)
        }
    };
    XrpcError::Upstream {
        status,
        name: cut(&name, ERROR_NAME_CHARS_MAX),
        message: cut(&message, ERROR_MESSAGE_CHARS_MAX),
    }
}

fn cut(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).collect()
}

/// What XRPC calls a status.
fn name_of(status: u16) -> &'static str {
    match status {
        401 => "AuthenticationRequired",
        403 => "Forbidden",
        404 => "XRPCNotSupported",
        413 => "PayloadTooLarge",
        429 => "RateLimitExceeded",
        500 => "InternalServerError",
        501 => "MethodNotImplemented",
        503 => "NotEnoughResources",
        504 => "UpstreamTimeout",
        400..500 => "InvalidRequest",
        _ => "UpstreamFailure",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn response(status: u16, kind: &'static str, body: &str) -> Response {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
        Response { status, headers, body: body.to_owned().into() }
    }

    #[test]
    fn skeletons() {
        let check = |body: &Value, expected: Option<usize>| {
            let response = response(200, "application/json; charset=utf-8", &body.to_string());
            let read = read(&response);
            assert_eq!(read.map(|skeleton| skeleton.feed.len()), expected, "{body}");
        };
        let post = "at://did:plc:a/app.bsky.feed.post/1";
        check(&json!({ "feed": [] }), Some(0));
        check(&json!({ "feed": [{ "post": post }], "cursor": "x", "other": {} }), Some(1));
        let pin = json!({ "$type": "app.bsky.feed.defs#skeletonReasonPin" });
        check(&json!({ "feed": [{ "post": post, "reason": pin, "feedContext": "x" }] }), Some(1));
        let other = json!({ "$type": "com.example#reason", "x": [1] });
        check(&json!({ "feed": [{ "post": post, "reason": other }] }), Some(1));
        for broken in [
            json!({}),
            json!([]),
            json!({ "feed": {} }),
            json!({ "feed": [{ "post": 17 }] }),
            json!({ "feed": [{ "post": "https://example.com" }] }),
            json!({ "feed": [post] }),
            json!({ "feed": [], "cursor": 3 }),
            json!({ "feed": [], "reqId": "x".repeat(101) }),
            json!({ "feed": [{ "post": post, "feedContext": "x".repeat(2_001) }] }),
        ] {
            check(&broken, None);
        }
    }

    #[test]
    fn only_json_is_read() {
        assert!(read(&response(200, "text/html", r#"{"feed":[]}"#)).is_none());
        assert!(read(&response(304, "application/json", r#"{"feed":[]}"#)).is_none());
        assert!(read(&response(200, "application/json", r#"{"feed":["#)).is_none());
    }

    #[test]
    fn refusals() {
        let check = |status: u16, body: &str, expected: (u16, &str, &str)| {
            let refused = refused(&response(status, "application/json", body));
            let (status, name) = refused.wire();
            assert_eq!((status.as_u16(), name, refused.to_string().as_str()), expected, "{body}");
        };
        let unknown = json!({ "error": "UnknownFeed", "message": "none" }).to_string();
        check(400, &unknown, (400, "UnknownFeed", "none"));
        check(500, &unknown, (502, "UnknownFeed", "none"));
        check(401, "<html>", (401, "AuthenticationRequired", "the feed answered with status 401"));
        check(418, "{}", (418, "InvalidRequest", "the feed answered with status 418"));
        check(599, "", (599, "UpstreamFailure", "the feed answered with status 599"));
        let long = json!({ "error": "x".repeat(1_000) }).to_string();
        assert_eq!(refused(&response(400, "application/json", &long)).wire().1.len(), 100);
    }
}
