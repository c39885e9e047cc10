//! A Jetstream on loopback that says what a test has it say: whole messages, in the order given, at
//! positions of the test's choice, on either wire.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, serve};
use millrace_atproto::car::{CarLimits, CarSlice};
use millrace_atproto::cbor;
use millrace_atproto::frame::Frame;
use millrace_ingest::{SourceConfig, SourceKind};
use millrace_runtime::supervise::TaskSet;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use zstd::bulk::Compressor;

/// Cursors from here on are times.
const TIMES: i64 = 1_000_000_000_000_000;

type Pairs = Vec<(String, String)>;

#[derive(Default)]
pub struct Play {
    /// What is sent, in this order, each at its position.
    pub events: Vec<(i64, Message)>,
    /// Events before this position are not kept any more.
    pub oldest: i64,
    /// The query of each connection made.
    pub queries: Vec<Pairs>,
    /// A number and the bytes.
    pub dictionary: Option<(u32, Vec<u8>)>,
    pub dictionary_asked: u32,
    /// Answers handshakes with this status and error.
    pub refuse: Option<(u16, &'static str)>,
}

pub struct Jet {
    addr: SocketAddr,
    inner: Arc<Inner>,
    _tasks: TaskSet<()>,
}

struct Inner {
    play: Mutex<Play>,
    changed: watch::Sender<u64>,
    broken: watch::Sender<u64>,
}

impl Jet {
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let inner = Arc::new(Inner {
            play: Mutex::default(),
            changed: watch::channel(0).0,
            broken: watch::channel(0).0,
        });
        let router = Router::new()
            .route("/subscribe", get(subscribe_v1))
            .route("/xrpc/network.bsky.jetstream.subscribeEvents", get(subscribe_v2))
            .route("/xrpc/network.bsky.jetstream.getZstdDictionary", get(dictionary))
            .with_state(Arc::clone(&inner));
        let mut tasks = TaskSet::new();
        tasks.spawn("jet", async move { serve(listener, router).await.unwrap() });
        Self { addr, inner, _tasks: tasks }
    }

    /// It as a source, from its oldest event.
    pub fn source(&self, name: &str, kind: SourceKind) -> SourceConfig {
        SourceConfig {
            name: name.to_owned(),
            kind,
            url: self.url(),
            cursor: Some(0),
            rewind_ms: 1_000,
            ..SourceConfig::default()
        }
    }

    pub fn url(&self) -> String {
        format!("ws://{}", self.addr)
    }

    pub fn set<T>(&self, change: impl FnOnce(&mut Play) -> T) -> T {
        let result = change(&mut self.inner.play.lock());
        self.inner.changed.send_modify(|n| *n += 1);
        result
    }

    pub fn emit(&self, position: i64, text: impl Into<String>) {
        let message = Message::Text(text.into().into());
        self.set(|play| play.events.push((position, message)));
    }

    /// A commit as this wire tells it, its operations at these positions.
    pub fn tell(&self, kind: SourceKind, positions: &[i64], frame: &[u8]) {
        let ops = told(frame);
        assert_eq!(ops.len(), positions.len());
        for (op, position) in ops.iter().zip(positions) {
            self.emit(*position, op.message(kind, *position));
        }
    }

    pub fn disconnect(&self) {
        self.inner.broken.send_modify(|n| *n += 1);
    }

    /// The cursor of each connection made.
    pub fn cursors(&self) -> Vec<Option<i64>> {
        let play = self.inner.play.lock();
        play.queries.iter().map(cursor).collect()
    }
}

/// One operation of a commit.
#[derive(Debug, Clone)]
pub struct Op {
    pub did: String,
    pub commit: Value,
}

impl Op {
    pub fn message(&self, kind: SourceKind, position: i64) -> String {
        match kind {
            SourceKind::JetstreamV1 => v1(position, &self.did, "commit", self.commit.clone()),
            _ => {
                let mut payload = self.commit.clone();
                payload["$type"] = json!("network.bsky.jetstream.subscribeEvents#commit");
                payload["seq"] = json!(position);
                payload["did"] = json!(self.did);
                payload["time"] = json!(crate::person::TIME);
                json!({"$type": "message", "payload": payload}).to_string()
            }
        }
    }
}

/// What a Jetstream makes of a `#commit`.
pub fn told(frame: &[u8]) -> Vec<Op> {
    let Frame::Commit(commit) = Frame::parse(frame).unwrap() else { panic!("no commit") };
    let car = CarSlice::parse(commit.blocks, &CarLimits::COMMIT).unwrap();
    let op = |op: &millrace_atproto::frame::RepoOp<'_>| {
        let (collection, rkey) = op.path.split_once('/').unwrap();
        let mut told = json!({
            "rev": commit.rev, "operation": op.action.unwrap().as_str(),
            "collection": collection, "rkey": rkey,
        });
        if let Some(cid) = op.cid {
            let record = cbor::decode(car.get(&cid).unwrap()).unwrap();
            told["record"] = serde_json::from_str(&cbor::to_json(&record)).unwrap();
            told["cid"] = json!(cid.to_string());
        }
        Op { did: commit.repo.to_owned(), commit: told }
    };
    commit.ops.iter().map(op).collect()
}

