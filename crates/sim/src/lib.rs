//! A made-up AT Protocol network in one process: a PLC directory, a PDS and a relay with real
//! signed repositories and real frames, deterministic from a seed.
//!
//! It drives the demo, tests and benchmarks. [`World`] is the network without sockets: accounts
//! with repositories, and a firehose of encoded frames. [`Population`] makes it live: people who
//! post, reply, like and follow. [`Network`] serves a world over HTTP and WebSocket as a PLC
//! directory, a PDS and a relay would. Start at `world.rs`.

pub mod config;
pub mod identity;
pub mod jetstream;
pub mod population;
pub mod records;
pub mod repo;
pub mod world;

mod network;
mod plc;
mod relay;
mod tape;
mod words;
mod xrpc;

pub use config::SimConfig;
pub use network::{DemoAccount, Network, history};
pub use population::Population;
pub use world::World;
