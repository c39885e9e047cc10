//! Feeds that answer as they should: the world's posts, newest first, with reasons, contexts and cursors.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use millrace_atproto::cbor;
use serde_json::{Value, json};

use super::{Asked, describe, feeds_of, note, refuse, send_interactions};
use crate::service::ServiceKind;
use crate::shared::Shared;
use crate::world::World;

const KIND: ServiceKind = ServiceKind::GoodFeeds;

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/xrpc/app.bsky.feed.getFeedSkeleton", get(get_feed_skeleton))
        .route("/xrpc/app.bsky.feed.sendInteractions", post(send_interactions))
        .route(
            "/xrpc/app.bsky.feed.describeFeedGenerator",
            get(async |State(shared): State<Arc<Shared>>| describe(&shared, KIND)),
        )
}

/// An item of a feed: where it stands in time, the post, and the repost through which it came.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Item {
    /// The record key that sorts it: of the repost, else of the post.
    rkey: String,
    post: String,
    repost: Option<String>,
}

async fn get_feed_skeleton(
    State(shared): State<Arc<Shared>>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    note(&shared, &asked, &headers);
    let world = shared.world.lock();
    if !feeds_of(&world, KIND).contains(&asked.feed) {
        return refuse(StatusCode::BAD_REQUEST, "UnknownFeed", "there is no such feed here");
    }
    let items = items(&world, asked.rkey());
    // Behind the item that the cursor names; an item that is gone since is no longer found by name.
    let from = match &asked.cursor {
        None => 0,
        Some(cursor) => items.partition_point(|item| key(item) >= *cursor),
    };
    let page: Vec<&Item> = items.iter().skip(from).take(asked.limit()).collect();
    let more = from + page.len() < items.len();
    let mut answer = json!({
        "feed": page.iter().enumerate().map(|(at, item)| shown(item, from + at, &asked)).collect::<Vec<_>>(),
        "reqId": format!("{}-{from}", asked.rkey()),
    });
    if let Some(last) = page.last().filter(|_| more) {
        answer["cursor"] = json!(key(last));
    }
    ([("content-language", "en")], Json(answer)).into_response()
}

/// What a cursor names an item by; falls along a feed.
fn key(item: &Item) -> String {
    format!("{}::{}", item.rkey, item.repost.as_deref().unwrap_or(&item.post))
}

fn shown(item: &Item, at: usize, asked: &Asked) -> Value {
    let mut shown = json!({"post": item.post, "feedContext": format!("place {at}")});
    if let Some(repost) = &item.repost {
        let reason = json!({"$type": "app.bsky.feed.defs#skeletonReasonRepost", "repost": repost});
        shown["reason"] = reason;
    } else if at == 0 && asked.rkey() == "pinned" {
        shown["reason"] = json!({"$type": "app.bsky.feed.defs#skeletonReasonPin"});
    }
    shown
}

/// The items of a feed, newest first.
fn items(world: &World, rkey: &str) -> Vec<Item> {
    let mut items = Vec::new();
    if rkey == "empty" {
        return items;
    }
    for account in world.accounts().filter(|account| account.status.is_active()) {
        let did = &account.identity.did;
        let own = |collection: &'static str| {
            account.repo.paths_in(collection).filter_map(move |path| {
                let (_, record) = account.repo.records().get(path)?;
                Some((path.rsplit('/').next()?.to_owned(), path, record))
            })
        };
        for (rkey, path, _) in own("app.bsky.feed.post") {
            items.push(Item { rkey, post: format!("at://{did}/{path}"), repost: None });
        }
        for (key, path, record) in own("app.bsky.feed.repost").filter(|_| rkey == "with-reposts") {
            let value = cbor::decode(record).ok();
            let subject = value.as_ref().and_then(|value| value.get("subject")?.get_str("uri"));
            if let Some(post) = subject.filter(|uri| uri.contains("/app.bsky.feed.post/")) {
                let repost = Some(format!("at://{did}/{path}"));
                items.push(Item { rkey: key, post: post.to_owned(), repost });
            }
        }
        if rkey == "with-holes" {
            let gone = world.services().iter().map(|service| service.did.to_string());
            items.extend(gone.map(|nobody| Item {
                rkey: "3k".to_owned(),
                post: format!("at://{nobody}/app.bsky.feed.post/3kaaaaaaaaaa2"),
                repost: None,
            }));
        }
    }
    items.sort_unstable_by_key(|item| std::cmp::Reverse(key(item)));
    items
}
