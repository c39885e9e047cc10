//! Where events come from: one trait, so that the simulator can stand in for the world.
//!
//! A source knows one thing: how to connect at a cursor and hand out raw messages. What the messages
//! mean, what was seen before, and when to connect again is decided by its [`crate::follow`] loop.

mod endpoint;
mod error;
mod firehose;
mod idle;
pub(crate) mod inflate;
mod jetstream;
mod probe;
mod socket;
mod wire;

use bytes::Bytes;

pub use endpoint::{Endpoint, endpoints};
pub use error::SourceError;
pub use firehose::Firehose;
pub(crate) use idle::IdleWatch;
pub use jetstream::Jetstream;
pub use probe::{Reached, reach};
pub(crate) use wire::{Head, Kind, Read, Wire};

/// A stream that can be (re)opened at a position.
pub trait Source: Send + 'static {
    /// An open connection.
    type Stream: Frames;

    /// Connects to `endpoint` at `cursor`: absent = from now on, 0 = from the oldest event kept,
    /// N = from event N, that one included.
    fn connect(
        &mut self,
        endpoint: &Endpoint,
        cursor: Option<i64>,
    ) -> impl Future<Output = Result<Self::Stream, SourceError>> + Send;
}

/// The messages of one connection, in order.
pub trait Frames: Send {
    /// The next data message. Keep-alive traffic is answered inside and is not data. Dropping the
    /// future loses nothing.
    fn next(&mut self) -> impl Future<Output = Result<Bytes, SourceError>> + Send;
}
