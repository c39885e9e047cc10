//! A third party that serves feeds: it answers as its script says, and remembers what it was asked.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};
use millrace_atproto::Did;
use millrace_runtime::supervise::TaskSet;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::people::{Ref, did};
use crate::world::World;

/// What the server does when it is asked.
#[derive(Debug, Clone)]
pub enum Script {
    /// Answers with JSON.
    Says(Value),
    /// Refuses, in a body of that type.
    Refuses(u16, &'static str, String),
    /// A page of the posts by cursor, which is a place among them, as long as there are more.
    Pages(Vec<Value>),
    /// Gives back the cursor it was given.
    Echoes(Vec<Value>),
    Garbage(&'static str),
    Silence,
    /// A body without end.
    Endless,
    Redirects(String),
    /// An answer of the language it was asked for.
    InLanguage(&'static str),
}

/// What it was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    pub params: HashMap<String, String>,
    pub headers: HeaderMap,
}

/// The server; it ends when it is dropped.
pub struct FeedServer {
    pub did: Did,
    pub url: String,
    inner: Arc<Inner>,
    _tasks: TaskSet<()>,
}

struct Inner {
    script: Mutex<Script>,
    asked: Mutex<Vec<Asked>>,
}

impl FeedServer {
    /// Starts a server, known to the world's directory by the name's DID.
    pub async fn start(world: &World, name: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Mutex::new(Script::Says(json!({ "feed": [] })));
        let inner = Arc::new(Inner { script, asked: Mutex::default() });
        let routes = Router::new()
            .route("/xrpc/app.bsky.feed.getFeedSkeleton", get(answer))
            .with_state(Arc::clone(&inner));
        let mut tasks = TaskSet::new();
        tasks.spawn("feeds", async move { axum::serve(listener, routes).await.unwrap() });
        let did = did(name);
        world.directory.serves_feeds(&did, &url);
        Self { did, url, inner, _tasks: tasks }
    }

    pub fn plays(&self, script: Script) {
        *self.inner.script.lock() = script;
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.inner.asked.lock().clone()
    }
}

/// An item of a skeleton.
pub fn item(post: &Ref) -> Value {
    json!({ "post": post.uri })
}

async fn answer(
    State(inner): State<Arc<Inner>>,
    Query(params): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    inner.asked.lock().push(Asked { params: params.clone(), headers });
    let script = inner.script.lock().clone();
    let cursor = params.get("cursor").cloned();
    match script {
        Script::Says(body) => axum::Json(body).into_response(),
        Script::Refuses(status, kind, body) => {
            let status = StatusCode::from_u16(status).unwrap();
            (status, [(header::CONTENT_TYPE, kind)], body).into_response()
        }
        Script::Pages(items) => axum::Json(page(items, &params)).into_response(),
        Script::Echoes(items) => {
            axum::Json(json!({ "feed": items, "cursor": cursor })).into_response()
        }
        Script::Garbage(body) => {
            ([(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Script::Silence => std::future::pending().await,
        Script::Endless => {
            let chunks = futures_util::stream::repeat_with(|| {
                Ok::<_, std::io::Error>(bytes::Bytes::from_static(&[b' '; 64 * 1024]))
            });
            ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(chunks))
                .into_response()
        }
        Script::Redirects(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Script::InLanguage(language) => {
            let body = axum::Json(json!({ "feed": [] }));
            ([(header::CONTENT_LANGUAGE, language)], body).into_response()
        }
    }
}

fn page(items: Vec<Value>, params: &HashMap<String, String>) -> Value {
    let number =
        |name: &str, default: usize| params.get(name).map_or(default, |text| text.parse().unwrap());
    let (from, limit) = (number("cursor", 0), number("limit", 50));
    let until = (from + limit).min(items.len());
    let next = (until < items.len()).then(|| until.to_string());
    json!({ "feed": items[from..until], "cursor": next, "reqId": "req-1" })
}
