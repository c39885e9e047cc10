//! What is asked beside XRPC about homes and notifications: by a page of ours in the browser of who signed in, or by a
//! program.
//!
//! | file | routes |
//! | --- | --- |
//! | `home.rs` | `GET /api/v1/posts` |
//! | `seen.rs` | `POST /api/v1/feed/seen` |
//! | `push.rs` | `GET`, `POST` and `DELETE /api/v1/push` |
//! | `notifications.rs`, `groups.rs` | `GET /api/v1/notifications`, `GET /api/v1/notifications/unread` |
//! | `openapi.rs` | `GET /api/v1/openapi.json` |

mod groups;
pub(crate) mod home;
mod limited;
mod notifications;
mod openapi;
mod push;
mod seen;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::request::Parts;

use crate::error::XrpcError;
use crate::request::params::Params;
use crate::routes::{self, Verb};
use crate::xrpc::{Api, Call};

/// The routes; who may call them stands in [`ROUTES`].
pub(crate) fn router(api: Arc<Api>) -> Router {
    Router::new()
        .route(home::PATH, get(read_home))
        .route(seen::PATH, post(mark_seen))
        .route(openapi::PATH, get(openapi::document))
        .route(notifications::PATH, get(read_notifications))
        .route(notifications::UNREAD_PATH, get(count_unread))
        .route(push::PATH, get(read_push_key).post(put_push).delete(remove_push))
        .with_state(api)
}

/// A request taken as a call and answered. What the address says is read before it is known who asks.
pub(crate) async fn answer<A, T: IntoResponse>(
    api: &Api,
    (verb, path): (Verb, &'static str),
    parts: &Parts,
    asked: Result<A, XrpcError>,
    answer: impl AsyncFnOnce(&Call<'_>, A) -> Result<T, XrpcError>,
) -> Response {
    let answered = async {
        let asked = asked?;
        let call = Call::begin(api, routes::of(verb, path), parts).await?;
        let answer = answer(&call, asked).await;
        Ok(call.finish(answer))
    };
    api.answered(answered.await)
}

async fn read_home(State(api): State<Arc<Api>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let asked = Params::of(parts.uri.query()).and_then(|params| home::Asked::parse(&params));
    let route = (Verb::Get, home::PATH);
    answer(&api, route, &parts, asked, async |call, asked| asked.answer(call).await).await
}

async fn mark_seen(State(api): State<Arc<Api>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    answer(&api, (Verb::Post, seen::PATH), &parts, Ok(body), seen::mark).await
}

async fn read_notifications(State(api): State<Arc<Api>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let asked =
        Params::of(parts.uri.query()).and_then(|params| notifications::Asked::parse(&params));
    let route = (Verb::Get, notifications::PATH);
    answer(&api, route, &parts, asked, async |call, asked| asked.answer(call).await).await
}

async fn count_unread(State(api): State<Arc<Api>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let route = (Verb::Get, notifications::UNREAD_PATH);
    answer(&api, route, &parts, Ok(()), async |call, ()| notifications::unread(call).await).await
}

async fn read_push_key(State(api): State<Arc<Api>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let route = (Verb::Get, push::PATH);
    answer(&api, route, &parts, Ok(()), async |call, ()| push::key(call).await).await
}

async fn put_push(State(api): State<Arc<Api>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    answer(&api, (Verb::Post, push::PATH), &parts, Ok(body), push::put).await
}

async fn remove_push(State(api): State<Arc<Api>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    answer(&api, (Verb::Delete, push::PATH), &parts, Ok(body), push::remove).await
}
