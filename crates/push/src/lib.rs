//! Notifications pushed to browsers: whoever wants it is told what is new while no page is open (RFC 8030).
//!
//! Reads: the data-plane, by its client: which devices may have something new, what that is, and what the account
//! wants. Writes: how far each device was told, in `own`, by the same client. One process at a time sends
//! ([`worker`]), by a lease.
//!
//! What must stay true: a message leaves encrypted for its browser alone ([`encrypt`], RFC 8291) and signed by this
//! service ([`vapid`], RFC 8292); a device is told at least once, and at most once in `push.gap_seconds`; what cannot be
//! delivered is tried again ever more rarely, and given up after a bound; nothing else waits for it or fails with it.
//!
//! Start with [`worker`].

pub mod config;
mod encrypt;
mod message;
mod metrics;
mod send;
mod told;
mod vapid;
mod worker;

#[cfg(test)]
mod tests;

pub use config::PushConfig;
pub use vapid::{PushKeyError, Vapid};
pub use worker::{Pusher, PusherDeps};
