//! `network.bsky.jetstream.subscribeEvents`: the second wire. It refuses before the upgrade what it cannot
//! serve, tells of every event there is, and takes no message from its readers.

use std::sync::Arc;

use axum::Json;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::json;

use super::dictionary::Dictionary;
use super::filter::Filter;
use super::{CURSOR_SEQ_MAX, EVENTS_MAX, Pairs, event, first};
use crate::relay::silence;
use crate::shared::{Heard, Shared};
use crate::tape::Read;
use crate::world::World;

const SUBPROTOCOL: &str = "xrpc.v1.json";

/// How a reader gets its messages.
struct Wire {
    socket: WebSocket,
    dictionary: Option<&'static Dictionary>,
}

impl Wire {
    async fn send(&mut self, message: String) -> Result<(), axum::Error> {
        let message = match self.dictionary {
            None => Message::Text(message.into()),
            Some(dictionary) => Message::Binary(dictionary.compress(message.as_bytes()).into()),
        };
        self.socket.send(message).await
    }
}

fn refuse(error: &str, message: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": error, "message": message}))).into_response()
}

pub(super) async fn get_zstd_dictionary(Query(query): Query<Pairs>) -> Response {
    let dictionary = Dictionary::current();
    match first(&query, "id") {
        Some(id) if id != dictionary.id().to_string() => {
            refuse("DictionaryNotFound", &format!("no dictionary {id}"))
        }
        _ => ([(header::CONTENT_TYPE, "application/octet-stream")], dictionary.bytes())
            .into_response(),
    }
}

pub(super) async fn subscribe(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<Pairs>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let filter = match Filter::v2(&query) {
        Ok(filter) => filter,
        Err(message) => return refuse("InvalidRequest", &message),
    };
    let dictionary = match dictionary(&query) {
        Ok(dictionary) => dictionary,
        Err(response) => return *response,
    };
    let start = Start::of(&shared.world.lock(), &query);
    let start = match start {
        Ok(start) => start,
        Err(response) => return *response,
    };
    upgrade.protocols([SUBPROTOCOL]).on_upgrade(move |socket| async move {
        if shared.faults.is_zombie("jetstream") {
            return silence(socket, &shared).await;
        }
        // A reader that goes away ends its stream; that is no error.
        let _closed = stream(Wire { socket, dictionary }, shared, start, filter).await;
    })
}

fn dictionary(query: &Pairs) -> Result<Option<&'static Dictionary>, Box<Response>> {
    let Some(id) = first(query, "zstdDictionary") else { return Ok(None) };
    let current = Dictionary::current();
    match id.parse::<u32>() {
        Ok(id) if id == current.id() => Ok(Some(current)),
        Ok(id) if id > 0 => {
            let message = format!("no dictionary {id}; the current one is {}", current.id());
            Err(Box::new(refuse("UnknownZstdDictionary", &message)))
        }
        _ => Err(Box::new(refuse("InvalidRequest", "zstdDictionary must be a positive number"))),
    }
}

/// Where a reader starts, and what it is told first.
struct Start {
    place: u64,
    epoch: u64,
    info: Option<String>,
}

impl Start {
    fn of(world: &World, query: &Pairs) -> Result<Self, Box<Response>> {
        let tape = world.jetstream();
        let at = |place| Self { place, epoch: tape.epoch(), info: None };
        let Some(cursor) = first(query, "cursor") else { return Ok(at(tape.end())) };
        let oldest = tape.oldest_seq();
        match cursor.parse::<i64>() {
            Ok(seq) if seq > tape.last_seq() && seq < CURSOR_SEQ_MAX => Ok(at(tape.end())),
            Ok(seq @ 0..CURSOR_SEQ_MAX) if seq.max(1) < oldest => Err(Box::new(refuse(
                "CursorTooOld",
                &format!("the cursor {seq} is below the oldest event {oldest}"),
            ))),
            Ok(seq @ 0..CURSOR_SEQ_MAX) => Ok(at(tape.place_of(seq))),
            Ok(time_us @ CURSOR_SEQ_MAX..) => {
                let place = tape.place_where(|_, event| event.time_us >= time_us);
                let clamped = oldest > 1
                    && tape.iter().next().is_some_and(|(_, event)| time_us < event.time_us);
                let info = clamped.then(|| {
                    event::info(
                        "OutdatedCursor",
                        &format!("resumed from the oldest event {oldest}"),
                    )
                });
                Ok(Self { info, ..at(place) })
            }
            _ => Err(Box::new(refuse("InvalidRequest", &format!("invalid cursor {cursor}")))),
        }
    }
}

async fn stream(
    mut wire: Wire,
    shared: Arc<Shared>,
    start: Start,
    filter: Filter,
) -> Result<(), axum::Error> {
    let mut line = shared.line();
    let mut at = start.place;
    if let Some(info) = start.info {
        wire.send(info).await?;
    }
    loop {
        let read = shared.world.lock().jetstream().read(at, start.epoch, EVENTS_MAX);
        let Read::Events(events, next) = read else {
            return wire.send(event::error("ConsumerTooSlow", "what comes next is gone")).await;
        };
        at = next;
        for event in events.iter().filter(|event| filter.wants(event)) {
            let message = event.v2();
            if filter.takes(&message) {
                wire.send(message).await?;
            }
            if shared.faults.hangs_up() {
                return Ok(());
            }
        }
        if !events.is_empty() && !line.is_cut() {
            continue;
        }
        match line.hear(&mut wire.socket).await {
            // Only the server speaks here.
            Heard::Said(Message::Text(_) | Message::Binary(_)) => {
                return wire.socket.send(Message::Close(None)).await;
            }
            Heard::News | Heard::Said(_) => {}
            Heard::End => return Ok(()),
        }
    }
}
