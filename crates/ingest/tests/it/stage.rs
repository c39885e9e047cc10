//! The outside on one loopback address: firehose, PLC directory, PDS, handles. It answers as told,
//! and remembers what it was asked.

use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, serve};
use millrace_atproto::frame::Frame;
use millrace_runtime::supervise::TaskSet;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How the PLC directory behaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Plc {
    #[default]
    Up,
    /// 503 to everyone.
    Down,
    /// Never answers for these.
    Hangs(HashSet<String>),
}

/// What `getRepo` answers.
#[derive(Debug, Clone)]
pub enum Repo {
    Car(Vec<u8>),
    /// Breaks off so many times, then is whole.
    Truncated {
        car: Vec<u8>,
        times: u32,
    },
    /// Waits until [`Stage::release`].
    Gated(Vec<u8>),
    /// `{error}` with this status.
    Error(u16, &'static str),
    /// 429 with `retry-after: 1`, so many times.
    Busy {
        car: Vec<u8>,
        times: u32,
    },
}

#[derive(Default)]
pub struct Play {
    /// Messages of the firehose with their numbers, in the order sent.
    pub events: Vec<(i64, Message)>,
    pub next_seq: i64,
    /// Events before this number are not kept any more.
    pub oldest: i64,
    /// The cursor of each connection made.
    pub cursors: Vec<Option<i64>>,
    /// Accept connections and never send anything.
    pub mute: bool,
    /// Send nothing but pings, one a millisecond, on connections made from now on.
    pub only_pings: bool,
    pub documents: HashMap<String, (u16, Value)>,
    pub plc: Plc,
    pub plc_asked: HashMap<String, u32>,
    pub repos: HashMap<String, Repo>,
    pub repos_asked: HashMap<String, u32>,
    /// Repositories being given, and the most at once.
    pub repos_given: (usize, usize),
    pub statuses: HashMap<String, Value>,
    pub statuses_asked: u32,
    /// Handle to DID.
    pub handles: HashMap<String, String>,
}

pub struct Stage {
    pub addr: SocketAddr,
    inner: Arc<Inner>,
    _tasks: TaskSet<()>,
}

struct Inner {
    play: Mutex<Play>,
    /// Moves with every change.
    changed: watch::Sender<u64>,
    /// Moves when every connection is to break.
    broken: watch::Sender<u64>,
    released: watch::Sender<bool>,
}

impl Stage {
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let play = Play { next_seq: 1, ..Play::default() };
        let inner = Arc::new(Inner {
            play: Mutex::new(play),
            changed: watch::channel(0).0,
            broken: watch::channel(0).0,
            released: watch::channel(false).0,
        });
        let router = Router::new()
            .route("/xrpc/com.atproto.sync.subscribeRepos", get(subscribe))
            .route("/xrpc/com.atproto.label.subscribeLabels", get(subscribe))
            .route("/xrpc/com.atproto.sync.getRepo", get(get_repo))
            .route("/xrpc/com.atproto.sync.getRepoStatus", get(get_repo_status))
            .route("/xrpc/com.atproto.sync.listRepos", get(list_repos))
            .route("/.well-known/atproto-did", get(atproto_did))
            .route("/plc/{did}", get(document))
            .with_state(Arc::clone(&inner));
        let mut tasks = TaskSet::new();
        tasks.spawn("stage", async move { serve(listener, router).await.unwrap() });
        Self { addr, inner, _tasks: tasks }
    }

