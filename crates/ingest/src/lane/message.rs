//! What an event came in: one frame, or the messages of a Jetstream that belong together.

use bytes::Bytes;
use millrace_atproto::frame::Frame;
use millrace_atproto::jetstream::{self, JetstreamError};

use crate::source::{Kind, Wire};

/// The message as received. Of a Jetstream's commit, one for each operation.
#[derive(Debug, Clone)]
pub(crate) enum Message {
    Frame(Bytes),
    Jetstream { wire: Wire, kind: Kind, first: Bytes, more: Vec<Bytes> },
}

impl Message {
    /// A message as its wire has it.
    pub(crate) fn new(wire: Wire, kind: Kind, bytes: Bytes) -> Self {
        match wire {
            Wire::Firehose => Self::Frame(bytes),
            Wire::JetstreamV1 | Wire::JetstreamV2 => {
                Self::Jetstream { wire, kind, first: bytes, more: Vec::new() }
            }
        }
    }

    /// Puts another operation of the same commit behind this one.
    pub(super) fn join(&mut self, later: Self) {
        if let (Self::Jetstream { more, .. }, Self::Jetstream { first, more: rest, .. }) =
            (self, later)
        {
            more.push(first);
            more.extend(rest);
        }
    }

    /// All of its bytes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Frame(bytes) => bytes.len(),
            Self::Jetstream { first, more, .. } => {
                more.iter().fold(first.len(), |sum, bytes| sum.saturating_add(bytes.len()))
            }
        }
    }

    /// The beginning of it. A copy: a small sample must not keep a large message in memory.
    pub(crate) fn sample(&self, bytes_max: usize) -> Bytes {
        let (Self::Frame(first) | Self::Jetstream { first, .. }) = self;
        Bytes::copy_from_slice(first.get(..first.len().min(bytes_max)).unwrap_or_default())
    }

    /// What it is about.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Jetstream { kind, .. } => *kind,
            Self::Frame(bytes) => match Frame::parse(bytes) {
                Ok(Frame::Commit(_)) => Kind::Commit,
                Ok(Frame::Sync(_)) => Kind::Sync,
                Ok(Frame::Identity(_)) => Kind::Identity,
                Ok(Frame::Account(_)) => Kind::Account,
                _ => Kind::Other,
            },
        }
    }
}

/// Reads a message of a Jetstream.
pub(super) fn read(wire: Wire, bytes: &Bytes) -> Result<jetstream::Message<'_>, JetstreamError> {
    match wire {
        Wire::JetstreamV1 => jetstream::Message::parse_v1(bytes),
        _ => jetstream::Message::parse_v2(bytes),
    }
}
