//! What a method is to the listener: parameters that parse, and an answer. Everything before and
//! after is the same for all of them and stands here.

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{FromRequestParts as _, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::request::Parts;
use http::{HeaderValue, header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Api, Call};
use crate::error::XrpcError;
use crate::request::body;
use crate::request::params::Params;
use crate::routes::Route;

/// A method that is asked with GET.
pub(crate) trait Query: Sized + Send {
    const NSID: &'static str;

    /// Reads and checks the parameters; nothing is asked before that.
    fn parse(params: &Params<'_>) -> Result<Self, XrpcError>;

    fn answer(self, call: &Call<'_>) -> impl Future<Output = Result<Json, XrpcError>> + Send;
}

/// A method that is called with POST and a JSON body.
pub(crate) trait Procedure: DeserializeOwned + Send {
    const NSID: &'static str;
    /// [`Json`], or `()` where it answers nothing.
    type Answer: IntoResponse;

    fn run(self, call: &Call<'_>) -> impl Future<Output = Result<Self::Answer, XrpcError>> + Send;
}

/// A method that is a stream over a WebSocket.
pub(crate) trait Subscription: Sized + Send {
    const NSID: &'static str;

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError>;

    /// Takes the connection up; what is told on it comes behind this.
    fn open(self, api: &Api, upgrade: Upgrade) -> Result<Response, XrpcError>;
}

/// A WebSocket's handshake, if the request is one.
pub(crate) type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

/// An answer's body, and the language it is in where a third party says so.
#[derive(Debug)]
pub(crate) struct Json {
    body: Vec<u8>,
    language: Option<HeaderValue>,
}

impl Json {
    pub(crate) fn of(view: &impl Serialize) -> Result<Self, XrpcError> {
        Ok(Self { body: serde_json::to_vec(view)?, language: None })
    }

    /// Of a view that is so many bytes long, or a little longer.
    pub(crate) fn sized(view: &impl Serialize, bytes: usize) -> Result<Self, XrpcError> {
        let mut body = Vec::with_capacity(bytes);
        serde_json::to_writer(&mut body, view)?;
        Ok(Self { body, language: None })
    }

    pub(crate) fn in_language(self, language: Option<HeaderValue>) -> Self {
        Self { language, ..self }
    }
}

/// An object put together from what is JSON already, and long.
#[derive(Debug)]
pub(crate) struct JsonObject(Vec<u8>);

impl JsonObject {
    pub(crate) fn of(name: &'static str, json: &[u8]) -> Self {
        let mut object = Self(Vec::with_capacity(json.len() + name.len() + 8));
        object.0.push(b'{');
        object.field(name, json);
        object
    }

    pub(crate) fn add(&mut self, name: &'static str, json: &[u8]) {
        self.0.push(b',');
        self.field(name, json);
    }

    /// Names are those of lexicons: nothing in them needs an escape.
    fn field(&mut self, name: &'static str, json: &[u8]) {
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
        self.0.extend_from_slice(json);
    }

    pub(crate) fn end(mut self) -> Json {
        self.0.push(b'}');
        Json { body: self.0, language: None }
    }
}

impl IntoResponse for Json {
    fn into_response(self) -> Response {
        const TYPE: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
        let mut response = ([(header::CONTENT_TYPE, TYPE)], self.body).into_response();
        if let Some(language) = self.language {
            response.headers_mut().insert(header::CONTENT_LANGUAGE, language);
        }
        response
    }
}

/// A method as the listener calls it.
pub(super) type Handler = fn(&Api, Route, Request) -> BoxFuture<'_, Response>;

pub(super) const fn query<Q: Query>() -> (&'static str, Handler) {
    (Q::NSID, |api, route, request| {
        Box::pin(async move {
            let (parts, _) = request.into_parts();
            api.answered(run_query::<Q>(api, route, &parts).await)
        })
    })
}

pub(super) const fn procedure<P: Procedure>() -> (&'static str, Handler) {
    (P::NSID, |api, route, request| {
        Box::pin(async move { api.answered(run_procedure::<P>(api, route, request).await) })
    })
}

pub(super) const fn subscription<S: Subscription>() -> (&'static str, Handler) {
    (S::NSID, |api, route, request| {
        Box::pin(async move { api.answered(open_subscription::<S>(api, route, request).await) })
    })
}

async fn open_subscription<S: Subscription>(
    api: &Api,
    route: Route,
    request: Request,
) -> Result<Response, XrpcError> {
    let (mut parts, _) = request.into_parts();
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await;
    let subscription = S::parse(&Params::of(parts.uri.query())?)?;
    let call = Call::begin(api, route, &parts).await?;
    Ok(call.finish(subscription.open(api, upgrade)))
}

/// How often a query is answered again because a write of the caller's own was indexed meanwhile.
const ANSWERED_AGAIN_MAX: usize = 3;

async fn run_query<Q: Query>(
    api: &Api,
    route: Route,
    parts: &Parts,
) -> Result<Response, XrpcError> {
    if has_body(parts) {
        return Err(XrpcError::invalid("a body was sent where none is expected"));
    }
    let params = Params::of(parts.uri.query())?;
    let query = Q::parse(&params)?;
    let call = Call::begin(api, route, parts).await?;
    let mut answer = query.answer(&call).await;
    for _ in 0..ANSWERED_AGAIN_MAX {
        if !call.repo_rev_moved().await? {
            break;
        }
        answer = Q::parse(&params)?.answer(&call).await;
    }
    Ok(call.finish(answer))
}

async fn run_procedure<P: Procedure>(
    api: &Api,
    route: Route,
    request: Request,
) -> Result<Response, XrpcError> {
    let (parts, body) = request.into_parts();
    let call = Call::begin(api, route, &parts).await?;
    let body = body::read(body, api.body_bytes_max).await?;
    let input: P = input(&parts, &body)?;
    let answer = input.run(&call).await;
    Ok(call.finish(answer))
}

fn input<P: DeserializeOwned>(parts: &Parts, body: &Bytes) -> Result<P, XrpcError> {
    if body.is_empty() {
        return Err(XrpcError::invalid("a body is expected and none was sent"));
    }
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(XrpcError::invalid("the body must be application/json"));
    }
    body::parse(body)
}

fn has_body(parts: &Parts) -> bool {
    let length = parts.headers.get(header::CONTENT_LENGTH);
    parts.headers.contains_key(header::TRANSFER_ENCODING)
        || length.is_some_and(|length| length.as_bytes() != b"0")
}

impl Api {
    /// What is sent; who was refused is counted.
    pub(crate) fn answered(&self, answer: Result<Response, XrpcError>) -> Response {
        answer.unwrap_or_else(|error| {
            if let XrpcError::Auth(refused) = &error {
                self.metrics.refused(refused.name());
            }
            error.into_response()
        })
    }
}
