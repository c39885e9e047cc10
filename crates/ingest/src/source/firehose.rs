//! `com.atproto.sync.subscribeRepos` over a WebSocket: `wss` with rustls on ring, `ws` on loopback.
//!
//! Pings are answered by the socket itself and never reach the caller; a message above the bound, or
//! one that is text, ends the connection.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WsError};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::{Endpoint, Frames, Source, SourceError};
use crate::config::ConnectionConfig;

/// A relay's or a PDS's stream of events.
pub struct Firehose {
    endpoint: Endpoint,
    message_bytes_max: usize,
    connect_timeout: Duration,
}

/// One connection to it.
pub struct FirehoseStream {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    message_bytes_max: usize,
}

/// Bytes of an answer that is no handshake which are shown to the operator.
const BODY_SHOWN_MAX: usize = 200;

impl Firehose {
    /// A source that is not connected yet.
    pub fn new(endpoint: Endpoint, config: &ConnectionConfig) -> Self {
        // The socket's TLS takes the process's provider.
        millrace_runtime::tls::install_provider();
        Self {
            endpoint,
            message_bytes_max: config.message_bytes_max,
            connect_timeout: Duration::from_millis(config.connect_timeout_ms),
        }
    }
}

impl Source for Firehose {
    type Stream = FirehoseStream;

    async fn connect(&mut self, cursor: Option<i64>) -> Result<FirehoseStream, SourceError> {
        let url = self.endpoint.at(cursor);
        let mut request = url
            .as_str()
            .into_client_request()
            .map_err(|error| SourceError::Connect(error.to_string()))?;
        request.headers_mut().insert(
            "user-agent",
            HeaderValue::from_static(concat!("millrace/", env!("CARGO_PKG_VERSION"))),
        );
        let config = WebSocketConfig::default()
            .max_message_size(Some(self.message_bytes_max))
            .max_frame_size(Some(self.message_bytes_max));
        let connecting = connect_async_with_config(request, Some(config), true);
        match tokio::time::timeout(self.connect_timeout, connecting).await {
            Ok(Ok((socket, _))) => {
                Ok(FirehoseStream { socket, message_bytes_max: self.message_bytes_max })
            }
            Ok(Err(error)) => Err(not_connected(error)),
            Err(_) => {
                let limit_ms = u64::try_from(self.connect_timeout.as_millis()).unwrap_or(u64::MAX);
                Err(SourceError::ConnectTimeout(limit_ms))
            }
        }
    }
}

impl Frames for FirehoseStream {
    async fn next(&mut self) -> Result<Bytes, SourceError> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Binary(bytes))) => return Ok(bytes),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Text(_))) => {
                    return Err(SourceError::InvalidFrame {
                        after_seq: None,
                        reason: "a text message".to_owned(),
                    });
                }
                Some(Ok(Message::Close(close))) => return Err(closed(close)),
                Some(Err(error)) => return Err(self.broken(error)),
                None => return Err(closed(None)),
            }
        }
    }
}

impl FirehoseStream {
    fn broken(&self, error: WsError) -> SourceError {
        match error {
            WsError::Capacity(CapacityError::MessageTooLong { .. }) => {
                SourceError::Oversize { after_seq: None, bytes_max: self.message_bytes_max }
            }
            WsError::ConnectionClosed | WsError::AlreadyClosed => closed(None),
            other => SourceError::Broken(other.to_string()),
        }
    }
}

fn closed(close: Option<CloseFrame>) -> SourceError {
    SourceError::Closed(close.map_or_else(
        || "without a reason".to_owned(),
        |frame| format!("{} {}", u16::from(frame.code), frame.reason),
    ))
}

fn not_connected(error: WsError) -> SourceError {
    match error {
        WsError::Http(response) => {
            let body = response.body().as_deref().unwrap_or_default();
            let shown = body.get(..BODY_SHOWN_MAX).unwrap_or(body);
            SourceError::Handshake {
                status: response.status().as_u16(),
                body: String::from_utf8_lossy(shown).into_owned(),
            }
        }
        other => SourceError::Connect(other.to_string()),
    }
}
