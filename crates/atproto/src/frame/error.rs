//! Why a message is not a frame.

use crate::cbor::CborError;

/// What is wrong with a message.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FrameError {
    /// Over [`super::MESSAGE_BYTES_MAX`].
    #[error("a message of {0} bytes")]
    TooLarge(usize),
    /// The header is broken, or bytes follow the payload: the two ends no longer agree on the framing, so
    /// the connection must be dropped.
    #[error("the framing is broken: {0}")]
    Framing(PayloadError),
    /// The payload is not what its type says. Messages are framed by the WebSocket, so this event alone is
    /// bad; dropping the connection for it would meet the same event again for ever.
    #[error("the payload of a {kind} is malformed: {cause}")]
    Payload {
        /// `#commit`, `#sync`, …
        kind: &'static str,
        /// Its sequence number, if it can be found.
        seq: Option<i64>,
        /// Its account, unchecked, if it can be found.
        did: Option<String>,
        /// What is wrong.
        cause: PayloadError,
    },
}

impl FrameError {
    /// Whether the connection can be trusted no further.
    pub fn is_fatal(&self) -> bool {
        !matches!(self, Self::Payload { .. })
    }

    /// A stable, short label for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "frame_too_large",
            Self::Framing(_) => "frame_framing",
            Self::Payload { .. } => "frame_payload",
        }
    }
}

/// What is wrong with a header or payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PayloadError {
    /// Not DAG-CBOR, or a field of another kind than the schema's.
    #[error(transparent)]
    Cbor(#[from] CborError),
    /// A required field is missing.
    #[error("the field {0} is missing")]
    Missing(&'static str),
}
