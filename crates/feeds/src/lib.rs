//! Feeds: what the data-plane's facts make of the homes of who reads here. An item is written once into the
//! home of everybody who follows whoever brought it, with a score that orders it for ever; a page is read from
//! there.
//!
//! ```text
//!   dataplane.changes.v1 ─worker─▶ fanout_job  settle_job  post_stats.due      (one transaction with the offset)
//!                                      │           │            │
//!                                  fan_out      settle       rescore    build, trim      (tasks, one lease each)
//!                                      └───────────┴─────▶ user_feeds ◀─────┘
//!                                                              │
//!                            page: a served session ◀── rows ∪ who is looked up at read time
//! ```
//!
//! Reads from: the topic `dataplane.changes.v1`, and questions to the data-plane. Writes to: the domain `feeds`,
//! all of which can be made again, and through its outbox to `post.created.v1` and `post.updated.v1`. Must stay true: a score is within 0 and 1; nobody's home has a line of
//! somebody who is blocked, muted or gone; an item stands in a home once; the way of an item into homes is a
//! row until it is done. Start at `worker.rs` for what a fact does, `query/home.rs` for what a reader sees.

pub mod model;
pub mod score;

mod deps;
mod names;

pub mod apply;
pub mod events;
pub mod jobs;
pub mod worker;

pub mod grpc;
pub mod query;
pub mod rpc;

pub mod client;
pub mod config;
pub mod error;
pub mod metrics;
pub mod parked;
pub mod schema;
pub mod sizes;

pub use client::Client;
pub use deps::Deps;
pub use error::FeedsError;
