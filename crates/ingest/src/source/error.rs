//! Why a connection could not be made, or ended.

use millrace_runtime::error::Code;

use crate::codes;

/// What happened to a connection. Every variant leads to another connection, except those that
/// `on_future_cursor = "stop"` turns into a stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// No connection: name, route, TLS.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The host answered the handshake with something else.
    #[error("the handshake was answered with status {status}: {body}")]
    Handshake {
        /// The HTTP status.
        status: u16,
        /// The beginning of the body.
        body: String,
    },
    /// The handshake took too long.
    #[error("not connected within {0} ms")]
    ConnectTimeout(u64),
    /// The connection is open and says nothing.
    #[error("no event for {0} ms")]
    Idle(u64),
    /// The other side closed.
    #[error("closed by the source: {0}")]
    Closed(String),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// A message above the bound.
    #[error("a message after seq {} is larger than {bytes_max} bytes", Shown(*after_seq))]
    Oversize {
        /// The last event before it.
        after_seq: Option<i64>,
        /// The bound.
        bytes_max: usize,
    },
    /// A message that is no event frame.
    #[error("an invalid frame after seq {}: {reason}", Shown(*after_seq))]
    InvalidFrame {
        /// The last event before it.
        after_seq: Option<i64>,
        /// What is wrong with it.
        reason: String,
    },
    /// The cursor is ahead of everything the source has.
    #[error("the source does not know cursor {} yet: it was reset, or the URL is another host's", Shown(*cursor))]
    FutureCursor {
        /// The cursor we sent.
        cursor: Option<i64>,
    },
    /// The cursor is behind everything the source has.
    #[error("the source does not keep cursor {} any more: {said}", Shown(*cursor))]
    CursorTooOld {
        /// The cursor we sent.
        cursor: Option<i64>,
        /// What the source said.
        said: String,
    },
    /// The source began to count anew.
    #[error(
        "the source went back from seq {from} to {to}: it was reset, or the URL is another host's"
    )]
    SequenceReset {
        /// The last event before.
        from: i64,
        /// What followed.
        to: i64,
    },
    /// We read too slowly.
    #[error("the source dropped us because we read too slowly")]
    ConsumerTooSlow,
    /// Another error of the source's own.
    #[error("the source reported {name}: {message}")]
    Reported {
        /// The error's name.
        name: String,
        /// Its message.
        message: String,
    },
}

impl SourceError {
    /// The page of this situation.
    pub const fn code(&self) -> Code {
        match self {
            Self::Connect(_) | Self::Handshake { .. } | Self::ConnectTimeout(_) => codes::CONNECT,
            Self::Idle(_) => codes::IDLE,
            Self::Closed(_) | Self::Broken(_) | Self::Reported { .. } => codes::CONNECTION_ENDED,
            Self::Oversize { .. } | Self::InvalidFrame { .. } => codes::UNREADABLE,
            Self::FutureCursor { .. } => codes::FUTURE_CURSOR,
            Self::CursorTooOld { .. } => codes::CURSOR_TOO_OLD,
            Self::SequenceReset { .. } => codes::SEQUENCE_RESET,
            Self::ConsumerTooSlow => codes::TOO_SLOW,
        }
    }

    /// The metric's label.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::Handshake { .. } => "handshake",
            Self::ConnectTimeout(_) => "connect_timeout",
            Self::Idle(_) => "idle",
            Self::Closed(_) => "closed",
            Self::Broken(_) => "broken",
            Self::Oversize { .. } => "oversize",
            Self::InvalidFrame { .. } => "invalid_frame",
            Self::FutureCursor { .. } => "future_cursor",
            Self::CursorTooOld { .. } => "cursor_too_old",
            Self::SequenceReset { .. } => "sequence_reset",
            Self::ConsumerTooSlow => "consumer_too_slow",
            Self::Reported { .. } => "reported",
        }
    }

    /// Whether the host is not reached at all, so that another may be.
    pub const fn is_out_of_reach(&self) -> bool {
        matches!(
            self,
            Self::Connect(_) | Self::Handshake { .. } | Self::ConnectTimeout(_) | Self::Idle(_)
        )
    }

    /// Whether the position itself is in doubt, so that connecting again would not mend it.
    pub const fn is_reset(&self) -> bool {
        matches!(self, Self::FutureCursor { .. } | Self::SequenceReset { .. })
    }
}

/// A sequence number in a message.
struct Shown(Option<i64>);

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(seq) => seq.fmt(f),
            None => f.write_str("(none)"),
        }
    }
}