    pub fn origin(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub fn socket(&self) -> String {
        format!("ws://{}", self.addr)
    }

    /// Changes the play.
    pub fn set<T>(&self, change: impl FnOnce(&mut Play) -> T) -> T {
        let result = change(&mut self.inner.play.lock());
        self.inner.changed.send_modify(|n| *n += 1);
        result
    }

    /// Sends a frame that knows its number.
    pub fn emit(&self, frame: impl FnOnce(i64) -> Vec<u8>) -> i64 {
        self.set(|play| {
            let seq = play.next_seq;
            play.next_seq += 1;
            let message = Message::Binary(frame(seq).into());
            play.events.push((seq, message));
            seq
        })
    }

    /// Sends any message in the place of an event.
    pub fn emit_message(&self, message: Message) -> i64 {
        self.set(|play| {
            let seq = play.next_seq;
            play.next_seq += 1;
            play.events.push((seq, message));
            seq
        })
    }

    /// Breaks every firehose connection.
    pub fn disconnect(&self) {
        self.inner.broken.send_modify(|n| *n += 1);
    }

    /// Lets gated answers go.
    pub fn release(&self) {
        self.inner.released.send_replace(true);
    }

    pub fn cursors(&self) -> Vec<Option<i64>> {
        self.inner.play.lock().cursors.clone()
    }
}

async fn subscribe(
    State(inner): State<Arc<Inner>>,
    Query(query): Query<HashMap<String, String>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let cursor = query.get("cursor").map(|cursor| cursor.parse::<i64>().unwrap());
    // What "from now on" means is settled before the handshake is answered.
    let last = {
        let mut play = inner.play.lock();
        play.cursors.push(cursor);
        play.next_seq - 1
    };
    inner.changed.send_modify(|n| *n += 1);
    upgrade.on_upgrade(move |socket| async move {
        // A reader that goes away ends its stream.
        let _ = stream(socket, &inner, cursor, last).await;
    })
}

async fn stream(
    mut socket: WebSocket,
    inner: &Inner,
    cursor: Option<i64>,
    last: i64,
) -> Result<(), axum::Error> {
    let mut changed = inner.changed.subscribe();
    let mut broken = inner.broken.subscribe();
    broken.borrow_and_update();
    let (oldest, only_pings) = {
        let play = inner.play.lock();
        (play.oldest, play.only_pings)
    };
    if only_pings {
        let mut beat = tokio::time::interval(std::time::Duration::from_millis(1));
        loop {
            beat.tick().await;
            socket.send(Message::Ping(Vec::new().into())).await?;
        }
    }
    let mut next = match cursor {
        None => last + 1,
        Some(cursor) if cursor > last => {
            let frame =
                Frame::Error { error: "FutureCursor", message: Some("Cursor in the future.") };
            return socket.send(Message::Binary(frame.encode().into())).await;
        }
        Some(cursor) if cursor > 0 && cursor < oldest => {
            let frame = Frame::Info { name: "OutdatedCursor", message: None };
            socket.send(Message::Binary(frame.encode().into())).await?;
            oldest
        }
        Some(cursor) => cursor.max(oldest),
    };
    loop {
        changed.borrow_and_update();
        let due: Vec<(i64, Message)> = {
            let play = inner.play.lock();
            if play.mute {
                Vec::new()
            } else {
                play.events.iter().filter(|(seq, _)| *seq >= next).cloned().collect()
            }
        };
        for (seq, message) in due {
            next = seq + 1;
            socket.send(message).await?;
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

async fn document(State(inner): State<Arc<Inner>>, Path(did): Path<String>) -> Response {
    let (plc, answer) = {
        let mut play = inner.play.lock();
        *play.plc_asked.entry(did.clone()).or_default() += 1;
        (play.plc.clone(), play.documents.get(&did).cloned())
    };
    inner.changed.send_modify(|n| *n += 1);
    match plc {
        Plc::Down => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Plc::Hangs(dids) if dids.contains(&did) => std::future::pending::<()>().await,
        _ => {}
    }
    match answer {
        Some((status, body)) => (StatusCode::from_u16(status).unwrap(), Json(body)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn get_repo(
    State(inner): State<Arc<Inner>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let did = query["did"].clone();
    let answer = {
        let mut play = inner.play.lock();
        *play.repos_asked.entry(did.clone()).or_default() += 1;
        play.repos_given.0 += 1;
        play.repos_given.1 = play.repos_given.1.max(play.repos_given.0);
        let answer = play.repos.get(&did).cloned();
        if let Some(Repo::Truncated { times, .. } | Repo::Busy { times, .. }) =
            play.repos.get_mut(&did)
        {
            *times = times.saturating_sub(1);
        }
        answer
    };
    inner.changed.send_modify(|n| *n += 1);
    let _giving = Giving(Arc::clone(&inner));
    let whole =
        |car: Vec<u8>| ([(header::CONTENT_TYPE, "application/vnd.ipld.car")], car).into_response();
    match answer {
        None => error(400, "RepoNotFound"),
        Some(Repo::Error(status, name)) => error(status, name),
        Some(Repo::Truncated { car, times: 0 } | Repo::Busy { car, times: 0 } | Repo::Car(car)) => {
            whole(car)
        }
        Some(Repo::Truncated { car, .. }) => {
            let half = car[..car.len() / 2].to_vec();
            whole(half)
        }
        Some(Repo::Busy { .. }) => {
            let mut response = error(429, "RateLimitExceeded");
            response.headers_mut().insert("retry-after", "1".parse().unwrap());
            response
        }
        Some(Repo::Gated(car)) => {
            let mut released = inner.released.subscribe();
            released.wait_for(|released| *released).await.unwrap();
            Response::new(Body::from(Bytes::from(car)))
        }
    }
}

struct Giving(Arc<Inner>);

impl Drop for Giving {
    fn drop(&mut self) {
        self.0.play.lock().repos_given.0 -= 1;
    }
}

async fn get_repo_status(
    State(inner): State<Arc<Inner>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let answer = {
        let mut play = inner.play.lock();
        play.statuses_asked += 1;
        play.statuses.get(&query["did"]).cloned()
    };
    inner.changed.send_modify(|n| *n += 1);
    answer.map_or_else(|| error(400, "RepoNotFound"), |answer| Json(answer).into_response())
}

async fn list_repos(State(inner): State<Arc<Inner>>) -> Response {
    let play = inner.play.lock();
    let cid = "bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm";
    let repos: Vec<Value> = play
        .repos
        .keys()
        .map(|did| json!({"did": did, "head": cid, "rev": "3jzfcijpj2z2a", "active": true}))
        .collect();
    Json(json!({"repos": repos})).into_response()
}

async fn atproto_did(State(inner): State<Arc<Inner>>, headers: HeaderMap) -> Response {
    let host = headers[header::HOST].to_str().unwrap().split(':').next().unwrap().to_owned();
    match inner.play.lock().handles.get(&host) {
        Some(did) => did.clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn error(status: u16, name: &str) -> Response {
    (StatusCode::from_u16(status).unwrap(), Json(json!({"error": name, "message": ""})))
        .into_response()
}
