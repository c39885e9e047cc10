//! A PDS as far as signing in needs one: it gives sessions for an app password or by OAuth (`auth_server.rs`), renews
//! and ends them, and takes records. It says of itself what it was asked.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, StatusCode, header};
use millrace_runtime::supervise::TaskSet;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::people::{blob_cid, did};
use crate::world::World;

/// The one password that is right.
pub const APP_PASSWORD: &str = "abcd-efgh-ijkl-mnop";

/// What it knows.
#[derive(Default)]
pub struct Known {
    /// Numbers the tokens that were given.
    given: u32,
    /// The access tokens that are good now, and their refresh tokens.
    good: Vec<(String, String)>,
    renewed: u32,
    pub ended: u32,
    /// Bodies of the records that were written.
    written: Vec<Value>,
    is_down: bool,
    breaks_off: bool,
    /// What the last one who asked to sign in by OAuth said.
    pub pushed: HashMap<String, String>,
    /// Of whom it gives tokens, if not of its own account.
    pub lies: Option<String>,
}

/// A PDS with one account; clones are the same.
#[derive(Clone)]
pub struct Pds {
    pub did: String,
    pub origin: String,
    pub known: Arc<Mutex<Known>>,
    _tasks: Arc<TaskSet<()>>,
}

impl Pds {
    /// Starts a PDS where somebody lives.
    pub async fn start(world: &World, who: &str) -> Self {
        world.actor(who);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        world.directory.hosts(&did(who), &origin);
        world.directory.point(&format!("{who}.test"), &did(who));
        let (did, known) = (did(who).to_string(), Arc::default());
        let of_routes = Self { did, origin, known, _tasks: Arc::new(TaskSet::new()) };
        let mut tasks = TaskSet::new();
        let routes = of_routes.routes();
        tasks.spawn("pds", async move { axum::serve(listener, routes).await.unwrap() });
        Self { _tasks: Arc::new(tasks), ..of_routes }
    }

    fn routes(&self) -> Router {
        let written = || post(takes_json);
        Router::new()
            .route("/xrpc/com.atproto.server.createSession", post(create))
            .route("/xrpc/com.atproto.server.refreshSession", post(refresh))
            .route("/xrpc/com.atproto.server.deleteSession", post(delete))
            .route("/xrpc/com.atproto.server.getSession", get(session))
            .route("/xrpc/com.atproto.repo.createRecord", post(create_record))
            .route("/xrpc/com.atproto.repo.putRecord", written())
            .route("/xrpc/com.atproto.repo.deleteRecord", written())
            .route("/xrpc/com.atproto.repo.applyWrites", written())
            .route("/xrpc/com.atproto.repo.uploadBlob", post(takes_blob))
            .route("/xrpc/com.atproto.moderation.createReport", written())
            .route("/xrpc/app.bsky.actor.putPreferences", written())
            .route("/xrpc/app.bsky.actor.getPreferences", get(answer_nothing))
            .merge(crate::auth_server::routes())
            .with_state(self.clone())
    }

    /// Access tokens given so far are taken no more; refresh tokens are.
    pub fn ends_access(&self) {
        self.known.lock().good.iter_mut().for_each(|(access, _)| access.clear());
    }

    /// No token given so far is taken any more.
    pub fn forgets_everybody(&self) {
        self.known.lock().good.clear();
    }

    /// From now on it does what it is asked, and the connection breaks before it says so.
    pub fn breaks_off(&self) {
        self.known.lock().breaks_off = true;
    }

    pub fn goes_down(&self, down: bool) {
        self.known.lock().is_down = down;
    }

    pub fn given(&self) -> u32 {
        self.known.lock().given
    }

    pub fn renewed(&self) -> u32 {
        self.known.lock().renewed
    }

    pub fn ended(&self) -> u32 {
        self.known.lock().ended
    }

    pub fn written(&self) -> Vec<Value> {
        self.known.lock().written.clone()
    }

    fn give(&self, known: &mut Known) -> Response {
        let (access, refresh) = known.give();
        let answer = json!({
            "did": self.did, "handle": "alice.test", "accessJwt": access, "refreshJwt": refresh, "active": true,
        });
        Json(answer).into_response()
    }
}

