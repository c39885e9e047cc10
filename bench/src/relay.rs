//! A relay that sends frames from memory, as many as it is allowed to, and the PLC directory of everybody in
//! this run: accounts of the frames with their own keys, all others with the one key of `people.rs`.
//!
//! Frames go to the socket many at a time, past the WebSocket library's own buffer: the relay works on the
//! cores that are measured, and should need little of them.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Result;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::StreamExt as _;
use http::{HeaderMap, StatusCode, header};
use millrace_runtime::supervise::{Shutdown, TaskSet};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::frames::Frames;
use crate::people;

/// Bytes that are handed to the socket at once, or one frame.
const WRITE_BYTES: usize = 512 << 10;

/// A running relay. Dropping it ends it.
pub struct Relay {
    addr: SocketAddr,
    stream_addr: SocketAddr,
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
        let streams = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (addr, stream_addr) = (listener.local_addr()?, streams.local_addr()?);
        let (sender, allowed) = watch::channel(0);
        let shutdown = Shutdown::new();
        let known = frames.header.accounts.iter();
        let shared = Arc::new(Shared {
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
        });
        let router = Router::new()
            .route("/xrpc/com.atproto.sync.getRepoStatus", get(get_repo_status))
            .route("/{did}", get(document))
            .route("/handles", get(handles))
            .route("/.well-known/atproto-did", get(atproto_did))
            .with_state(Arc::clone(&shared));
        let mut tasks = TaskSet::new();
        tasks.spawn("bench.streams", accept(streams, shared));
        let stop = shutdown.clone();
        tasks.spawn("bench.relay", async move {
            let served = axum::serve(listener, router)
                .with_graceful_shutdown(async move { stop.cancelled().await });
            if let Err(error) = served.await {
                eprintln!("the relay stopped answering: {error}");
            }
        });
        Ok(Self { addr, stream_addr, allowed: sender, shutdown, _tasks: tasks })
    }

    /// Lets it send the first so many frames.
    pub fn allow(&self, frames: usize) {
        self.allowed.send_replace(frames);
    }

    pub fn socket_url(&self) -> String {
        format!("ws://localhost:{}", self.stream_addr.port())
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

/// Serves `subscribeRepos` until the run ends.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut streams = TaskSet::new();
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            accepted = listener.accept() => {
                let Ok((socket, _)) = accepted else { continue };
                let shared = Arc::clone(&shared);
                streams.spawn("bench.stream", async move {
                    // A reader that goes away ends its stream; that is no error.
                    let _closed = subscribed(socket, &shared).await;
                });
            }
        }
    }
}

#[expect(clippy::result_large_err, reason = "the type of the callback is the library's")]
async fn subscribed(socket: TcpStream, shared: &Shared) -> Result<()> {
    let mut cursor = 0;
    let note = |request: &server::Request, response: server::Response| {
        cursor = cursor_of(request.uri().query().unwrap_or_default());
        Ok(response)
    };
    let socket = tokio_tungstenite::accept_hdr_async(socket, note).await?;
    stream(socket, shared, cursor).await
}

fn cursor_of(query: &str) -> i64 {
    let cursor = query.split('&').find_map(|pair| pair.strip_prefix("cursor="));
    cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(0)
}

async fn stream(
    mut socket: WebSocketStream<TcpStream>,
    shared: &Shared,
    cursor: i64,
) -> Result<()> {
    let frames = &shared.frames.frames;
    let mut next = frames.partition_point(|frame| frame.seq <= cursor);
    let mut allowed = shared.allowed.clone();
    let mut wire = Vec::with_capacity(WRITE_BYTES);
    loop {
        let until = (*allowed.borrow_and_update()).min(frames.len());
        while let Some(recorded) = frames[..until].get(next) {
            let opcode = OpCode::Data(Data::Binary);
            let header = FrameHeader { opcode, ..FrameHeader::default() };
            header.format(recorded.frame.len() as u64, &mut wire)?;
            wire.extend_from_slice(&recorded.frame);
            next += 1;
            if wire.len() >= WRITE_BYTES || next == until {
                // Answers to pings are out: `next` below sends them before it waits.
                socket.get_mut().write_all(&wire).await?;
                wire.clear();
            }
        }
        tokio::select! {
            () = shared.shutdown.cancelled() => return Ok(()),
            changed = allowed.changed() => changed?,
            message = socket.next() => match message {
                None | Some(Err(_)) => return Ok(()),
                Some(Ok(message)) if message.is_close() => return Ok(()),
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
