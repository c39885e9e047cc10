//! A made-up AT Protocol network in one process: a PLC directory, PDSs, a relay, Jetstream, feed
//! generators and labelers, with real signed repositories and real frames, deterministic from a seed. It can misbehave.
//!
//! It drives the demo, tests and benchmarks. [`World`] is the network without sockets: accounts with
//! repositories, firehoses of encoded frames, and what is true in the end ([`World::truth`]).
//! [`Population`] makes it live: people who write records of every kind. [`FaultConfig`] says how it
//! misbehaves. [`Network`] serves a world over HTTP and WebSocket. Start at `world/mod.rs`.

pub mod config;
pub mod entries;
pub mod faults;
pub mod feeds;
pub mod frame_file;
pub mod identity;
pub mod jetstream;
pub mod labelers;
pub mod oracle;
pub mod population;
pub mod records;
pub mod repo;
pub mod service;
pub mod status;
pub mod world;

mod channel;
mod committed;
mod door;
mod host;
mod network;
mod plc;
mod relay;
mod shared;
mod tape;
mod words;
mod xrpc;

pub use channel::Event;
pub use config::{Mix, SimConfig};
pub use faults::FaultConfig;
pub use frame_file::{FrameFile, FrameRelay};
pub use labelers::{LabelLie, LabelSaid, LabelTruth};
pub use network::{DemoAccount, Network, history};
pub use population::Population;
pub use service::{Service, ServiceKind};
pub use status::Status;
pub use world::{Goodbye, Migration, World};
