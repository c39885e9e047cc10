//! What every process needs, and the only place that touches the machine's clock, entropy and
//! bare task spawning: everything else receives a [`clock::Clock`], an [`rng::Rng`] and a
//! [`supervise::Supervisor`] from the binary.
//!
//! Start reading at [`config::load`] (how a process learns what it is), then
//! [`supervise::Supervisor`] (how it lives and ends). Nothing here knows another crate of ours.

pub mod clock;
pub mod crash;
pub mod rng;

pub mod alert;
pub mod caches;
pub mod config;
pub mod error;
pub mod telemetry;
pub mod tls;

pub mod internal;
pub mod listen;
pub mod metrics;
pub mod supervise;