impl Known {
    /// A session that is new.
    pub fn give(&mut self) -> (String, String) {
        self.given += 1;
        let given = (format!("access-{}", self.given), format!("refresh-{}", self.given));
        self.good.push(given.clone());
        given
    }

    /// Another session in the place of the one that is renewed by `refresh`, if it is one.
    pub fn renew(&mut self, refresh: &str) -> Option<(String, String)> {
        let at = self.good.iter().position(|(_, good)| good == refresh)?;
        self.good.remove(at);
        self.renewed += 1;
        Some(self.give())
    }

    /// Ends the session of that refresh token.
    pub fn end(&mut self, refresh: &str) {
        self.ended += 1;
        self.good.retain(|(_, good)| good != refresh);
    }
}

pub fn refused(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error, "message": "no" }))).into_response()
}

fn bearer(headers: &HeaderMap) -> String {
    let line = headers.get(header::AUTHORIZATION).and_then(|line| line.to_str().ok());
    let token = line.and_then(|line| line.split_once(' ')).map(|(_, token)| token);
    token.unwrap_or_default().to_owned()
}

async fn create(State(pds): State<Pds>, Json(body): Json<Value>) -> Response {
    if body["password"] != APP_PASSWORD {
        return refused(StatusCode::UNAUTHORIZED, "AuthenticationRequired");
    }
    pds.give(&mut pds.known.lock())
}

async fn refresh(State(pds): State<Pds>, headers: HeaderMap) -> Response {
    let mut known = pds.known.lock();
    if known.is_down {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let Some((access, refresh)) = known.renew(&bearer(&headers)) else {
        return refused(StatusCode::BAD_REQUEST, "ExpiredToken");
    };
    Json(json!({ "did": pds.did, "accessJwt": access, "refreshJwt": refresh })).into_response()
}

async fn delete(State(pds): State<Pds>, headers: HeaderMap) -> Response {
    pds.known.lock().end(&bearer(&headers));
    StatusCode::OK.into_response()
}

async fn takes_json(state: State<Pds>, headers: HeaderMap, _body: Json<Value>) -> Response {
    answer_nothing(state, headers).await
}

async fn takes_blob(State(pds): State<Pds>, headers: HeaderMap, body: Body) -> Response {
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let link = json!({ "$link": blob_cid("uploaded") });
    let blob =
        json!({ "$type": "blob", "ref": link, "mimeType": "image/png", "size": bytes.len() });
    match is_good(&pds, &headers) {
        Ok(()) => Json(json!({ "blob": blob })).into_response(),
        Err(refused) => refused,
    }
}

async fn answer_nothing(State(pds): State<Pds>, headers: HeaderMap) -> Response {
    match is_good(&pds, &headers) {
        Ok(()) => Json(json!({})).into_response(),
        Err(refused) => refused,
    }
}

async fn session(State(pds): State<Pds>, headers: HeaderMap) -> Response {
    match is_good(&pds, &headers) {
        Ok(()) => Json(json!({ "did": pds.did, "handle": "alice.test" })).into_response(),
        Err(refused) => refused,
    }
}

async fn create_record(
    State(pds): State<Pds>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    if let Err(refused) = is_good(&pds, &headers) {
        return refused;
    }
    let mut known = pds.known.lock();
    known.written.push(body);
    if known.breaks_off {
        let broken = stream::once(async { Err::<Bytes, _>(std::io::Error::other("gone")) });
        return Body::from_stream(broken).into_response();
    }
    let answer = json!({ "uri": format!("at://{}/app.bsky.feed.post/1", pds.did), "cid": "x" });
    Json(answer).into_response()
}

#[expect(clippy::result_large_err, reason = "tests")]
fn is_good(pds: &Pds, headers: &HeaderMap) -> Result<(), Response> {
    let known = pds.known.lock();
    if known.is_down {
        return Err(StatusCode::BAD_GATEWAY.into_response());
    }
    let token = bearer(headers);
    match known.good.iter().any(|(access, _)| *access == token) {
        true => Ok(()),
        false => Err(refused(StatusCode::BAD_REQUEST, "ExpiredToken")),
    }
}
