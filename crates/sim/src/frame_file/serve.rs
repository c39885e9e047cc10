//! A relay that says what a file says, with a PLC directory of the file's accounts. After the last frame its
//! streams stay open and silent. It has no repositories.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path as UrlPath, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode, header};
use millrace_runtime::supervise::{Shutdown, TaskSet, spawn_thread};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::{FrameFile, Header, HeaderAccount, Recorded};

/// Frames read ahead of a reader.
const AHEAD_FRAMES: usize = 256;

/// A running relay of a file. Dropping it ends it.
pub struct FrameRelay {
    addr: SocketAddr,
    shutdown: Shutdown,
    _tasks: TaskSet<()>,
}

struct Shared {
    path: PathBuf,
    header: Header,
    url: String,
    shutdown: Shutdown,
}

impl FrameRelay {
    /// Serves a file on a free port of loopback.
    pub async fn start(path: &Path) -> Result<Self> {
        let header = FrameFile::open(path)?.header().clone();
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("binding a relay")?;
        let addr = listener.local_addr()?;
        let shutdown = Shutdown::new();
        let url = format!("http://localhost:{}", addr.port());
        let shared = Shared { path: path.to_owned(), header, url, shutdown: shutdown.clone() };
        let router = Router::new()
            .route("/xrpc/com.atproto.sync.subscribeRepos", get(subscribe))
            .route("/xrpc/com.atproto.sync.getRepoStatus", get(get_repo_status))
            .route("/plc/{did}", get(document))
            .route("/.well-known/atproto-did", get(atproto_did))
            .with_state(Arc::new(shared));
        let mut tasks = TaskSet::new();
        let stop = shutdown.clone();
        tasks.spawn("sim.frame_relay", async move {
            let served = axum::serve(listener, router)
                .with_graceful_shutdown(async move { stop.cancelled().await });
            if let Err(error) = served.await {
                tracing::error!(%error, "the relay of a file stopped answering");
            }
        });
        Ok(Self { addr, shutdown, _tasks: tasks })
    }

    /// Base URL of the relay, with the scheme of a WebSocket.
    pub fn relay_url(&self) -> String {
        format!("ws://localhost:{}", self.addr.port())
    }

    /// Base URL of the PLC directory.
    pub fn plc_url(&self) -> String {
        format!("http://localhost:{}/plc", self.addr.port())
    }

    /// Base URL of what the accounts' documents name as their PDS, which is also where handles resolve.
    pub fn pds_url(&self) -> String {
        format!("http://localhost:{}", self.addr.port())
    }
}

impl Drop for FrameRelay {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

#[derive(Deserialize)]
struct From {
    cursor: Option<i64>,
}

/// Without a cursor it begins at the beginning: in a file nothing is live.
async fn subscribe(
    State(shared): State<Arc<Shared>>,
    Query(from): Query<From>,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade.on_upgrade(move |socket| async move {
        // A reader that goes away ends its stream; that is no error.
        let _closed = stream(socket, shared, from.cursor.unwrap_or(0)).await;
    })
}

async fn stream(mut socket: WebSocket, shared: Arc<Shared>, cursor: i64) -> Result<()> {
    let (ahead, mut frames) = mpsc::channel(AHEAD_FRAMES);
    let path = shared.path.clone();
    spawn_thread("sim-frames", move || read_ahead(&path, cursor, &ahead))?;
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => return Ok(()),
            frame = frames.recv(), if !frames.is_closed() || !frames.is_empty() => {
                if let Some(Recorded { frame, .. }) = frame {
                    socket.send(Message::Binary(frame)).await?;
                }
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
                Some(Ok(_)) => {}
            },
        }
    }
}

/// Reads until the end, or until nobody listens any more.
fn read_ahead(path: &Path, cursor: i64, ahead: &mpsc::Sender<Recorded>) {
    let frames = FrameFile::open(path).and_then(|mut file| {
        while let Some(frame) = file.next_frame()? {
            if frame.seq >= cursor && ahead.blocking_send(frame).is_err() {
                break;
            }
        }
        Ok(())
    });
    if let Err(error) = frames {
        tracing::error!(%error, path = %path.display(), "a frame file cannot be served");
    }
}

fn account(shared: &Shared, is: impl Fn(&HeaderAccount) -> bool) -> Option<&HeaderAccount> {
    shared.header.accounts.iter().find(|account| is(account))
}

async fn document(State(shared): State<Arc<Shared>>, UrlPath(did): UrlPath<String>) -> Response {
    let Some(account) = account(&shared, |account| account.did == did) else {
        return (StatusCode::NOT_FOUND, Json(json!({"message": "not registered"}))).into_response();
    };
    Json(json!({
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": account.did,
        "alsoKnownAs": [format!("at://{}", account.handle)],
        "verificationMethod": [{
            "id": format!("{}#atproto", account.did),
            "type": "Multikey",
            "controller": account.did,
            "publicKeyMultibase": account.key,
        }],
        "service": [{
            "id": "#atproto_pds",
            "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": shared.url,
        }],
    }))
    .into_response()
}

#[derive(Deserialize)]
struct OfDid {
    did: String,
}

async fn get_repo_status(State(shared): State<Arc<Shared>>, Query(of): Query<OfDid>) -> Response {
    match account(&shared, |account| account.did == of.did) {
        Some(account) => Json(json!({"did": account.did, "active": true})).into_response(),
        None => (StatusCode::BAD_REQUEST, Json(json!({"error": "RepoNotFound"}))).into_response(),
    }
}

async fn atproto_did(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let handle = host.split(':').next().unwrap_or_default();
    match account(&shared, |account| account.handle == handle) {
        Some(account) => account.did.clone().into_response(),
        None => (StatusCode::NOT_FOUND, "handle not found").into_response(),
    }
}
