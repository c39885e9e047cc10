//! `com.atproto.sync.subscribeRepos`: the world's frames over a WebSocket, from a cursor on.
//!
//! No cursor is live; a cursor older than what is kept begins with `#info OutdatedCursor`; one
//! beyond the newest frame is an error. A reader that is slow is waited for: frames stay in the
//! world, so a connection holds no queue of its own.

use std::sync::Arc;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use millrace_atproto::frame::Frame;
use serde::Deserialize;

use crate::network::Shared;
use crate::tape::Read;

/// Frames sent between two looks at the world.
const FRAMES_MAX: usize = 256;

#[derive(Deserialize)]
struct Subscribe {
    cursor: Option<i64>,
}

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/xrpc/com.atproto.sync.subscribeRepos", get(subscribe))
}

async fn subscribe(
    State(shared): State<Arc<Shared>>,
    Query(from): Query<Subscribe>,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade.on_upgrade(move |socket| async move {
        // A reader that goes away ends its stream; that is no error.
        let _closed = stream(socket, shared, from.cursor).await;
    })
}

async fn stream(
    mut socket: WebSocket,
    shared: Arc<Shared>,
    cursor: Option<i64>,
) -> Result<(), axum::Error> {
    let mut line = shared.line();
    let (oldest, last, epoch) = {
        let world = shared.world.lock();
        (world.oldest_seq(), world.last_seq(), world.relay().epoch())
    };
    let from = match cursor {
        None => last + 1,
        Some(cursor) if cursor > last => {
            let frame =
                Frame::Error { error: "FutureCursor", message: Some("Cursor in the future.") };
            return socket.send(Message::Binary(frame.encode().into())).await;
        }
        Some(cursor) => {
            if cursor > 0 && cursor < oldest {
                let message = Some("Requested cursor exceeded limit. Possibly missing events");
                let frame = Frame::Info { name: "OutdatedCursor", message };
                socket.send(Message::Binary(frame.encode().into())).await?;
            }
            cursor
        }
    };
    let mut at = shared.world.lock().relay().place_of(from);
    loop {
        let read = shared.world.lock().relay().read(at, epoch, FRAMES_MAX);
        let Read::Events(events, next) = read else {
            let frame = Frame::Error { error: "ConsumerTooSlow", message: None };
            return socket.send(Message::Binary(frame.encode().into())).await;
        };
        at = next;
        for event in &events {
            socket.send(Message::Binary(event.frame.clone())).await?;
        }
        if !events.is_empty() && !line.is_cut() {
            continue;
        }
        tokio::select! {
            () = line.changed() => if line.is_cut() { return Ok(()) },
            message = socket.recv() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
                Some(Ok(_)) => {}
            },
        }
    }
}
