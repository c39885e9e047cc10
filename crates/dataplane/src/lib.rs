//! The data-plane: log entries become actors, records and graph; questions are answered from them.
//!
//! Reads from: the topic `network.entries.v1`. Writes to: the domain `dataplane` (rebuildable),
//! the domain `own` (what Millrace alone knows) and, through its outbox, `dataplane.changes.v1`.
//! Must stay true: rows, counters, offset and outbox of a batch are one transaction; counters
//! move only with rows that were really inserted or removed; applying an entry twice is applying
//! it once. Start at `apply/like.rs` for the write side, `query/author_feed.rs` for the read side.

pub mod model;

pub mod collection;
pub mod flags;
mod gate;
pub mod images;
mod names;
pub mod reason;
mod search;
mod written;

pub mod apply;
pub mod interest;
pub mod owned;
pub mod parked;
pub mod purge;
pub mod ranking;
pub mod resync;
pub mod retention;
pub mod worker;

pub mod audit;
pub mod progress;
pub mod rebuild;
pub mod repair;

pub mod grpc;
mod openapi;
pub mod query;
pub mod rpc;

#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;

pub mod client;
pub mod codes;
pub mod config;
pub mod error;
pub mod metrics;
pub mod schema;

pub use client::Client;
pub use error::DataplaneError;
