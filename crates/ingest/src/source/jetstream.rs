//! Both wires of a Jetstream. v1 is read as it comes, uncompressed. v2 is asked for messages compressed
//! with the dictionary the server gives; if it gives none, as it comes too.
//!
//! What comes out is the JSON of one message, never above the bound of any message.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use millrace_atproto::jetstream::CURSOR_TIME_MIN;
use millrace_net::{HttpClient, ZstdDictionary, zstd_dictionary};

use super::inflate::Inflate;
use super::socket::{Data, Opening, Socket};
use super::{Endpoint, Frames, Source, SourceError};
use crate::config::{ConnectionConfig, SourceConfig, SourceKind};

/// A Jetstream's stream of events.
pub struct Jetstream {
    opening: Opening,
    http: HttpClient,
    kind: SourceKind,
    compress: bool,
    /// By host. One for each of a source's URLs at most.
    dictionaries: HashMap<String, Arc<ZstdDictionary>>,
}

/// One connection to it.
pub struct JetstreamStream {
    socket: Socket,
    inflate: Option<Inflate>,
}

impl Jetstream {
    /// A source that is not connected yet.
    pub fn new(source: &SourceConfig, config: &ConnectionConfig, http: HttpClient) -> Self {
        Self {
            opening: Opening::new(config),
            http,
            kind: source.kind,
            compress: source.compress && source.kind == SourceKind::JetstreamV2,
            dictionaries: HashMap::new(),
        }
    }

    /// The host's dictionary; without one its messages come as they are.
    async fn dictionary(&mut self, endpoint: &Endpoint) -> Option<Arc<ZstdDictionary>> {
        if !self.compress {
            return None;
        }
        if let Some(known) = self.dictionaries.get(endpoint.origin()) {
            return Some(Arc::clone(known));
        }
        match zstd_dictionary(&self.http, endpoint.origin()).await {
            Ok(dictionary) => {
                let dictionary = Arc::new(dictionary);
                self.dictionaries.insert(endpoint.origin().to_owned(), Arc::clone(&dictionary));
                Some(dictionary)
            }
            Err(error) => {
                tracing::info!(host = endpoint.origin(), %error, "no dictionary; messages come uncompressed");
                None
            }
        }
    }
}

impl Source for Jetstream {
    type Stream = JetstreamStream;

    async fn connect(
        &mut self,
        endpoint: &Endpoint,
        cursor: Option<i64>,
    ) -> Result<JetstreamStream, SourceError> {
        let bytes_max = self.opening.message_bytes_max;
        let mut query = vec![("maxMessageSizeBytes", bytes_max.to_string())];
        let inflate = match self.dictionary(endpoint).await {
            Some(dictionary) => {
                query.push(("zstdDictionary", dictionary.id.to_string()));
                Some(Inflate::new(&dictionary.bytes, bytes_max)?)
            }
            None => None,
        };
        // A number below what v2 keeps is refused, be it 0; a time below it is not.
        let cursor = match (self.kind, cursor) {
            (SourceKind::JetstreamV2, Some(0)) => Some(CURSOR_TIME_MIN),
            (_, cursor) => cursor,
        };
        match self.opening.open(&endpoint.at(cursor, &query)).await {
            Ok(socket) => Ok(JetstreamStream { socket, inflate }),
            Err(SourceError::Handshake { body, .. }) if body.contains("CursorTooOld") => {
                Err(SourceError::CursorTooOld { cursor, said: body })
            }
            Err(SourceError::Handshake { body, .. }) if body.contains("UnknownZstdDictionary") => {
                self.dictionaries.remove(endpoint.origin());
                Err(SourceError::Reported {
                    name: "UnknownZstdDictionary".to_owned(),
                    message: body,
                })
            }
            Err(error) => Err(error),
        }
    }
}

impl Frames for JetstreamStream {
    async fn next(&mut self) -> Result<Bytes, SourceError> {
        match (self.socket.next().await?, &mut self.inflate) {
            (Data::Text(text), _) => Ok(text),
            (Data::Binary(bytes), Some(inflate)) => inflate.message(&bytes),
            (Data::Binary(_), None) => Err(SourceError::InvalidFrame {
                after_seq: None,
                reason: "a binary message on an uncompressed stream".to_owned(),
            }),
        }
    }
}
