//! `com.atproto.label.subscribeLabels` of one labeler: its frames over a WebSocket, behind a cursor or from now on.

use std::sync::Arc;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use millrace_atproto::label::LabelFrame;
use serde::Deserialize;

use crate::relay::silence;
use crate::shared::{Heard, Shared};
use crate::tape::Read;

/// Frames sent between two looks at the world.
const FRAMES_MAX: usize = 256;

#[derive(Clone)]
struct Desk {
    shared: Arc<Shared>,
    /// Which labeler it is.
    place: usize,
}

#[derive(Deserialize)]
struct Subscribe {
    cursor: Option<i64>,
}

/// The routes of the labeler at a place.
pub(crate) fn routes(shared: &Arc<Shared>, place: usize) -> Router {
    Router::new()
        .route("/xrpc/com.atproto.label.subscribeLabels", get(subscribe))
        .with_state(Desk { shared: Arc::clone(shared), place })
}

async fn subscribe(
    State(desk): State<Desk>,
    Query(from): Query<Subscribe>,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade.on_upgrade(move |socket| async move {
        // A reader that goes away ends its stream; that is no error.
        let _closed = stream(socket, desk, from.cursor).await;
    })
}

async fn stream(
    mut socket: WebSocket,
    Desk { shared, place }: Desk,
    cursor: Option<i64>,
) -> Result<(), axum::Error> {
    let mut line = shared.line();
    let found = {
        let world = shared.world.lock();
        world.label_tape(place).map(|tape| {
            let at = cursor.map_or_else(|| tape.end(), |cursor| tape.place_of(cursor + 1));
            (at, tape.epoch(), tape.last_seq())
        })
    };
    let Some((mut at, epoch, last)) = found else {
        silence(socket, &shared).await;
        return Ok(());
    };
    if cursor.is_some_and(|cursor| cursor > last) {
        let frame = LabelFrame::Error { error: "FutureCursor", message: None };
        let bytes = frame.encode_notice().unwrap_or_default();
        return socket.send(Message::Binary(bytes.into())).await;
    }
    loop {
        let read = {
            let world = shared.world.lock();
            world.label_tape(place).map(|tape| tape.read(at, epoch, FRAMES_MAX))
        };
        let Some(Read::Events(frames, next)) = read else { return Ok(()) };
        for frame in &frames {
            socket.send(Message::Binary(Bytes::clone(frame))).await?;
        }
        at = next;
        if !frames.is_empty() && !line.is_cut() {
            continue;
        }
        if matches!(line.hear(&mut socket).await, Heard::End) {
            return Ok(());
        }
    }
}
