//! `/subscribe`: the first wire. A cursor that is too old starts at the oldest event without a word, one
//! of the future is live. Readers may change their filter while they read.

use std::sync::Arc;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;

use super::filter::{Filter, Options};
use super::{CURSOR_SEQ_MAX, EVENTS_MAX, Pairs, first};
use crate::relay::silence;
use crate::shared::{Heard, Shared};
use crate::tape::Read;
use crate::world::World;

/// Largest message of a subscriber.
const SUBSCRIBER_MESSAGE_BYTES_MAX: usize = 10_000_000;

#[derive(Deserialize)]
struct SubscriberMessage {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    payload: Options,
}

pub(super) async fn subscribe(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<Pairs>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let refuse = |message: String| (StatusCode::BAD_REQUEST, message).into_response();
    if first(&query, "compress") == Some("true") {
        return refuse("this server sends /subscribe uncompressed only".to_owned());
    }
    let filter = match Filter::v1(&query) {
        Ok(filter) => filter,
        Err(message) => return refuse(message),
    };
    let cursor = match first(&query, "cursor").map(str::parse::<i64>).transpose() {
        Ok(cursor) if cursor.is_none_or(|cursor| cursor >= 0) => cursor,
        _ => return refuse("invalid cursor".to_owned()),
    };
    let hello = first(&query, "requireHello") == Some("true");
    upgrade.max_message_size(SUBSCRIBER_MESSAGE_BYTES_MAX).on_upgrade(move |socket| async move {
        if shared.faults.is_zombie("jetstream") {
            return silence(socket, &shared).await;
        }
        // As it does outside, a stream may begin before the time that is asked for.
        let cursor = cursor.map(|cursor| match cursor {
            CURSOR_SEQ_MAX.. => cursor - shared.faults.jump_back_us(),
            seq => seq,
        });
        // A reader that goes away ends its stream; that is no error.
        let _closed = stream(socket, shared, cursor, filter, hello).await;
    })
}

/// Where a cursor points.
fn place(world: &World, cursor: Option<i64>) -> u64 {
    let tape = world.jetstream();
    match cursor {
        None => tape.end(),
        Some(seq) if seq < CURSOR_SEQ_MAX => tape.place_of(seq),
        Some(time_us) => tape.place_where(|_, event| event.time_us >= time_us),
    }
}

async fn stream(
    mut socket: WebSocket,
    shared: Arc<Shared>,
    cursor: Option<i64>,
    mut filter: Filter,
    mut hello: bool,
) -> Result<(), axum::Error> {
    let mut line = shared.line();
    let (mut at, epoch) = {
        let world = shared.world.lock();
        (place(&world, cursor), world.jetstream().epoch())
    };
    loop {
        let read = match hello {
            true => Read::Events(Vec::new(), at),
            false => shared.world.lock().jetstream().read(at, epoch, EVENTS_MAX),
        };
        let Read::Events(events, next) = read else { return Ok(()) };
        at = next;
        for event in events.iter().filter(|event| filter.wants(event)) {
            if let Some(message) = event.v1().filter(|message| filter.takes(message)) {
                socket.send(Message::Text(message.into())).await?;
            }
            if shared.faults.hangs_up() {
                return Ok(());
            }
        }
        if !events.is_empty() && !line.is_cut() {
            continue;
        }
        match line.hear(&mut socket).await {
            Heard::News => {}
            Heard::Said(Message::Text(text)) => match update(text.as_str()) {
                Ok(Some(wanted)) => (filter, hello) = (wanted, false),
                Ok(None) => {}
                Err(_) => return socket.send(Message::Close(None)).await,
            },
            Heard::Said(_) => {}
            Heard::End => return Ok(()),
        }
    }
}

/// The filter a subscriber asks for; other messages are passed over, malformed ones end the stream.
fn update(text: &str) -> Result<Option<Filter>, String> {
    let message: SubscriberMessage =
        serde_json::from_str(text).map_err(|error| error.to_string())?;
    match message.kind.as_str() {
        "options_update" => Filter::of_options(&message.payload).map(Some),
        _ => Ok(None),
    }
}
