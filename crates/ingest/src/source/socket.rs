//! A WebSocket as every source uses it: `wss` with rustls on ring, `ws` on loopback.
//!
//! Pings are answered by the socket itself and never reach the caller; a message above the bound ends
//! the connection.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use millrace_net::Guard;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WsError};
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async_tls_with_config, connect_async_with_config,
};
use url::{Host, Url};

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
        let request = request(url)?;
        let connecting = connect_async_with_config(request, Some(self.config()), true);
        self.opened(connecting).await
    }

    /// As [`Self::open`], to a host that a stranger named: only where the guard lets connections go.
    pub(super) async fn open_guarded(
        &self,
        url: &Url,
        guard: Guard,
    ) -> Result<Socket, SourceError> {
        let request = request(url)?;
        let connecting = async {
            let stream = guarded(url, guard).await.map_err(WsError::Io)?;
            client_async_tls_with_config(request, stream, Some(self.config()), None).await
        };
        self.opened(connecting).await
    }

    fn config(&self) -> WebSocketConfig {
        WebSocketConfig::default()
            .max_message_size(Some(self.message_bytes_max))
            .max_frame_size(Some(self.message_bytes_max))
    }

    async fn opened<R>(
        &self,
        connecting: impl Future<
            Output = Result<(WebSocketStream<MaybeTlsStream<TcpStream>>, R), WsError>,
        >,
    ) -> Result<Socket, SourceError> {
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

/// What is asked when a connection is opened.
fn request(url: &Url) -> Result<Request, SourceError> {
    let mut request = url
        .as_str()
        .into_client_request()
        .map_err(|error| SourceError::Connect(error.to_string()))?;
    request.headers_mut().insert(
        "user-agent",
        HeaderValue::from_static(concat!("millrace/", env!("CARGO_PKG_VERSION"))),
    );
    Ok(request)
}

/// A connection to one of the addresses that the guard lets pass.
async fn guarded(url: &Url, guard: Guard) -> Result<TcpStream, io::Error> {
    let port = url.port_or_known_default().unwrap_or(443);
    let addrs = match url.host() {
        Some(Host::Domain(name)) => {
            guard.resolve(name, port).await.map_err(|fault| io::Error::other(fault.to_string()))?
        }
        Some(Host::Ipv4(ip)) => vec![SocketAddr::new(ip.into(), port)],
        Some(Host::Ipv6(ip)) => vec![SocketAddr::new(ip.into(), port)],
        None => Vec::new(),
    };
    if let Some(reason) = addrs.iter().find_map(|addr| guard.check_addr(addr.ip()).err()) {
        return Err(io::Error::other(reason));
    }
    let stream = TcpStream::connect(addrs.as_slice()).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
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
