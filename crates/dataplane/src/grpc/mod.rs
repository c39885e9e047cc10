//! gRPC beside `/internal`, on the same listener and behind the same secret, which comes as the
//! metadata `authorization: Bearer <secret>`. The contract is `proto/`; a test holds the messages
//! here against it, so that building needs no `protoc`.

mod status;
pub mod user;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Response, header};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use axum::routing::{any, post};
use millrace_runtime::config::Secret;
use tonic::Status;
use tonic::body::Body;
use tonic::server::{Grpc, UnaryService};
use tonic_prost::ProstCodec;

use crate::client::Local;

/// Largest request message, bytes.
pub const REQUEST_BYTES_MAX: usize = 64 << 10;

/// The services; `secret` guards them when it is given.
pub fn routes(local: Arc<Local>, secret: Option<Secret>) -> Router {
    let user = format!("/{}/{{*method}}", user::SERVICE);
    let router = Router::new()
        .route(&method(user::SERVICE, "GetFollowers"), post(get_followers))
        .route(&user, any(unknown))
        .with_state(local);
    guarded(router, secret)
}

/// Services that want the secret, where there is one.
pub fn guarded(router: Router, secret: Option<Secret>) -> Router {
    router.layer(middleware::from_fn_with_state(Arc::new(secret), guard))
}

/// A method's path.
fn method(service: &str, method: &str) -> String {
    format!("/{service}/{method}")
}

async fn get_followers(State(local): State<Arc<Local>>, request: Request) -> Response<Body> {
    unary(user::GetFollowers { local }, request).await
}

/// Reads the message, has the method answer it, and writes the answer or the status.
pub async fn unary<M, Q, A>(method: M, request: Request) -> Response<Body>
where
    M: UnaryService<Q, Response = A>,
    Q: prost::Message + Default + 'static,
    A: prost::Message + Default + 'static,
{
    let mut grpc =
        Grpc::new(ProstCodec::<A, Q>::default()).max_decoding_message_size(REQUEST_BYTES_MAX);
    grpc.unary(method, request).await
}

/// What a method is that a service does not have.
pub async fn unknown() -> Response<Body> {
    Status::unimplemented("there is no such method").into_http()
}

async fn guard(
    State(secret): State<Arc<Option<Secret>>>,
    request: Request,
    next: Next,
) -> axum::response::Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    match secret.as_ref() {
        Some(secret) if !secret.matches(given) => {
            let refused = Status::unauthenticated("the internal secret is missing or wrong");
            refused.into_http::<Body>().into_response()
        }
        _ => next.run(request).await,
    }
}