/// An event of the first wire.
pub fn v1(time_us: i64, did: &str, kind: &str, body: Value) -> String {
    let mut event = json!({"did": did, "time_us": time_us, "kind": kind});
    event[kind] = body;
    event.to_string()
}

/// An event of the second wire that wraps one of the firehose.
pub fn v2(seq: i64, did: &str, kind: &str, body: Value) -> String {
    let mut payload = json!({
        "$type": format!("network.bsky.jetstream.subscribeEvents#{kind}"),
        "seq": seq, "did": did, "time": crate::person::TIME,
    });
    payload[kind] = body;
    json!({"$type": "message", "payload": payload}).to_string()
}

fn cursor(query: &Pairs) -> Option<i64> {
    query.iter().find(|(key, _)| key == "cursor").map(|(_, value)| value.parse().unwrap())
}

async fn subscribe_v1(
    State(inner): State<Arc<Inner>>,
    Query(query): Query<Pairs>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let cursor = cursor(&query);
    let (refuse, last) = asked(&inner, query);
    if let Some((status, error)) = refuse {
        return refused(status, error);
    }
    // Too old: the oldest, silently. Of the future: from now on, silently.
    let from = cursor.filter(|cursor| *cursor <= last).unwrap_or(last + 1);
    upgrade.on_upgrade(move |socket| async move {
        let _ = stream(socket, &inner, from, None, None).await;
    })
}

async fn subscribe_v2(
    State(inner): State<Arc<Inner>>,
    Query(query): Query<Pairs>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let cursor = cursor(&query);
    let wanted = query.iter().find(|(key, _)| key == "zstdDictionary");
    let wanted = wanted.map(|(_, id)| id.parse::<u32>().unwrap());
    let (refuse, last) = asked(&inner, query);
    if let Some((status, error)) = refuse {
        return refused(status, error);
    }
    let (oldest, known) = {
        let play = inner.play.lock();
        (play.oldest, play.dictionary.clone())
    };
    let dictionary = match (wanted, known) {
        (None, _) => None,
        (Some(id), Some((known, bytes))) if id == known => Some(bytes),
        (Some(_), _) => return refused(400, "UnknownZstdDictionary"),
    };
    let (from, info) = match cursor {
        None => (last + 1, None),
        Some(cursor) if cursor >= TIMES => {
            let info = json!({"$type": "message", "payload": {
                "$type": "network.bsky.jetstream.subscribeEvents#info", "name": "OutdatedCursor",
            }});
            (oldest, Some(info.to_string()))
        }
        Some(cursor) if cursor < oldest => return refused(400, "CursorTooOld"),
        Some(cursor) if cursor > last => (last + 1, None),
        Some(cursor) => (cursor, None),
    };
    upgrade.on_upgrade(move |socket| async move {
        let _ = stream(socket, &inner, from, info, dictionary).await;
    })
}

fn asked(inner: &Inner, query: Pairs) -> (Option<(u16, &'static str)>, i64) {
    let answer = {
        let mut play = inner.play.lock();
        play.queries.push(query);
        let last = play.events.iter().map(|(position, _)| *position).max();
        (play.refuse, last.unwrap_or(0))
    };
    inner.changed.send_modify(|n| *n += 1);
    answer
}

/// Sends what is at `from` or after it at first, and then whatever comes, wherever it stands.
async fn stream(
    mut socket: WebSocket,
    inner: &Inner,
    from: i64,
    info: Option<String>,
    dictionary: Option<Vec<u8>>,
) -> Result<(), axum::Error> {
    let (mut changed, mut broken) = (inner.changed.subscribe(), inner.broken.subscribe());
    broken.borrow_and_update();
    let pack = |message: Message| match (&dictionary, message) {
        (Some(dictionary), Message::Text(text)) => {
            let mut compressor = Compressor::with_dictionary(1, dictionary).unwrap();
            Message::Binary(compressor.compress(text.as_bytes()).unwrap().into())
        }
        (_, message) => message,
    };
    if let Some(info) = info {
        socket.send(pack(Message::Text(info.into()))).await?;
    }
    let (mut at, mut live) = (0, false);
    loop {
        changed.borrow_and_update();
        let due: Vec<Message> = {
            let play = inner.play.lock();
            let rest = play.events.iter().skip(at);
            let due = rest
                .filter(|(position, _)| live || (*position >= from && *position >= play.oldest));
            let due = due.map(|(_, message)| message.clone()).collect();
            at = play.events.len();
            due
        };
        live = true;
        for message in due {
            socket.send(pack(message)).await?;
        }
        tokio::select! {
            changed = changed.changed() => if changed.is_err() { return Ok(()) },
            _ = broken.changed() => return Ok(()),
            message = socket.recv() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
                Some(Ok(_)) => {}
            },
        }
    }
}

async fn dictionary(State(inner): State<Arc<Inner>>) -> Response {
    let known = {
        let mut play = inner.play.lock();
        play.dictionary_asked += 1;
        play.dictionary.clone()
    };
    match known {
        Some((_, bytes)) => bytes.into_response(),
        None => refused(404, "DictionaryNotFound"),
    }
}

fn refused(status: u16, error: &str) -> Response {
    let body = json!({"error": error, "message": "as the test has it"});
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}
