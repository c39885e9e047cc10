//! `com.atproto.sync.subscribeRepos` of a relay or a PDS: frames over a WebSocket, from a cursor on.
//!
//! No cursor is live; a cursor older than what is kept begins with `#info OutdatedCursor`; one beyond the
//! newest frame is an error. A reader that is slow is waited for: frames stay in the world, so a connection
//! holds no queue of its own. One that falls behind what is kept is told so and dropped.

use std::sync::Arc;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::response::Response;
use millrace_atproto::frame::Frame;
use serde::Deserialize;

use crate::door::Door;
use crate::shared::{Heard, Scope, Shared};
use crate::tape::Read;

/// Frames sent between two looks at the world.
const FRAMES_MAX: usize = 256;

#[derive(Deserialize)]
pub(crate) struct Subscribe {
    cursor: Option<i64>,
}

pub(crate) async fn subscribe(
    State(door): State<Door>,
    Query(from): Query<Subscribe>,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade.on_upgrade(move |socket| async move {
        if door.shared.faults.is_zombie(&format!("{:?}", door.scope)) {
            return silence(socket, &door.shared).await;
        }
        // A reader that goes away ends its stream; that is no error.
        let _closed = stream(socket, door, from.cursor).await;
    })
}

/// Keeps a stream open and says nothing until the reader has had enough.
pub(crate) async fn silence(mut socket: WebSocket, shared: &Arc<Shared>) {
    let mut line = shared.line();
    while !matches!(line.hear(&mut socket).await, Heard::End) {}
}

fn refusal(error: &'static str, message: Option<&str>) -> Message {
    Message::Binary(Frame::Error { error, message }.encode().into())
}

async fn stream(
    mut socket: WebSocket,
    Door { shared, scope }: Door,
    cursor: Option<i64>,
) -> Result<(), axum::Error> {
    let mut line = shared.line();
    let (mut at, epoch, oldest, last) = {
        let world = shared.world.lock();
        let tape = scope.tape(&world);
        let place = cursor.map_or_else(|| tape.end(), |cursor| tape.place_of(cursor));
        (place, tape.epoch(), tape.oldest_seq(), tape.last_seq())
    };
    if cursor.is_some_and(|cursor| cursor > last) {
        return socket.send(refusal("FutureCursor", Some("Cursor in the future."))).await;
    }
    if cursor.is_some_and(|cursor| cursor > 0 && cursor < oldest) {
        let message = Some("Requested cursor exceeded limit. Possibly missing events");
        let frame = Frame::Info { name: "OutdatedCursor", message };
        socket.send(Message::Binary(frame.encode().into())).await?;
    }
    loop {
        let read = scope.tape(&shared.world.lock()).read(at, epoch, FRAMES_MAX);
        let Read::Events(events, next) = read else {
            return lost(&mut socket, &shared, scope, epoch).await;
        };
        for event in &events {
            let skipped = event.once && !shared.takes_its_turn(scope, epoch, at);
            at += 1;
            if !skipped {
                socket.send(Message::Binary(event.frame.clone())).await?;
            }
            if shared.faults.hangs_up() {
                return Ok(());
            }
        }
        at = next;
        if !events.is_empty() && !line.is_cut() {
            continue;
        }
        if matches!(line.hear(&mut socket).await, Heard::End) {
            return Ok(());
        }
    }
}

/// The reader's place is gone: a host that starts anew just breaks off, one that forgets says why.
async fn lost(
    socket: &mut WebSocket,
    shared: &Shared,
    scope: Scope,
    epoch: u64,
) -> Result<(), axum::Error> {
    if scope.tape(&shared.world.lock()).epoch() != epoch {
        return Ok(());
    }
    socket.send(refusal("ConsumerTooSlow", None)).await
}
