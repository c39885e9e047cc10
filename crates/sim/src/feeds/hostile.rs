//! Feeds that answer as they should not: never, for ever, or with what nobody can use.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::{Asked, describe, note, refuse, send_interactions};
use crate::service::ServiceKind;
use crate::shared::Shared;
use crate::world::World;

/// Items of the feed that has too many.
const TOO_MANY: usize = 10_000;
/// Between two bytes of the feed that dribbles.
const DRIBBLE: Duration = Duration::from_millis(50);
/// Of a feed's context there may be 2,000 characters, of a request's id 100.
const HUGE: usize = 200_000;

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/xrpc/app.bsky.feed.getFeedSkeleton", get(get_feed_skeleton))
        .route("/xrpc/app.bsky.feed.sendInteractions", post(send_interactions))
        .route(
            "/xrpc/app.bsky.feed.describeFeedGenerator",
            get(async |State(shared): State<Arc<Shared>>| {
                describe(&shared, ServiceKind::HostileFeeds)
            }),
        )
}

async fn get_feed_skeleton(
    State(shared): State<Arc<Shared>>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    note(&shared, &asked, &headers);
    match asked.rkey() {
        "silent" => {
            shared.line().cut().await;
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        "dribbling" => json_of(Body::from_stream(stream::unfold((), async |()| {
            tokio::time::sleep(DRIBBLE).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b" ")), ()))
        }))),
        "endless" => json_of(Body::from_stream(stream::repeat_with(|| {
            Ok::<_, std::io::Error>(Bytes::from_static(&[b'['; 16 * 1024]))
        }))),
        "malformed" => json_of(Body::from("{\"feed\": [{\"post\": ")),
        "wrong-shape" => Json(json!({"feed": {"post": 7}, "cursor": 9})).into_response(),
        "echoing-cursor" => {
            let cursor = asked.cursor.clone().unwrap_or_else(|| "again".to_owned());
            Json(json!({"feed": some(&shared, asked.limit()), "cursor": cursor})).into_response()
        }
        "same-page-forever" => {
            let page = asked.cursor.as_deref().and_then(|cursor| cursor.parse::<u64>().ok());
            let next = (page.unwrap_or(0) + 1).to_string();
            Json(json!({"feed": some(&shared, asked.limit()), "cursor": next})).into_response()
        }
        "redirect-private" => Redirect::temporary("http://10.0.0.1/xrpc/stolen").into_response(),
        "redirect-loop" => {
            let here = format!("/xrpc/app.bsky.feed.getFeedSkeleton?feed={}", asked.feed);
            Redirect::temporary(&here).into_response()
        }
        "ten-thousand" => {
            let few = some(&shared, 100);
            let many: Vec<&Value> = few.iter().cycle().take(TOO_MANY).collect();
            Json(json!({"feed": many})).into_response()
        }
        "foreign-uris" => Json(json!({"feed": foreign(&shared)})).into_response(),
        "huge-fields" => {
            let mut feed = some(&shared, asked.limit());
            for item in &mut feed {
                item["feedContext"] = json!("c".repeat(HUGE / asked.limit()));
            }
            Json(json!({"feed": feed, "reqId": "r".repeat(HUGE), "cursor": "k".repeat(HUGE)}))
                .into_response()
        }
        "refusing" => refuse(StatusCode::BAD_REQUEST, "NotForYou", "come back tomorrow"),
        "failing" => {
            (StatusCode::INTERNAL_SERVER_ERROR, "<html>out of order</html>").into_response()
        }
        _ => refuse(StatusCode::BAD_REQUEST, "UnknownFeed", "there is no such feed here"),
    }
}

fn json_of(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn posts(world: &World) -> impl Iterator<Item = String> + use<'_> {
    world.accounts().filter(|account| account.status.is_active()).flat_map(|account| {
        let paths = account.repo.paths_in("app.bsky.feed.post");
        paths.map(|path| format!("at://{}/{path}", account.identity.did))
    })
}

fn some(shared: &Shared, limit: usize) -> Vec<Value> {
    let world = shared.world.lock();
    posts(&world).take(limit).map(|post| json!({"post": post})).collect()
}

/// What is no post, or not written as one.
fn foreign(shared: &Shared) -> Vec<Value> {
    let world = shared.world.lock();
    let Some(account) = world.accounts().next() else { return Vec::new() };
    let (did, handle) = (&account.identity.did, &account.identity.handle);
    let mut items = vec![
        json!({"post": format!("at://{did}/app.bsky.actor.profile/self")}),
        json!({"post": format!("at://{handle}/app.bsky.feed.post/3kaaaaaaaaaa2")}),
        json!({"post": format!("at://{did}")}),
        json!({"post": "https://mill.sim.test/"}),
        json!({"post": ""}),
    ];
    items.extend(posts(&world).take(1).map(|post| {
        let reason =
            json!({"$type": "app.bsky.feed.defs#skeletonReasonRepost", "repost": "nowhere"});
        json!({"post": post, "reason": reason})
    }));
    items
}
