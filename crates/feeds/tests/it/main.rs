//! Homes through their public interface: entries in, homes read, on every engine.
#![expect(clippy::unwrap_used, reason = "tests")]

mod events;
mod fan_out;
mod grpc;
mod harness;
mod homes;
mod model;
mod parked;
mod promised;
mod settled;
mod standing;
