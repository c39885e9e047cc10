//! The client, the resolver and the PDS questions against servers on this machine.
#![expect(clippy::unwrap_used, reason = "tests")]

mod http;
mod identity;
mod oauth;
mod pds;
mod server;
mod tls;
