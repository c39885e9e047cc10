//! `com.atproto.sync.subscribeRepos`: binary messages, each one frame. A text message is none and ends
//! the connection.

use bytes::Bytes;
use millrace_net::Guard;
use url::Url;

use super::socket::{Data, Opening, Socket};
use super::{Endpoint, Frames, Source, SourceError};
use crate::config::ConnectionConfig;

/// A relay's or a PDS's stream of events.
pub struct Firehose {
    opening: Opening,
}

/// One connection to it.
pub struct FirehoseStream {
    socket: Socket,
}

impl Firehose {
    /// A source that is not connected yet.
    pub fn new(config: &ConnectionConfig) -> Self {
        Self { opening: Opening::new(config) }
    }
}

impl Firehose {
    /// A connection to a host that a stranger named.
    pub(crate) async fn connect_guarded(
        &self,
        url: &Url,
        guard: Guard,
    ) -> Result<FirehoseStream, SourceError> {
        Ok(FirehoseStream { socket: self.opening.open_guarded(url, guard).await? })
    }
}

impl Source for Firehose {
    type Stream = FirehoseStream;

    async fn connect(
        &mut self,
        endpoint: &Endpoint,
        cursor: Option<i64>,
    ) -> Result<FirehoseStream, SourceError> {
        let socket = self.opening.open(&endpoint.at(cursor, &[])).await?;
        Ok(FirehoseStream { socket })
    }
}

impl Frames for FirehoseStream {
    async fn next(&mut self) -> Result<Bytes, SourceError> {
        match self.socket.next().await? {
            Data::Binary(bytes) => Ok(bytes),
            Data::Text(_) => Err(SourceError::InvalidFrame {
                after_seq: None,
                reason: "a text message".to_owned(),
            }),
        }
    }
}
