//! Hosts of feed generators: one whose feeds answer as they should, one whose feeds each do something else
//! that a reader must survive. Records of `app.bsky.feed.generator` point at them; which feed is meant, and so
//! how it behaves, its record key says.

mod good;
mod hostile;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use millrace_atproto::cbor;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::service::ServiceKind;
use crate::shared::Shared;
use crate::world::World;

pub(crate) use good::routes as good;
pub(crate) use hostile::routes as hostile;

/// Keys of the good feeds that are always there: the newest posts, those with reposts, one with a pinned
/// post, one that also names posts that are gone, and one without any.
pub const GOOD_RKEYS: [&str; 5] = ["newest", "with-reposts", "pinned", "with-holes", "empty"];

/// Keys of the hostile feeds; each says what its feed does.
pub const HOSTILE_RKEYS: [&str; 14] = [
    "silent",
    "dribbling",
    "endless",
    "malformed",
    "wrong-shape",
    "echoing-cursor",
    "same-page-forever",
    "redirect-private",
    "redirect-loop",
    "ten-thousand",
    "foreign-uris",
    "huge-fields",
    "refusing",
    "failing",
];

/// Requests that are remembered; the oldest go first.
pub(crate) const REQUESTS_MAX: usize = 1_000;

/// What a host of feeds was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRequest {
    /// `app.bsky.feed.getFeedSkeleton` or `app.bsky.feed.sendInteractions`.
    pub method: &'static str,
    /// The feed's URI, or what was sent.
    pub about: String,
    pub limit: Option<usize>,
    pub cursor: Option<String>,
    pub authorization: Option<String>,
    pub accept_language: Option<String>,
    pub topics: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Asked {
    feed: String,
    limit: Option<usize>,
    cursor: Option<String>,
}

impl Asked {
    /// The feed's record key.
    fn rkey(&self) -> &str {
        self.feed.rsplit('/').next().unwrap_or_default()
    }

    fn limit(&self) -> usize {
        self.limit.unwrap_or(50).clamp(1, 100)
    }
}

fn note(shared: &Shared, asked: &Asked, headers: &HeaderMap) {
    let header = |name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
    shared.note_feed_request(FeedRequest {
        method: "app.bsky.feed.getFeedSkeleton",
        about: asked.feed.clone(),
        limit: asked.limit,
        cursor: asked.cursor.clone(),
        authorization: header("authorization"),
        accept_language: header("accept-language"),
        topics: header("x-bsky-topics"),
    });
}

fn refuse(status: StatusCode, name: &str, message: &str) -> Response {
    (status, Json(json!({"error": name, "message": message}))).into_response()
}

/// URIs of the feeds whose records name the service.
fn feeds_of(world: &World, kind: ServiceKind) -> Vec<String> {
    let service = world.services().iter().find(|service| service.kind == kind);
    let did = service.map(|service| service.did.to_string()).unwrap_or_default();
    let mut uris = Vec::new();
    for account in world.accounts().filter(|account| account.status.is_active()) {
        for path in account.repo.paths_in("app.bsky.feed.generator") {
            let record = account.repo.records().get(path);
            let value = record.and_then(|(_, record)| cbor::decode(record).ok());
            if value.as_ref().and_then(|value| value.get_str("did")) == Some(&did) {
                uris.push(format!("at://{}/{path}", account.identity.did));
            }
        }
    }
    uris
}

fn describe(shared: &Shared, kind: ServiceKind) -> Json<Value> {
    let world = shared.world.lock();
    let service = world.services().iter().find(|service| service.kind == kind);
    let feeds: Vec<Value> =
        feeds_of(&world, kind).into_iter().map(|uri| json!({"uri": uri})).collect();
    Json(json!({"did": service.map(|service| service.did.as_str()), "feeds": feeds}))
}

async fn send_interactions(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Json(sent): Json<Value>,
) -> Json<Value> {
    let header = |name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
    shared.note_feed_request(FeedRequest {
        method: "app.bsky.feed.sendInteractions",
        about: sent.to_string(),
        limit: None,
        cursor: None,
        authorization: header("authorization"),
        accept_language: None,
        topics: None,
    });
    Json(json!({}))
}
