//! A relay that sends frames from memory, as many as it is allowed to, and the PLC directory of everybody in
//! this run: accounts of the frames with their own keys, all others with the one key of `people.rs`.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Result;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::SinkExt as _;
use http::{HeaderMap, StatusCode, header};
use millrace_runtime::supervise::{Shutdown, TaskSet};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::frames::Frames;
use crate::people;

/// Frames that are handed to the socket between two flushes.
const FLUSH_FRAMES: usize = 32;

/// A running relay. Dropping it ends it.
pub struct Relay {
    addr: SocketAddr,
    allowed: watch::Sender<usize>,
    shutdown: Shutdown,
    _tasks: TaskSet<()>,
}

struct Shared {
    frames: Arc<Frames>,
    /// By DID: handle and key.
    accounts: HashMap<String, (String, String)>,
    dids: HashMap<String, String>,
    stranger_key: String,
    url: String,
    allowed: watch::Receiver<usize>,
    shutdown: Shutdown,
}

impl Relay {
    pub async fn start(frames: Arc<Frames>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let (sender, allowed) = watch::channel(0);
        let shutdown = Shutdown::new();
        let known = frames.header.accounts.iter();
        let shared = Shared {
            accounts: known
                .clone()
                .map(|it| (it.did.clone(), (it.handle.clone(), it.key.clone())))
                .collect(),
            dids: known.map(|it| (it.handle.clone(), it.did.clone())).collect(),
            stranger_key: people::key()?.public().to_multibase(),
            frames,
            url: format!("http://localhost:{}", addr.port()),
            allowed,
            shutdown: shutdown.clone(),
        };
        let router = Router::new()
            .route("/xrpc/com.atproto.sync.subscribeRepos", get(subscribe))
            .route("/xrpc/com.atproto.sync.getRepoStatus", get(get_repo_status))
            .route("/{did}", get(document))
            .route("/handles", get(handles))
            .route("/.well-known/atproto-did", get(atproto_did))
            .with_state(Arc::new(shared));
        let mut tasks = TaskSet::new();
        let stop = shutdown.clone();
        tasks.spawn("bench.relay", async move {
            let served = axum::serve(listener, router)
                .with_graceful_shutdown(async move { stop.cancelled().await });
            if let Err(error) = served.await {
                eprintln!("the relay stopped answering: {error}");
            }
        });
        Ok(Self { addr, allowed: sender, shutdown, _tasks: tasks })
    }

    /// Lets it send the first so many frames.
    pub fn allow(&self, frames: usize) {
        self.allowed.send_replace(frames);
    }

    pub fn socket_url(&self) -> String {
        format!("ws://localhost:{}", self.addr.port())
    }

    /// The directory, and where handles are looked up.
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.addr.port())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

#[derive(Deserialize)]
struct From {
    cursor: Option<i64>,
}

async fn subscribe(
    State(shared): State<Arc<Shared>>,
    Query(from): Query<From>,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade.on_upgrade(move |socket| async move {
        // A reader that goes away ends its stream; that is no error.
        let _closed = stream(socket, &shared, from.cursor.unwrap_or(0)).await;
    })
}

async fn stream(mut socket: WebSocket, shared: &Shared, cursor: i64) -> Result<()> {
    let frames = &shared.frames.frames;
    let mut next = frames.partition_point(|frame| frame.seq <= cursor);
    let mut allowed = shared.allowed.clone();
    loop {
        let until = (*allowed.borrow_and_update()).min(frames.len());
        while next < until {
            let end = (next + FLUSH_FRAMES).min(until);
            for recorded in &frames[next..end] {
                socket.feed(Message::Binary(recorded.frame.clone())).await?;
            }
            socket.flush().await?;
            next = end;
        }
        tokio::select! {
            () = shared.shutdown.cancelled() => return Ok(()),
            changed = allowed.changed() => changed?,
            message = socket.recv() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
                Some(Ok(_)) => {}
            },
        }
    }
}

async fn document(State(shared): State<Arc<Shared>>, Path(did): Path<String>) -> Json<Value> {
    let stranger = || ("stranger.bench.test".to_owned(), shared.stranger_key.clone());
    let (handle, key) = shared.accounts.get(&did).cloned().unwrap_or_else(stranger);
    Json(json!({
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": did,
        "alsoKnownAs": [format!("at://{handle}")],
        "verificationMethod": [{
            "id": format!("{did}#atproto"),
            "type": "Multikey",
            "controller": did,
            "publicKeyMultibase": key,
        }],
        "service": [{
            "id": "#atproto_pds",
            "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": shared.url,
        }],
    }))
}

/// Every handle of the frames' accounts and its DID, for a resolver that cannot ask hosts.
async fn handles(State(shared): State<Arc<Shared>>) -> Json<HashMap<String, String>> {
    Json(shared.dids.clone())
}

#[derive(Deserialize)]
struct OfDid {
    did: String,
}

async fn get_repo_status(Query(of): Query<OfDid>) -> Json<Value> {
    Json(json!({"did": of.did, "active": true}))
}

async fn atproto_did(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    match shared.dids.get(host.split(':').next().unwrap_or_default()) {
        Some(did) => did.clone().into_response(),
        None => (StatusCode::NOT_FOUND, "handle not found").into_response(),
    }
}
