//! A WebSocket as every source uses it: `wss` with rustls on ring, `ws` on loopback.
//!
//! Pings are answered by the socket itself and never reach the caller; a message above the bound ends
//! the connection.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WsError};
use tokio_tungstenite::tungstenite::http::{HeaderValue, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use url::Url;

use super::SourceError;
use crate::config::ConnectionConfig;

/// Bytes of an answer that is no handshake which are shown to the operator.
const BODY_SHOWN_MAX: usize = 300;

/// How sockets are opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opening {
    pub(super) message_bytes_max: usize,
    connect_timeout: Duration,
}

/// An open connection.
pub(super) struct Socket {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    message_bytes_max: usize,
}

/// A data message.
pub(super) enum Data {
    Binary(Bytes),
    Text(Bytes),
}

impl Opening {
    pub(super) fn new(config: &ConnectionConfig) -> Self {
        // The socket's TLS takes the process's provider.
        millrace_runtime::tls::install_provider();
        Self {
            message_bytes_max: config.message_bytes_max,
            connect_timeout: Duration::from_millis(config.connect_timeout_ms),
        }
    }

    pub(super) async fn open(&self, url: &Url) -> Result<Socket, SourceError> {
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
            Ok(Ok((socket, _))) => Ok(Socket { socket, message_bytes_max: self.message_bytes_max }),
            Ok(Err(WsError::Http(response))) => Err(refused(&response)),
            Ok(Err(error)) => Err(SourceError::Connect(error.to_string())),
            Err(_) => {
                let limit_ms = u64::try_from(self.connect_timeout.as_millis()).unwrap_or(u64::MAX);
                Err(SourceError::ConnectTimeout(limit_ms))
            }
        }
    }
}

impl Socket {
    /// The next data message. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Result<Data, SourceError> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Binary(bytes))) => return Ok(Data::Binary(bytes)),
                Some(Ok(Message::Text(text))) => return Ok(Data::Text(text.into())),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(close))) => return Err(closed(close)),
                Some(Err(error)) => return Err(self.broken(error)),
                None => return Err(closed(None)),
            }
        }
    }

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

fn refused(response: &Response<Option<Vec<u8>>>) -> SourceError {
    let body = response.body().as_deref().unwrap_or_default();
    let shown = body.get(..BODY_SHOWN_MAX).unwrap_or(body);
    SourceError::Handshake {
        status: response.status().as_u16(),
        body: String::from_utf8_lossy(shown).into_owned(),
    }
}
