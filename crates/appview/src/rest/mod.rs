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

async fn read_home(State(api): State<Arc<Api>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let answered = async {
        let asked = home::Asked::parse(&Params::of(parts.uri.query())?)?;
        let call = Call::begin(&api, routes::of(Verb::Get, home::PATH), &parts).await?;
        let answer = asked.answer(&call).await;
        Ok(call.finish(answer))
    };
    api.answered(answered.await)
}

async fn mark_seen(State(api): State<Arc<Api>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let answered = async {
        let call = Call::begin(&api, routes::of(Verb::Post, seen::PATH), &parts).await?;
        let answer = seen::mark(&call, body).await;
        Ok(call.finish(answer.map(IntoResponse::into_response)))
    };
    api.answered(answered.await)
}

async fn read_notifications(State(api): State<Arc<Api>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let answered = async {
        let asked = notifications::Asked::parse(&Params::of(parts.uri.query())?)?;
        let call = Call::begin(&api, routes::of(Verb::Get, notifications::PATH), &parts).await?;
        let answer = asked.answer(&call).await;
        Ok(call.finish(answer))
    };
    api.answered(answered.await)
}

async fn count_unread(State(api): State<Arc<Api>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let answered = async {
        let call =
            Call::begin(&api, routes::of(Verb::Get, notifications::UNREAD_PATH), &parts).await?;
        let answer = notifications::unread(&call).await;
        Ok(call.finish(answer))
    };
    api.answered(answered.await)
}

async fn read_push_key(State(api): State<Arc<Api>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let answered = async {
        let call = Call::begin(&api, routes::of(Verb::Get, push::PATH), &parts).await?;
        let answer = push::key(&call).await;
        Ok(call.finish(answer))
    };
    api.answered(answered.await)
}

async fn put_push(State(api): State<Arc<Api>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let answered = async {
        let call = Call::begin(&api, routes::of(Verb::Post, push::PATH), &parts).await?;
        let answer = push::put(&call, body).await;
        Ok(call.finish(answer))
    };
    api.answered(answered.await)
}

async fn remove_push(State(api): State<Arc<Api>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let answered = async {
        let call = Call::begin(&api, routes::of(Verb::Delete, push::PATH), &parts).await?;
        let answer = push::remove(&call, body).await;
        Ok(call.finish(answer))
    };
    api.answered(answered.await)
}
