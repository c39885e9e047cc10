//! Where a PDS or the relay answers: the routes of both, and the faults between question and answer.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use http::{StatusCode, header};

use crate::faults::Mishap;
use crate::shared::{Scope, Shared};
use crate::{plc, relay, xrpc};

/// A repository is not larger.
const ANSWER_BYTES_MAX: usize = 1 << 30;

/// One PDS, or the relay.
#[derive(Clone)]
pub(crate) struct Door {
    pub shared: Arc<Shared>,
    pub scope: Scope,
}

/// The routes of a PDS.
pub(crate) fn pds(shared: &Arc<Shared>, host: usize) -> Router {
    let door = Door { shared: Arc::clone(shared), scope: Scope::Host(host) };
    let sync = xrpc::sync_routes().merge(xrpc::repo_routes());
    sync.layer(from_fn_with_state(door.clone(), mishaps))
        .merge(xrpc::name_routes())
        .route("/.well-known/did.json", get(plc::web_document))
        .route("/xrpc/com.atproto.sync.subscribeRepos", get(relay::subscribe))
        .with_state(door)
}

/// The routes of the relay. It has no repositories of its own: it sends those who want one to its PDS.
pub(crate) fn relay(shared: &Arc<Shared>) -> Router {
    let door = Door { shared: Arc::clone(shared), scope: Scope::Relay };
    xrpc::sync_routes()
        .merge(xrpc::relay_routes())
        .route("/xrpc/com.atproto.sync.subscribeRepos", get(relay::subscribe))
        .with_state(door)
}

/// Lets answers come late, wrong or not at all.
async fn mishaps(State(door): State<Door>, request: Request, next: Next) -> Response {
    let repo = request.uri().path().ends_with(".getRepo");
    let of = format!("{:?} {}", door.scope, request.uri());
    match door.shared.faults.mishap(&of, repo) {
        None => next.run(request).await,
        Some(Mishap::Late(by)) => {
            tokio::time::sleep(by).await;
            next.run(request).await
        }
        Some(Mishap::RateLimited(after_s)) => {
            let retry_after = [(header::RETRY_AFTER, after_s.to_string())];
            (StatusCode::TOO_MANY_REQUESTS, retry_after, "slow down").into_response()
        }
        Some(Mishap::ServerError) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "out of order").into_response()
        }
        Some(Mishap::Truncated) => cut_short(next.run(request).await).await,
        Some(Mishap::Broken) => broken(next.run(request).await).await,
    }
}

async fn half(response: Response) -> (http::response::Parts, Bytes) {
    let (mut head, body) = response.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    let whole = to_bytes(body, ANSWER_BYTES_MAX).await.unwrap_or_default();
    (head, whole.slice(..whole.len() / 2))
}

async fn cut_short(response: Response) -> Response {
    let (head, half) = half(response).await;
    Response::from_parts(head, Body::from(half))
}

async fn broken(response: Response) -> Response {
    let (head, half) = half(response).await;
    let pieces = [Ok(half), Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))];
    Response::from_parts(head, Body::from_stream(stream::iter(pieces)))
}
